"""From answers on a grid to curves and surfaces."""
