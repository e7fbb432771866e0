"""Floor 6: results as CSV files, figures and a page."""
