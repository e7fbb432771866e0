"""By what a run is known again: its methods and options, its space, its model's answers, its rows, and what computes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.core.methods import Method
from perturbxai.core.types import Frame
from perturbxai.core.versions import versions
from perturbxai.inputs.spaces import TabularSpace, digest
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.manifest import plainly

# what a plan tells of how the model is asked, and not of what happened so far
ASKED_AS = ("kind", "output", "batch_size", "device", "layout", "precision", "rows_built", "compiled", "pixels", "transform")


def spelled(method: Method) -> str:
    """A method and its options, without the places in memory of functions among them.

    >>> import perturbxai as px
    >>> spelled(px.Lime())
    "Lime(kernel_width=0.25, ridge=0.0, surrogate='auto', name='')"
    """
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(method))


def of_space(space: TabularSpace) -> dict[str, Any]:
    absence = digest(space.background, space.background_weights, space.player_of_column)
    return {
        "features": space.columns.names, "players": space.names, "background": "".join(f"{word:08x}" for word in absence),
    }  # fmt: skip


def of_model(predictor: Predictor) -> dict[str, Any]:
    plan = {key: value for key, value in predictor.plan.items() if key in ASKED_AS}
    return {"plan": plan, "all_outputs": predictor.outputs}


def of_what_computes(packages: Sequence[str] = ()) -> dict[str, str]:
    """Versions; of Python without its patches. packages: more of them, where they are installed."""
    from importlib.metadata import PackageNotFoundError, version

    found = versions()
    found["python"] = ".".join(found["python"].split(".")[:2])
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def digest_of_rows(block: Frame) -> str:
    """SHA-256 of the names, kinds and values of a block's columns, the same in any process."""
    import pandas as pd

    state = hashlib.sha256()
    for name, column in block.items():
        state.update(f"{name}\0{column.dtype}\0".encode())
        if getattr(column.dtype, "kind", "O") in "biufmM" and isinstance(column.dtype, np.dtype):
            state.update(np.ascontiguousarray(column.to_numpy()).tobytes())
            continue
        for value in column.astype(object):
            missing = pd.api.types.is_scalar(value) and pd.isna(value)
            state.update(("\1" if missing else f"{type(value).__name__}\2{as_text(value)}").encode("utf-8", "surrogatepass"))
            state.update(b"\0")
    return state.hexdigest()


def as_text(value: Any) -> str:
    """A cell as text: lists, arrays and mappings as JSON, whole, all else as it reads.

    >>> as_text(np.arange(3)), as_text({"a": 1}), as_text("b")
    ('[0, 1, 2]', '{"a": 1}', 'b')
    """
    if isinstance(value, (list, tuple, np.ndarray, Mapping)):
        return json.dumps(value, default=plainly, ensure_ascii=False)
    return str(value)
