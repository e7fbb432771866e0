"""Floor 2: any model as rows in, an (n, K) float64 array out. The only folder that calls a model."""
