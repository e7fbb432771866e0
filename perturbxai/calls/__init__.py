"""Floor 5: one file a public verb, and the loop over the model."""
