"""Versions of what computes, for results and manifests."""

import platform
from contextlib import suppress

_versions: dict[str, str] = {}


def versions() -> dict[str, str]:
    """Versions of what computes: this package, Python, and the libraries under it."""
    if not _versions:
        from importlib.metadata import PackageNotFoundError, version

        _versions["python"] = platform.python_version()
        for package in ("perturbxai", "numpy", "numba", "scipy", "scikit-learn", "scikit-image", "pandas", "torch"):
            with suppress(PackageNotFoundError):
                _versions[package] = version(package)
    return dict(_versions)
