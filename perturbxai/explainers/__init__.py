"""Floor 4: which questions to ask, and what to conclude. One file a method, numpy in, numpy out; none calls a model."""
