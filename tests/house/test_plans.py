"""docs/plans.md: what it shows runs, and says what it is said to say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from perturbxai.models import compilation

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plans.md").read_text("utf-8")


def test_what_the_page_shows_runs(monkeypatch, capsys):
    for name in ("torch", "onnxruntime", "onnxscript"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    monkeypatch.setattr(compilation, "BACKEND", "eager")  # a compiler takes its time
    names: dict[str, Any] = {}
    for part in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(part, "docs/plans.md", "exec"), names)
    assert capsys.readouterr().out.count("'of_spread'") == 2
    assert names["results"]["kernel_shap"].meta["plan"]["kind"] == "callable"  # the last is the session's
