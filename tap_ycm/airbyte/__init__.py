"""The tap as a source for Airbyte: the same reading and the same verdicts, in the messages of the Airbyte protocol."""
