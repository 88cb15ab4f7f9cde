"""How a list that changes while it is read is read completely. Pure: no SDK, no HTTP."""
