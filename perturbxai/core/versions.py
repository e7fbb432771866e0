"""Versions of what computes, for results and manifests."""

import platform

_versions: dict[str, str] = {}


def versions() -> dict[str, str]:
    """Versions of what computes: this package, Python, and the libraries under it."""
    if not _versions:
        from importlib.metadata import PackageNotFoundError, version

        _versions["python"] = platform.python_version()
        for package in ("perturbxai", "numpy", "numba", "scipy", "scikit-learn", "scikit-image", "pandas", "torch"):
            try:
                _versions[package] = version(package)
            except PackageNotFoundError:
                continue
    return dict(_versions)
