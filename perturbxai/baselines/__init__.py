"""Baselines: maps from inside a network, and controls that look at no model."""
