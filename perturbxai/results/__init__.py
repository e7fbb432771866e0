"""Floor 2: what was found: attributions, effects, importances, picks, and their files."""
