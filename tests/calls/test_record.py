"""What every result tells of its call: the same keys, spelt and counted alike by every verb."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from costs import once_a_call, own_rows

import perturbxai as px
from perturbxai.results.explanation import Attribution

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
PHOTOS = [RNG.random((12, 16, 3)).astype(np.float32) for _ in range(2)]
TABLE = px.TabularSpace(X, background=6)
COARSE, FINE = (px.ImageSpace(segments="grid", n_segments=n, fill=0.0) for n in (4, 9))


def model(rows):
    flat = np.asarray(rows, dtype=float).reshape(len(rows), -1)
    return np.tanh(flat[:, :4].sum(axis=1)) + flat[:, 0] * flat[:, 1]


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.head = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.first(x).relu().mean((2, 3)))


def net():
    torch.manual_seed(0)
    return px.Predictor(Net(), output="logit")


def averaged(predictor):
    found = [px.explain("lime", predictor, space, PHOTOS, seed=n)["lime"] for n, space in enumerate((COARSE, FINE))]
    return px.average_segmentations(found, [COARSE, FINE])


def effects(found):
    return [one for by_name in found.values() for one in by_name.values()]


MAPS = ["random", "grad_cam", "score_cam", "gradient"]
# every verb that returns results, each with the results of one call on a predictor
VERBS = {
    "explain a table": lambda p: px.explain(["lime", "ale", "permutation_shap"], p, TABLE, X[:3] + 0.1, budget=60).values(),
    "explain by rows": lambda p: px.explain(["lime", "kernel_shap"], p, TABLE, X[:3] + 0.1, rows=60).values(),
    "explain to a tolerance": lambda p: px.explain("lime", p, TABLE, X[:3] + 0.1, budget=60, tol=0.5).values(),
    "explain photos": lambda p: px.explain(["lime", "rise", "pdp"], p, FINE, PHOTOS, budget=300).values(),
    "effects": lambda p: effects(px.effects(["pdp", "ice", "ale"], p, TABLE, X, grid=4)),
    "effects of a photo": lambda p: effects(px.effects(["pdp", "ale"], p, COARSE, PHOTOS[0])),
    "baselines of a table": lambda p: px.baselines(["random", px.GlassBox(additive=True)], p, TABLE, X[:2]).values(),
    "baselines of photos": lambda _: px.baselines(MAPS, net(), COARSE, PHOTOS).values(),
    "h_statistic": lambda p: [px.h_statistic(p, TABLE, X, data_rows=10)],
    "reference": lambda p: px.reference("shap.permutation", p, TABLE, X[:2], over="columns").values(),
    "from_shap": lambda p: [px.from_shap(SimpleNamespace(values=X[:3]), p, TABLE, X[:3])],
    "from_lime": lambda p: [px.from_lime(SimpleNamespace(local_exp={0: [], 1: []}, mode="regression"), p, TABLE, X[0])],
    "average_segmentations": lambda p: [averaged(p)],
}  # fmt: skip
ADDITIVE = {"baselines of a table", "from_lime"}


def results(verb):
    if verb == "reference":
        pytest.importorskip("shap")
    return list(VERBS[verb](px.Predictor((lambda rows: rows[:, 0] - rows[:, 3]) if verb in ADDITIVE else model)))


def metas(verb):
    """Of whole results, then of their parts."""
    found = results(verb)
    parts = [part.meta for one in found if isinstance(one, Attribution) for part in one]
    return [one.meta for one in found], parts


def documented():
    """The keys of the list in the docstring of Attribution."""
    (text,) = re.findall(r"an HStatistic:\n\n(.*?)\n\n", Attribution.__doc__, re.DOTALL)
    heads = [re.match(r" {4}(\S.*?)  ", line + "  ") for line in text.splitlines()]
    return {key for head in heads if head for key in head[1].split(", ")}


@pytest.mark.parametrize("verb", VERBS)
def test_every_result_has_the_documented_keys(verb):
    whole, parts = metas(verb)
    for meta in whole:
        assert documented() | {"name"} <= set(meta)
    for meta in parts:
        assert documented() <= set(meta) and "name" not in meta


def test_what_all_results_have_is_documented():
    common = [set(meta) for verb in VERBS for found in metas(verb) for meta in found]
    assert set.intersection(*common) == documented()


@pytest.mark.parametrize("verb", VERBS)
def test_costs_have_no_other_spelling(verb):
    known = {"rows", "rows_once_a_call", "rows_shared_with", "seconds", "call_rows", "call_model_seconds", "call_seconds"}
    known |= {"own_rows", "own_seconds", "background_rows", "drawn_rows", "reference_rows", "missing_rows"}
    for meta in itertools.chain(*metas(verb)):
        assert {key for key in meta if re.search("rows|seconds|cost", key)} <= known


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_once_a_call_is_part_of_the_rows_and_the_rows_of_the_call(verb):
    for meta in itertools.chain(*metas(verb)):
        assert all(type(n) is int and n >= 0 for n in meta["rows_once_a_call"].values())
        assert 0 <= sum(meta["rows_once_a_call"].values()) <= meta["rows"]
        assert 0.0 <= meta["call_model_seconds"] <= meta["call_seconds"]
    for meta in metas(verb)[0]:
        assert 0 < meta["rows"] <= meta["call_rows"]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "average_segmentations"])
def test_seconds_are_the_model_s_for_the_rows_but_for_what_was_measured_alone(verb):
    found = [one.meta for one in results(verb)]
    own_seconds = {one["own_seconds"] for one in found if "own_seconds" in one}
    for meta in found:
        if own_seconds:
            assert meta.get("own_seconds", 0.0) <= meta["seconds"] <= meta["call_seconds"]
        else:
            expected = meta["call_model_seconds"] * meta["rows"] / meta["call_rows"]
            assert meta["seconds"] == pytest.approx(expected)


@pytest.mark.parametrize("block", [None, 1], ids=["together", "a block an input"])
@pytest.mark.parametrize("discretizer", ["quartile", "entropy"])
@pytest.mark.parametrize("method", ["lime", "ale", "permutation_shap", "sampling_shap", "lime_tabular"])
def test_a_part_has_the_rows_that_it_would_cost_alone(method, discretizer, block, monkeypatch):
    if block:
        monkeypatch.setattr("perturbxai.calls.explain_call.ROWS_AT_ONCE", block)
    asked = px.TabularLime(discretizer=discretizer) if method == "lime_tabular" else method
    x = np.concatenate([X[:2], X[:2] + 0.1])  # rows of the table, and others
    predictor = px.Predictor(model)
    (found,) = px.explain(asked, predictor, TABLE, x, budget=60).values()
    assert once_a_call(found) <= found.meta["rows"] == predictor.rows
    for n, one in enumerate(found):
        predictor = px.Predictor(model)
        (alone,) = px.explain(asked, predictor, TABLE, x[n], budget=60).values()
        assert one.meta["rows"] == predictor.rows == alone.meta["rows"]
        assert one.meta["rows_once_a_call"] == alone.meta["rows_once_a_call"]


@pytest.mark.parametrize("kind", ["baselines", "reference"])
def test_what_is_once_a_call_is_added_once_over_the_inputs(kind):
    if kind == "reference":
        pytest.importorskip("shap")
        (found,) = px.reference("shap.kernel", px.Predictor(model), TABLE, X[:3] + 0.1, over="columns").values()
    else:
        found = px.baselines("grad_cam", net(), COARSE, PHOTOS)["grad_cam"]
    assert found.meta["rows"] == sum(map(own_rows, found)) + once_a_call(found) == found.meta["call_rows"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_call_says_its_own_cost_on_a_predictor_that_was_used_before(verb):
    predictor = px.Predictor((lambda rows: rows[:, 0] - rows[:, 3]) if verb in ADDITIVE else model)
    if verb == "reference":
        pytest.importorskip("shap")
    first = [one.meta["rows"] for one in VERBS[verb](predictor)]
    assert [one.meta["rows"] for one in VERBS[verb](predictor)] == first


# ------------------------------------------------------------------------------------------------ files of before


def before(found, **more):
    """The result as versions before wrote it: rows beside those that are asked once a call, of baselines without a seed."""
    once = found.meta["rows_once_a_call"]
    for meta in (found.meta, *(one.meta for one in found)):
        meta["rows"] -= sum(meta["rows_once_a_call"].values())
        meta["rows_once_a_call"] = once
        meta |= more
        if not more:
            del meta["seed"], meta["budget"]
    return found.to_json()


@pytest.mark.parametrize("kind", ["baselines", "reference"])
def test_files_of_before_are_read_in_the_meaning_of_today(kind, tmp_path):
    if kind == "baselines":
        found = px.baselines("grad_cam", net(), COARSE, PHOTOS)["grad_cam"]
        more = {}
    else:
        pytest.importorskip("shap")
        (found,) = px.reference("shap.kernel", px.Predictor(model), TABLE, X[:3], over="columns").values()
        more = {"wall_seconds": 1.0}
    rows, own = found.meta["rows"], sum(map(own_rows, found))
    again = Attribution.from_json(before(found, **more))
    assert again.meta["rows"] == rows == sum(map(own_rows, again)) + once_a_call(again)
    assert sum(map(own_rows, again)) == own
    twice = Attribution.from_json(again.to_json())
    if kind == "baselines":
        predictor, space = net(), COARSE
    else:
        predictor, space = px.Predictor(model), TABLE
    costs = px.compare({"then": again}, predictor, space, metrics=["deletion"]).costs
    assert costs.rows.tolist() == [rows] and (px.report({"then": again}, tmp_path / "page") / "index.html").exists()
    assert twice.meta["rows"] == rows
