"""What knows the Singer SDK's formats: the catalog and the stream maps that people write."""
