"""Floor 7: the command line: a config in, files out."""
