"""docs/extending.md does what it says: its snippets run, and each is in the package once its file and its row are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import perturbxai as px

ROOT = Path(__file__).resolve().parents[2]
START, *SECTIONS = (ROOT / "docs" / "extending.md").read_text("utf-8").split("\n## ")
NAMED = {section.partition("\n")[0]: section for section in SECTIONS}
CONTRIBUTED = r"as `(perturbxai/\S+\.py)`, and\n\n```py\n# in (\w+)\n(.*?)```"


def snippets(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def ran():
    """Section -> the names that its snippets left, each after those before."""
    names: dict[str, object] = {}
    left = {}
    for title, text in {"start": START, **NAMED}.items():
        for snippet in snippets(text):
            exec(compile(snippet, f"docs/extending.md, {title}", "exec"), names)
        left[title] = dict(names)
    return left


def test_there_is_a_section_for_each_kind():
    kinds = ["An explainer of coalitions", "A baseline", "A metric", "A fill", "A segmenter"]
    assert list(NAMED) == [*kinds, "What holds for each row and file"] and all(
        re.search(CONTRIBUTED, NAMED[kind], re.DOTALL) for kind in kinds
    )


def test_the_explainer_says_what_it_promises(ran):
    found = ran["An explainer of coalitions"]["found"]
    assert found["BothEnds"].values.shape == (3, 4, 1)
    # two columns act together at most, so that both ends tell the Shapley value
    np.testing.assert_allclose(found["BothEnds"].values, found["exact_shap"].values, atol=1e-12)


@pytest.mark.parametrize("n_players", [1, 2, 3, 9])
def test_the_explainer_takes_any_number_of_players(ran, n_players):
    own = ran["An explainer of coalitions"]["BothEnds"]
    X = np.random.default_rng(1).normal(size=(30, n_players))
    predictor, space = px.Predictor(lambda rows: rows.sum(axis=1) + rows[:, 0] * rows[:, -1]), px.TabularSpace(X)
    found = px.explain([own(), "exact_shap"], predictor, space, X[:2])
    np.testing.assert_allclose(found["BothEnds"].values, found["exact_shap"].values, atol=1e-12)


def test_the_baseline_is_the_grey_of_the_superpixels(ran):
    names = ran["A baseline"]
    one = names["maps"]["Brightness"][0]
    grey = names["photo"].mean(axis=2)
    np.testing.assert_allclose(one.values[:, 0], names["squares"].pool(grey, names["photo"])[0], rtol=1e-6)  # float32


def test_the_metric_has_its_column(ran):
    scores = ran["A metric"]["compared"].summary()
    assert scores.concordance.between(-1, 1).all() and scores.concordance["exact_shap"] > 0.5


def test_the_fill_is_at_home_under_its_own_name(ran):
    scores = ran["A fill"]["compared"].scores
    assert set(scores.scored_fill[scores.home]) == {"median"} and set(scores.scored_fill) == {"median", "blur"}


def test_the_segmenter_cuts_as_many_as_asked(ran):
    names = ran["A segmenter"]
    (one,) = names["striped"].players(names["photo"])
    assert len(one.names) == 8


# ------------------------------------------------------------------------------------------------ in the package


TRIED = """
import sys, numpy as np, perturbxai as px
from perturbxai.command.cli import listed
from perturbxai.command.config import parse_config
from perturbxai.reporting.style import styles_of, titles

assert px.__file__.startswith(sys.argv[1])
told = {line.split()[0] for line in listed().splitlines() if line.startswith("  ")}
assert {"both_ends", "brightness", "concordance", "median", "stripes"} <= told
parse_config({"photo": {"methods": ["both_ends"], "baselines": ["brightness"], "metrics": ["concordance"],
    "fills": ["median"], "segments": "stripes"}, "table": {"methods": ["both_ends"], "metrics": ["concordance"]}})
photo = np.random.default_rng(0).uniform(0, 255, (24, 24, 3))
model = px.Predictor(lambda photos: photos[:, :8, :8].mean(axis=(1, 2, 3)) ** 2)
space = px.ImageSpace(segments="stripes", n_segments=6, fill="median")
found = px.explain(["both_ends", px.BothEnds(name="mine"), "exact_shap"], model, space, photo)
found |= px.baselines(["brightness"], model, space, photo)
again = px.Attribution.from_json(found["both_ends"].to_json())
assert again.method == px.BothEnds() and (again.values == found["both_ends"].values).all()
compared = px.compare(found, model, space, fills=["median", "blur"])
assert compared.summary()["concordance"].notna().all()
assert set(compared.scores.explained_fill[compared.scores.method == "brightness"]) == {"none"}
assert titles(found)["both_ends"] == "both ends" and styles_of(found)["both_ends"]["color"] == "#4E3B00"
px.report(compared, sys.argv[1] + "/report")
"""


@pytest.fixture(scope="module")
def contributed(tmp_path_factory):
    """A copy of the package with a file and a row for each section."""
    place = tmp_path_factory.mktemp("contributed")
    for part in ("perturbxai", "tests"):
        shutil.copytree(ROOT / part, place / part, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "docs").mkdir()
    for part in ("docs/architecture.md", "pyproject.toml"):
        shutil.copy(ROOT / part, place / part)
    catalogue = place / "perturbxai" / "core" / "catalogue.py"
    for text in list(NAMED.values())[:-1]:  # the last is about them all
        file, rows, row = re.search(CONTRIBUTED, text, re.DOTALL).groups()
        head = '"""As contributed."""\n\nfrom __future__ import annotations\n\n'
        (place / file).write_text(head + snippets(text)[0], "utf-8")
        before, begin, after = catalogue.read_text("utf-8").partition(f"\n{rows} = {{\n")
        assert begin, rows
        catalogue.write_text(before + begin + row + after, "utf-8")
    return place


def run(place, *words):
    own = os.environ | {"PYTHONPATH": str(place)}
    done = subprocess.run([sys.executable, *words], cwd=place, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_a_file_and_a_row_are_all_that_it_takes(contributed):
    run(contributed, "-W", "error", "-c", TRIED, str(contributed))


@pytest.mark.slow
def test_the_house_stands_with_them(contributed):
    run(contributed, "tests/support/stub.py")
    stub = "tests/house/test_face.py::test_the_stub_names_what_the_package_offers_and_where_it_lives"
    colours = "tests/house/test_catalogue.py"
    run(contributed, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/house/test_layers.py", stub, colours)
