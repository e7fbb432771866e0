"""Results from files."""

from pathlib import Path

from perturbxai.results.explanation import Attribution


def read_json(text_or_path: str | Path) -> Attribution:
    """What `to_json` wrote, from its text or from a file: `Attribution.from_json`, which tells what it raises.

    >>> import numpy as np, perturbxai as px
    >>> X = np.eye(3)
    >>> found = px.explain("kernel_shap", lambda X: X.sum(axis=1), X, X)["kernel_shap"]
    >>> bool((px.read_json(found.to_json()).values == found.values).all())
    True
    """
    return Attribution.from_json(text_or_path)
