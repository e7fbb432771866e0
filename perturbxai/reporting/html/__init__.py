"""The report as one HTML page that needs nothing else: its model, its charts, its words, and what keeps it safe."""
