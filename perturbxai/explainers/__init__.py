"""Explainers: which questions to ask, and what to conclude. numpy in, numpy out; none of them calls a model."""
