"""From answers near a row to a linear fit."""
