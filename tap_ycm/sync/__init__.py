"""One sync of one stream: what is remembered, what may be deleted, what is reported. Pure: no SDK, no HTTP."""
