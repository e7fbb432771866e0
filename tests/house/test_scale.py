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
    assert len(ways) == 4
    told: list[np.ndarray] = []
    lines = None
    for way in ways:
        names: dict[str, object] = {}
        exec(start + way, names)
        if "found" in names:
            told.append(names["found"]["kernel_shap"].values)
        lines = names.get("lines", lines)
    assert len(told) == 3
    for values in told[1:]:
        np.testing.assert_array_equal(values, told[0])
    in_files = lines[[name for name in lines if name.startswith("value_")]].to_numpy().reshape(20, 2, 8)[:8]
    np.testing.assert_allclose(in_files, told[0].transpose(0, 2, 1), rtol=1e-12, atol=1e-15)
    assert lines["x_id"].tolist() == [row for row in range(20) for _ in range(2)]
