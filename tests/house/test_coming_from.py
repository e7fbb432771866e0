"""docs/coming-from: the code of other packages and ours stand side by side, and find the same, as far as they should."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pages
import pytest

PACKAGES = {"lime": "lime", "shap": "shap", "pyale": "PyALE", "captum": "captum", "grad-cam": "pytorch_grad_cam"}
PAGES = {
    page.stem: page.read_text("utf-8") for page in sorted((pages.DOCS / "coming-from").glob("*.md")) if page.stem != "index"
}
PAIR = re.compile(r'<table class="pair">(.*?)</table>', re.DOTALL)

# how far, as a share of the largest number on their side, ours may lie from it, pair by pair from the top
TOLERANCES = {
    # theirs draws 5,000 rows, and shrinks by a ridge; the photo's model is additive, and leaves the ridge alone
    "lime": (0.12, 0.08, 0.02),
    # all combinations; trees, whose thresholds theirs has in float32; all combinations; 20 walks on each side; all of the
    # hierarchy
    "shap": (1e-6, 0.01, 1e-9, 0.03, 1e-9),
    "scikit-learn": (1e-12, 1e-12, 1e-12),  # sums in another order
    "pyale": (1e-10,),
    # 50 nodes in float64 on both sides; all orders, which theirs adds up in float32; a slope; then a network in float32
    "captum": (1e-6, 1e-5, 1e-9, 1e-4, 1e-5),
    "grad-cam": (1e-5, 1e-5),  # float32
}


def test_each_page_has_its_tolerances():
    assert {name: len(PAIR.findall(text)) for name, text in PAGES.items()} == {
        n: len(some) for n, some in TOLERANCES.items()
    }


@pytest.mark.parametrize("name", PAGES)
def test_both_columns_run_and_find_the_same(name):
    if name in PACKAGES:
        pytest.importorskip(PACKAGES[name], reason=f"{PACKAGES[name]} is not installed")
    if "import torch" in PAGES[name]:
        pytest.importorskip("torch", reason="torch is not installed")
    names: dict[str, Any] = {}
    tolerances = iter(TOLERANCES[name])
    for between, pair in re.findall(r'(.*?)(?:<table class="pair">(.*?)</table>|\Z)', PAGES[name], re.DOTALL):
        for code in (*pages.blocks(between), *(columns := pages.blocks(pair))):
            exec(compile(code, f"docs/coming-from/{name}.md", "exec"), names)
        if columns:
            assert len(columns) == 2
            theirs, ours = (np.asarray(names.pop(side), dtype=float) for side in ("theirs", "ours"))
            assert theirs.shape == ours.shape and np.ptp(theirs) > 0
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=next(tolerances) * np.abs(theirs).max())
    assert next(tolerances, None) is None
