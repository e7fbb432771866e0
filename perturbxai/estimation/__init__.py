"""Floor 3: the mathematics from a table of answers to values and their errors. It calls no model."""
