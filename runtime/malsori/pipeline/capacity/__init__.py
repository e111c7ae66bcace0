"""How many live streams an engine bears on this machine."""
