"""Packages that come with an extra of this one: what is said where one of them is not installed."""

from importlib.util import find_spec

EXTRAS = {
    "torch": "torch",
    "torchvision": "images",
    "zennit": "propagation",
    "lime": "reference",
    "shap": "reference",
    "pyarrow": "parquet",
    "plotly": "interactive",
}


class NoNetwork(ImportError, TypeError):
    """The model is no torch.nn.Module, and none can be made: torch is not installed. A TypeError as it is where torch is."""


def remedy(package: str, extra: str = "") -> str:
    """That a package is not installed, and the line that installs it, with its own extra or another that brings it.

    >>> remedy("torch")
    'the package torch is not installed: pip install "perturbxai[torch]"'
    """
    return f'the package {package} is not installed: pip install "perturbxai[{extra or EXTRAS[package]}]"'


def installed(package: str) -> bool:
    """Whether a package can be loaded, without loading it."""
    try:
        return find_spec(package) is not None
    except ImportError:
        return False


def not_a_network(message: str) -> TypeError:
    """What to raise where a model is to be a torch.nn.Module and is not, in words that say so."""
    return TypeError(message) if installed("torch") else NoNetwork(f"{message} Besides, {remedy('torch')}")
