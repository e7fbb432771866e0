"""Every example of the gallery runs as it stands, is written for readers, and leaves nothing behind.

The site is built from the same files (sphinx-gallery), which runs them, and shows them as pages and notebooks. Here they
run with `-m slow`.
"""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = {str(path.relative_to(EXAMPLES)): path for path in sorted(EXAMPLES.rglob("*.py"))}
OF_NETWORKS = sorted(name for name, path in FILES.items() if "assets.efficientnet_lite0" in path.read_text("utf-8"))
LONGEST = 125  # characters of a line


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of shap's colours, by matplotlib
def test_an_example_runs_as_a_script_and_writes_nothing_where_it_stands(name, tmp_path, monkeypatch):
    for needed in ("xgboost", "lightgbm", "onnxruntime", "skl2onnx", "shap"):
        if f"import {needed}" in FILES[name].read_text("utf-8"):
            pytest.importorskip(needed)
    if "interactive=True" in FILES[name].read_text("utf-8"):
        pytest.importorskip("plotly")
    if name in OF_NETWORKS:
        pytest.importorskip("efficientnet_lite_pytorch", reason="the quickstart extra is not installed")
    import matplotlib

    matplotlib.use("Agg")
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    beside = sorted(EXAMPLES.rglob("*"))
    runpy.run_path(str(FILES[name]), run_name="__main__")
    assert not list(here.iterdir())
    assert sorted(EXAMPLES.rglob("*")) == beside


def test_there_are_twenty_examples_and_each_section_has_some():
    assert len(FILES) >= 20
    sections = {EXAMPLES / name for name in ("tables", "effects", "photos", "comparing", "large")}
    assert sections <= {path.parent for path in FILES.values()}
    assert all((section / "GALLERY_HEADER.rst").is_file() for section in sections)


@pytest.mark.parametrize("name", FILES)
def test_an_example_has_a_title_says_what_it_shows_and_draws_a_figure(name):
    source = FILES[name].read_text("utf-8")
    assert FILES[name].name.startswith("plot_")  # what the site runs
    title, line, empty, *text = ast.get_docstring(ast.parse(source)).split("\n")
    assert set(line) == {"="} and len(line) >= len(title) and not empty
    assert len(" ".join(text).split()) >= 15
    blocks = re.split(r"^# %%\n", source, flags=re.MULTILINE)[1:]
    assert len(blocks) >= 4
    assert sum(block.startswith("# ") for block in blocks) >= 3  # words, and not code alone
    assert re.search(r"^(px\.plot|.*px\.plot_effects|figure, ax|sizes\.)", source, re.MULTILINE)
    assert max(map(len, source.split("\n"))) <= LONGEST


def test_titles_are_told_apart():
    titles = [ast.get_docstring(ast.parse(path.read_text("utf-8"))).split("\n")[0] for path in FILES.values()]
    assert len(set(titles)) == len(titles)


def test_what_the_examples_call_is_public():
    import perturbxai as px

    called = {name for path in FILES.values() for name in re.findall(r"\bpx\.(\w+)", path.read_text("utf-8"))}
    assert called <= set(px.__all__)
    assert {"explain", "effects", "baselines", "compare", "reference", "report", "explain_to", "h_statistic"} <= called
