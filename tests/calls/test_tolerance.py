"""tol=: stages at a growing table, each the beginning of the next, and a stop as soon as the intervals are narrow enough."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from recorders import Recorder

import perturbxai as px
from perturbxai.sampling.coalitions import draw_cells, draw_design
from perturbxai.sampling.growing import growing_totals, nested_stages
from perturbxai.sampling.laws import lime, shapley, singletons

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=14)
ROWS = RNG.normal(size=(300, 14))


def smooth(rows):
    """Easy: nearly additive."""
    return np.tanh(rows @ WEIGHTS / 8.0)


def jumping(rows):
    """Hard: products of many players' signs."""
    signs = rows > 0
    return 1.0 * (signs[:, :4].sum(axis=1) >= 3) + (signs[:, 4:8].sum(axis=1) % 2) + 2.0 * (signs[:, 7:14].sum(axis=1) >= 5)


def explained(model, tol, x=ROWS[:4], method="kernel_shap", seed=0, budget=4000, background=5, **options):
    space = px.TabularSpace(ROWS, background=background)
    return px.explain([method], px.Predictor(model), space, x, tol=tol, budget=budget, seed=seed, **options)[method]


def stages_of(design, listed_sides=False, seed=1):
    totals = growing_totals(design.n_players, len(design.z), 0)
    return nested_stages(design, listed_sides, np.random.default_rng(seed), totals)


# -------------------------------------------------------------------------------------------------- stages


@pytest.mark.parametrize("n_players", [12, 15, 30])
def test_looks_are_the_beginnings_of_one_design(n_players):
    laws = [shapley(n_players), lime(n_players, 0.25)]
    whole = draw_design(laws, n_players, 40 * n_players + 2, np.random.default_rng(0))
    stages = stages_of(whole)
    sizes = [len(stage.z) for stage in stages]
    assert sizes[0] == 4 * n_players and sizes[-1] == len(whole.z) and np.all(np.diff(sizes) > 0)
    assert all(later >= earlier for earlier, later in zip(sizes, 1.4 * np.array(sizes[1:]), strict=False))
    for earlier, later in pairwise(stages):
        assert (later.z[: len(earlier.z)] == earlier.z).all()
    assert {row.tobytes() for row in stages[-1].z} == {row.tobytes() for row in whole.z}
    for stage in stages:
        assert (stage.z[0::2] != stage.z[1::2]).all()
        counts, last = np.bincount(stage.sizes, minlength=n_players + 1), np.bincount(whole.sizes, minlength=n_players + 1)
        # every size has its share from the first stage on, up to rounding and what is listed whole
        open_ = counts < last
        assert np.abs(counts / counts.sum() - last / last.sum())[open_].max(initial=0.0) < 2.5 / len(stage.z) + 0.06


def test_listed_sides_are_whole_in_every_look():
    whole = draw_design([shapley(12), singletons(12)], 12, 400, np.random.default_rng(0))
    for stage in stages_of(whole, listed_sides=True):
        assert (stage.sizes == 1).sum() == 12 and (stage.sizes == 11).sum() == 12


def test_looks_before_the_list_of_all_are_draws_from_it():
    whole = draw_design([shapley(10)], 10, 1024, np.random.default_rng(0))
    stages = stages_of(whole)
    assert [stage.listed for stage in stages] == [False] * (len(stages) - 1) + [True]
    assert len(stages) > 3 and len(stages[-1].z) == 1022
    first, other = ({row.tobytes() for row in stages_of(whole, seed=seed)[0].z} for seed in (1, 2))
    assert first != other  # not the first of the list


def test_looks_at_cells_keep_their_background_rows_and_their_balance():
    rng = np.random.default_rng(0)
    whole = draw_cells([shapley(12)], 12, 3000, 40, rng)
    stages = stages_of(whole)
    cells = {(row.tobytes(), int(b)) for row, b in zip(whole.z, whole.base, strict=True)}
    assert {(row.tobytes(), int(b)) for row, b in zip(stages[-1].z, stages[-1].base, strict=True)} == cells
    for stage in stages:
        assert (stage.base[0::2] == stage.base[1::2]).all()
        singles = stage.base[0::2][np.minimum(stage.sizes, 12 - stage.sizes)[0::2] == 1]
        assert np.ptp(np.bincount(singles, minlength=40)) <= 1


def test_a_design_too_small_to_look_at_is_its_only_look():
    whole = draw_design([shapley(12)], 12, 40, np.random.default_rng(0))
    assert stages_of(whole) == [whole]


@pytest.mark.parametrize("budget", [None, 70, 512, 700])
@pytest.mark.parametrize("n_players", [5, 6, 8, 9])
@pytest.mark.parametrize(
    "method",
    [
        px.ExactShap(), px.Interactions(), px.Interactions(index="stii"), px.Interactions(index="fsii"), px.Occlusion(),
        px.Pdp(), px.Ice(), px.KernelShap(), px.Lime(), px.Banzhaf(p=0.2), px.Rise(estimator="plain"),
    ],
    ids=str,
)  # fmt: skip
def test_the_first_look_has_what_each_method_needs_or_no_row_is_asked(method, n_players, budget):
    asked = []

    def model(rows):
        asked.append(len(rows))
        return rows @ np.arange(1.0, n_players + 1.0) + rows[:, 0] * rows[:, 1] * rows[:, 2]

    space = px.TabularSpace(np.zeros((1, n_players)))
    options = {"budget": budget, "tol": 0.1}
    if budget is not None and budget < min(method.law(n_players).minimum, 2**n_players):
        with pytest.raises(ValueError, match=r"Ask for budget="):
            px.explain(method, px.Predictor(model), space, np.ones((2, n_players)), **options)
        assert not asked
        return
    (found,) = px.explain(method, px.Predictor(model), space, np.ones((2, n_players)), **options).values()
    assert np.isfinite(found.values).all()


