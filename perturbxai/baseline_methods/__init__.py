"""Floor 4: maps from inside a network, glass boxes, and controls that look at no model."""
