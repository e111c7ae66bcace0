"""The command `malsori`: parse, call the public API, print. Text to stdout, everything else to stderr."""
