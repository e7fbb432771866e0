"""Figures of plotly: the twins of those that matplotlib draws, with what lies under the mouse in words."""
