"""Floor 1: arrays, kernels, questions and answers. It knows no model, no space and no method's class."""
