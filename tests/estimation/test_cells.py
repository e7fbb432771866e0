"""rows=: coalitions on single background rows. How cells are drawn, what they cost, and what is concluded from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorders import Recorder

import perturbxai as px
from perturbxai.inputs.background import row_controls
from perturbxai.inputs.row_names import hash_cells, hash_rows, hash_values
from perturbxai.sampling import laws
from perturbxai.sampling.coalitions import draw_cells

RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(size=(200, 6)), RNG.integers(0, 3, (200, 2))])
SLOPES = np.array([1.0, -2.0, 0.5, 0.0, 3.0, -1.0, 0.7, 0.2])


def linear(rows):
    return rows @ SLOPES + 5.0


def crossed(rows):
    """Products, a jump and a wave."""
    return (
        rows[:, 0] * rows[:, 1] + 2.0 * (rows[:, 2] > 0) * (rows[:, 3] > -0.5) + np.sin(rows[:, 4]) + rows[:, 5] * rows[:, 6]
    )


def explained(model, rows, method="kernel_shap", x=X[:3], background=40, table=X, seed=0, **options):
    space = px.TabularSpace(table, background=background, **options)
    return px.explain([method], px.Predictor(model), space, x, rows=rows, seed=seed)[method]


def listed(model, method="kernel_shap", x=X[:3], background=40, table=X, **options):
    space = px.TabularSpace(table, background=background, **options)
    return px.explain([method], px.Predictor(model), space, x, budget=256)[method]


# -------------------------------------------------------------------------------------------------- drawing


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 20), st.integers(2, 60), st.integers(0, 2000), st.integers(0, 2**32 - 1))
def test_cells_are_distinct_paired_and_balanced(n_players, n_base, extra, seed):
    rng = np.random.default_rng(seed)
    n_rows = 4 * n_players + extra
    design = draw_cells([laws.shapley(n_players)], n_players, n_rows, n_base, rng)
    if design.base is None:
        assert design.listed and len(design.z) == 2**n_players - 2 and len(design.z) * n_base <= n_rows
        return
    assert len(design.z) <= n_rows and len(design.z) % 2 == 0 and design.base.max() < n_base
    assert (design.z[0::2] != design.z[1::2]).all() and (design.base[0::2] == design.base[1::2]).all()
    cells = {(z.tobytes(), int(b)) for z, b in zip(design.z, design.base, strict=True)}
    assert len(cells) == len(design.z)
    smaller = np.minimum(design.sizes, n_players - design.sizes)[0::2]
    for size in np.unique(smaller):
        inside = smaller == size
        assert np.ptp(np.bincount(design.base[0::2][inside], minlength=n_base)) <= 1
        _, times = np.unique(design.coalition[0::2][inside], return_counts=True)
        assert np.ptp(times) <= 1


def test_every_size_has_its_share_of_the_cells():
    design = draw_cells([laws.shapley(20)], 20, 10_000, 100, np.random.default_rng(0))
    counts = np.bincount(design.sizes, minlength=21)[1:-1]
    assert counts.sum() == 10_000 and counts.max() - counts.min() <= 4


def test_more_rows_than_there_are_cells_list_everything():
    found, exact = explained(crossed, 254 * 5 + 1, background=5), listed(crossed, background=5)
    assert found[0].meta["listed"]
    np.testing.assert_allclose(found.values, exact.values, atol=1e-12)


def test_on_one_background_row_a_row_is_a_coalition():
    found = explained(crossed, 90, background=1)
    space = px.TabularSpace(X, background=1)
    plain = px.explain(["kernel_shap"], px.Predictor(crossed), space, X[:3], budget=90)["kernel_shap"]
    np.testing.assert_array_equal(found.values, plain.values)


# -------------------------------------------------------------------------------------------------- cost


@pytest.mark.parametrize("rows", [33, 60, 401, 2000])
def test_rows_are_never_exceeded_and_none_is_asked_twice(rows):
    model, table = Recorder(crossed), RNG.normal(size=(200, 8))
    found = explained(model, rows, x=table[:3] + 0.37, table=table)  # no value comes twice: no two cells are the same row
    assert model.repeated == 0 and len(model.rows) == found.meta["call_rows"] == sum(o.meta["rows"] - 40 for o in found) + 40
    assert all(rows - 2 <= one.meta["rows"] - 40 <= rows for one in found)


def test_cells_that_are_the_same_row_are_asked_and_counted_once():
    model = Recorder(crossed)
    found = explained(model, 2000)
    assert model.repeated == 0 and all(one.meta["rows"] - 40 < one.meta["cells"] for one in found)
    assert len(model.rows) <= sum(one.meta["rows"] - 40 for one in found) + 40


def test_a_thousand_outputs_cost_no_more_rows_than_one():
    one, many = Recorder(crossed), Recorder(lambda rows: crossed(rows)[:, None] * np.arange(1.0, 31.0))
    explained(one, 300)
    with pytest.warns(UserWarning, match="the model has 30 outputs"):
        found = explained(many, 300)
    assert len(one.rows) == len(many.rows)
    assert found.values.shape[2] == 5  # of more than twenty the five highest


# -------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "banzhaf"])
def test_linear_models_are_exact(method):
    found = explained(linear, 600, method)
    centred = X[:3] - px.TabularSpace(X, background=40).background.mean(axis=0)
    np.testing.assert_allclose(found.values[..., 0], SLOPES * centred, atol=1e-9)
    # cells that leave no residual are no proof that none would: what is left is small, and falls with what is asked
    more = explained(linear, 4000, method)
    assert more.stderr.min() > 1e-6 and more.stderr.max() < 0.05 * np.abs(found.values).max()
    assert (more.stderr < 0.5 * found.stderr).all()


@pytest.mark.parametrize("rows", [33, 100, 1000, 5000])
def test_shapley_values_sum_to_what_is_to_be_explained(rows):
    found = explained(crossed, rows)
    np.testing.assert_allclose(found.values.sum(axis=1), found.prediction - found.base, atol=1e-11)


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "banzhaf"])
@pytest.mark.parametrize("options", [{}, {"choose": "kmeans"}], ids=["equal weights", "weights"])
def test_values_converge_to_those_of_all_coalitions_on_all_rows(method, options):
    exact = listed(crossed, method, **options).values
    error = {}
    for rows in (200, 3000):
        found = [explained(crossed, rows, method, seed=seed, **options).values - exact for seed in range(6)]
        error[rows] = np.mean([(e**2).sum() for e in found]) / (exact**2).sum()
        bias = np.mean(found, axis=0)
        assert (bias**2).sum() < 0.5 * np.mean([(e**2).sum() for e in found])
    assert error[3000] < 0.05 * error[200] and error[3000] < 8e-3


def test_errors_and_intervals_follow_the_values():
    exact = listed(crossed).values
    inside, ratio = [], []
    for seed in range(30):
        found = explained(crossed, 700, seed=seed)
        low, high = found.interval()
        inside.append((low <= exact) & (exact <= high))
        ratio.append(((found.values - exact) ** 2).sum() / (found.stderr**2).sum())
    assert 0.9 < np.mean(inside) < 0.99 and 0.5 < np.mean(ratio) < 1.5


def test_nearly_all_cells_leave_nearly_no_error():
    """The finite-population factor is on cells, not on coalitions: those are all there from the start."""
    exact = listed(crossed, background=20).values
    half, most = (explained(crossed, rows, background=20) for rows in (2500, 5000))
    assert np.sqrt(((most.values - exact) ** 2).mean()) < 0.5 * np.sqrt(((half.values - exact) ** 2).mean())
    assert most.stderr.mean() < 0.5 * half.stderr.mean()


def test_players_without_effect_may_differ_between_inputs_of_a_call():
    table = np.column_stack([RNG.normal(size=(60, 2)), np.zeros((60, 2))])
    rows = np.array([[1.0, 2.0, 0.0, 0.0], [1.0, 2.0, 1.0, 0.0], [0.5, 1.0, 1.0, 1.0]])

    def model(given):
        return given[:, 0] * given[:, 1] + 3.0 * given[:, 2] * given[:, 0] + given[:, 3]

    exact = listed(model, x=rows, table=table, background=30).values
    found = explained(model, 200, x=rows, table=table, background=30)
    # two players list everything, four do not
    np.testing.assert_allclose(found.values[0], exact[0], atol=1e-12)
    low, high = found.interval(0.999)
    assert ((low - 1e-9 <= exact) & (exact <= high + 1e-9)).all() and found.values[0, 2:].tolist() == [[0.0], [0.0]]


def test_levels_missing_values_and_infinities_are_taken():
    frame = pd.DataFrame(
        {
            "a": np.where(RNG.random(80) < 0.2, np.nan, RNG.normal(size=80)),
            "b": pd.Categorical(RNG.choice(["u", "v", "w", "x", "y"], 80)),
            "c": np.where(RNG.random(80) < 0.1, np.inf, RNG.normal(size=80)),
            "d": RNG.choice([True, False], 80),
        }
    )

    def model(rows):
        return rows.a.fillna(2.0) * (rows.b == "u") + np.arctan(rows.c) * rows.d.to_numpy(dtype=float)

    exact = listed(model, x=frame.iloc[:3], table=frame, background=30).values
    found = explained(model, 330, x=frame.iloc[:3], table=frame, background=30)
    low, high = found.interval(0.999)
    assert ((low <= exact) & (exact <= high)).mean() > 0.9
    np.testing.assert_allclose(found.values.sum(axis=1), found.prediction - found.base, atol=1e-12)


def test_groups_of_columns_are_one_player():
    groups = {"pair": [0, 1], "rest": [5, 6]}
    exact = listed(crossed, groups=groups).values
    found = explained(crossed, 900, groups=groups)
    low, high = found.interval(0.999)
    assert found.names[0] == "pair" and ((low <= exact) & (exact <= high)).mean() > 0.95


def test_an_output_that_never_changes_has_no_values_and_an_error_that_nothing_tells():
    found = explained(lambda rows: np.column_stack([crossed(rows), np.full(len(rows), 1e6)]), 400)
    assert np.abs(found.values[..., 1]).max() < 1e-6
    assert np.isfinite(found.stderr[..., 0]).all() and np.isinf(found.stderr[..., 1]).all()


# -------------------------------------------------------------------------------------------------- promises


def test_a_row_is_alike_alone_in_company_in_any_order_and_at_any_batch_size():
    together = explained(crossed, 500, x=X[:6])
    backwards = explained(crossed, 500, x=X[:6][::-1])
    space = px.TabularSpace(X, background=40)
    for number in (0, 4):
        alone = px.explain(
            ["kernel_shap"], px.Predictor(crossed, batch_size=17), space, X[number : number + 1], rows=500, seed=0
        )["kernel_shap"]
        np.testing.assert_array_equal(alone.values[0], together.values[number])
        np.testing.assert_array_equal(backwards.values[5 - number], together.values[number])


def test_methods_share_their_cells():
    space, model = px.TabularSpace(X, background=40), Recorder(crossed)
    found = px.explain(["kernel_shap", "lime", "banzhaf"], px.Predictor(model), space, X[:2], rows=700, seed=0)
    assert model.repeated == 0 and len(model.rows) <= 2 * 700 + 40
    assert found["lime"][0].meta["rows_shared_with"] == ["kernel_shap", "banzhaf"]
    table = px.compare(found, px.Predictor(crossed), space, seed=0)
    assert table.summary().loc["kernel_shap", "faithfulness"] > 0.8


def test_results_travel_as_json():
    found = explained(crossed, 300)
    again = px.Attribution.from_json(found.to_json())
    np.testing.assert_array_equal(again.values, found.values)
    assert again[0].meta["cells"] == found[0].meta["cells"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rows": 20}, "rows=20 is below the 33"),
        ({"rows": 300, "budget": 50}, "both bound what is asked"),
        ({"rows": "many"}, "rows='many'"),
        ({"rows": True}, "rows=True"),
    ],
)
def test_rows_that_cannot_be_are_refused_before_the_model_is_asked(options, said):
    model = Recorder(crossed)
    with pytest.raises(ValueError, match=said):
        px.explain(["kernel_shap"], px.Predictor(model), px.TabularSpace(X, background=40), X[:1], **options)
    assert model.batches == []


@pytest.mark.parametrize("method", ["pdp", "ice", "ale", "lime_tabular", "permutation_shap", px.Lime(ridge=1.0)])
def test_methods_that_need_whole_coalitions_are_refused(method):
    with pytest.raises(ValueError, match=r"single background rows, which .* cannot take"):
        px.explain([method], px.Predictor(crossed), px.TabularSpace(X), X[:1], rows=300)


def test_pictures_are_refused():
    picture = RNG.random((8, 8, 3)).astype(np.float32)
    with pytest.raises(ValueError, match="rows=300 is for tables"):
        px.explain(
            ["lime"], px.Predictor(lambda p: p.mean(axis=(1, 2, 3))), px.ImageSpace(segments="grid"), picture, rows=300
        )


# -------------------------------------------------------------------------------------------------- parts


def test_contrasts_have_mean_zero_and_variance_one_under_the_weights():
    rows = np.column_stack([RNG.normal(50, 3, 90), RNG.integers(0, 5, 90), np.full(90, 7.0), RNG.integers(0, 2, 90)])
    rows[::9, 0] = np.nan
    share = RNG.dirichlet(np.ones(90))
    numeric = np.array([True, False, True, True])
    table, player, widths = row_controls(rows, share, [[0], [1, 2], [3]], numeric)
    assert sum(widths) == table.shape[1] == len(player) and set(player.tolist()) == {0, 1, 2}
    np.testing.assert_allclose(share @ table, 0.0, atol=1e-12)
    np.testing.assert_allclose(share @ table**2, 1.0, atol=1e-12)
    assert widths[0] == 2 + 3 + 1  # a number and whether it is missing, three levels, nothing of a constant, two values


def test_contrasts_of_the_largest_numbers_do_not_overflow():
    table, *_ = row_controls(np.array([[1e308], [-1e308], [5.0]]), np.full(3, 1 / 3), [[0]], np.array([True]))
    assert np.isfinite(table).all() and table.shape[1] > 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 5), st.integers(1, 20))
def test_names_of_single_cells_are_those_of_their_rows(seed, n_columns, n_base, n_cells):
    rng = np.random.default_rng(seed)
    bases, donor = rng.choice([0.0, 1.0, np.nan, -3.5], (n_base, n_columns)), rng.choice([0.0, 2.0, np.nan], n_columns)
    player = rng.integers(-1, 3, n_columns).astype(np.int32)
    z, base = rng.random((n_cells, 3)) < 0.5, rng.integers(0, n_base, n_cells)
    names = hash_cells(z, donor, player, hash_values(bases), base)
    present = (player[None, :] < 0) | z[:, np.maximum(player, 0)]
    np.testing.assert_array_equal(names, hash_rows(np.where(present, donor, bases[base])))
