"""From a row as YCM sends it to a record that any target can load: same facts, the schema's types.

Pure: no SDK, no HTTP.
"""