# -------------------------------------------------------------------------------------------------- stopping


def test_a_hard_game_is_asked_at_least_half_as_much_more_as_an_easy_one():
    easy, hard = (explained(model, 0.1) for model in (smooth, jumping))
    assert all(one.meta["reached"] for one in [*easy, *hard])
    assert hard.meta["rows"] > 1.5 * easy.meta["rows"]


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "banzhaf"])
def test_a_tolerance_that_is_reached_is_kept_by_the_simultaneous_intervals(method):
    found = explained(jumping, 0.15, method=method)
    for one in found:
        low, high = one.interval(simultaneous=True)
        assert one.meta["reached"] and (high - low).max() / 2 <= 0.15 * np.ptp(one.values) * (1 + 1e-12)
        assert one.meta["tol"] == 0.15 and one.meta["stages"] >= 1 and not one.meta["listed"]


def test_a_tolerance_that_the_budget_does_not_reach_is_told():
    found = explained(jumping, 1e-4, budget=300)
    assert [one.meta["reached"] for one in found] == [False] * 4
    assert all(one.meta["coalitions"] == 300 for one in found)


def test_inputs_stop_one_by_one():
    rows = np.vstack([ROWS[:3], np.where(np.arange(14) < 2, ROWS[:3], ROWS[5])])
    space = px.TabularSpace(ROWS[5:6])

    def mixed(given):
        return given[:, 0] * 3.0 + np.where(given[:, 3] != ROWS[5, 3], jumping(given), 0.0)

    found = px.explain(["kernel_shap"], px.Predictor(mixed), space, rows[:3], tol=0.05, budget=4000)["kernel_shap"]
    plain = px.explain(["kernel_shap"], px.Predictor(lambda r: r @ WEIGHTS), space, rows[:3], tol=0.05)["kernel_shap"]
    # coalitions that agree are no proof: also an additive model is looked at until few enough could have been missed
    assert all(one.meta["reached"] for one in plain)
    assert max(one.meta["stages"] for one in plain) < max(one.meta["stages"] for one in found)


def test_all_methods_of_a_call_have_to_reach_it():
    alone = explained(jumping, 0.1, method="kernel_shap")
    space = px.TabularSpace(ROWS, background=5)
    both = px.explain(["kernel_shap", "lime"], px.Predictor(jumping), space, ROWS[:4], tol=0.1, budget=4000)
    assert all(one.meta["reached"] for found in both.values() for one in found)
    assert both["lime"][0].meta["coalitions"] == both["kernel_shap"][0].meta["coalitions"]
    assert alone[0].meta["reached"]


def test_a_row_stops_alike_alone_in_company_and_at_any_batch_size():
    together = explained(jumping, 0.1)
    space = px.TabularSpace(ROWS, background=5)
    for number in (0, 3):
        alone = px.explain(
            ["kernel_shap"], px.Predictor(jumping, batch_size=64), space, ROWS[number : number + 1], tol=0.1, budget=4000
        )["kernel_shap"]
        np.testing.assert_array_equal(alone[0].values, together[number].values)
        assert alone[0].meta["stages"] == together[number].meta["stages"]


def test_rows_are_counted_once_over_all_looks():
    model = Recorder(jumping)
    found = explained(model, 0.1)
    assert found.meta["rows"] == found.meta["call_rows"] == len(model.rows) and model.repeated == 0


def test_cells_stop_as_coalitions_do():
    space = px.TabularSpace(ROWS, background=50)
    found = px.explain(["kernel_shap"], px.Predictor(jumping), space, ROWS[:3], tol=0.15, rows=60_000)["kernel_shap"]
    assert all(one.meta["reached"] and one.meta["rows"] < 60_000 for one in found)
    assert len({one.meta["stages"] for one in found}) >= 1


def test_the_whole_budget_without_a_stop_gives_a_design_of_the_same_law():
    never = explained(jumping, 1e-9, budget=600, background=1)
    plain = explained(jumping, None, budget=600, background=1)
    assert never[0].meta["coalitions"] == plain[0].meta["coalitions"]
    np.testing.assert_allclose(never.values, plain.values, atol=1e-10)  # the same coalitions, in another order


@pytest.mark.parametrize("tol", [0, -0.1, "0.1", np.nan, np.inf, True])
def test_a_tolerance_that_is_none_is_refused(tol):
    with pytest.raises(ValueError, match="tol"):
        explained(smooth, tol)


def test_methods_with_questions_of_their_own_are_refused_before_the_model_is_asked():
    model = Recorder(smooth)
    with pytest.raises(ValueError, match="lime_tabular asks questions of its own"):
        explained(model, 0.1, method="lime_tabular")
    assert model.batches == []


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"budget": 4000}, {"rows": 40_000}], ids=["coalitions", "cells"])
@pytest.mark.parametrize("tol", [0.3, 0.1])
def test_intervals_cover_at_the_time_of_stopping(tol, options):
    space = px.TabularSpace(ROWS, background=4)
    exact = px.explain(["exact_shap"], px.Predictor(jumping), space, ROWS[:6], budget=2**14)["exact_shap"].values
    pointwise, together = [], []
    for seed in range(60):
        found = px.explain(["kernel_shap"], px.Predictor(jumping), space, ROWS[:6], tol=tol, seed=seed, **options)
        for simultaneous, kept in ((False, pointwise), (True, together)):
            low, high = found["kernel_shap"].interval(simultaneous=simultaneous)
            inside = (low <= exact) & (exact <= high)
            kept.append(inside.all(axis=1).mean() if simultaneous else inside.mean())
    assert np.mean(pointwise) >= 0.93 and np.mean(together) >= 0.90
