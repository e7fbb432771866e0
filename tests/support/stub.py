"""Writes what editors and type checkers read of the package, `__init__.pyi`, from the names that it offers."""

from __future__ import annotations

from pathlib import Path

import perturbxai as px

STUB = Path(px.__file__).with_suffix(".pyi")


def text() -> str:
    """The stub as it stands, with the imports that the names ask for."""
    head, _, rest = STUB.read_text("utf-8").partition("\nfrom ")
    lines = sorted(f"from {module} import {name} as {name}" for name, module in px._HOME.items())
    return "\n".join([head, *lines]) + "\n\n" + rest.partition("\n\n")[2]


if __name__ == "__main__":
    STUB.write_text(text(), "utf-8")
