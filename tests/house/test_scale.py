"""docs/scale.md: what it shows runs, and finds the same each time."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scale.md").read_text("utf-8")


def test_what_the_page_shows_runs_and_finds_the_same():
    pytest.importorskip("distributed", reason="dask[distributed] is not installed")
    start, *ways = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(ways) == 3
    told: list[np.ndarray] = []
    for way in ways:
        names: dict[str, object] = {}
        exec(start + way, names)
        told.append(names["found"]["kernel_shap"].values)
    for values in told[1:]:
        np.testing.assert_array_equal(values, told[0])
