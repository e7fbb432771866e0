"""Charts as HTML tables and inline SVG, one kind a file: readable without a script, in any width, light and dark."""
