"""Floor 4: the packages lime and shap, run through our Predictor: what `reference` calls."""
