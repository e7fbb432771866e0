"""Curves read at rows: what explain() gives, exactly where both ask the same; and importance of features from curves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

THREE = ["pdp", "ice", "ale"]


def curved(X):
    X = np.asarray(X, dtype=float)
    return np.column_stack([X[:, 0] * X[:, 1] + np.sin(X[:, 2]), X[:, 0] ** 2 - X[:, 2] * X[:, 1] + 50.0])


def data(n=120, d=3, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, d))
    X[:, 1] += 0.5 * X[:, 0]
    return X


def both(methods, X, x, model=curved, weights=None, background="all", **options):
    """What explain() gives, and effects() of the same table."""
    space = px.TabularSpace(X, background=background, weights=weights)
    explained = px.explain(methods, px.Predictor(model), space, x)
    return explained, px.effects(methods, px.Predictor(model), space, X, **options)


# ------------------------------------------------------------------------------------------------ exactly what explain gives


@pytest.mark.parametrize("weighted", [False, True])
def test_pdp_and_ice_are_those_of_explain_where_the_values_of_the_rows_are_points(weighted):
    X = data()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(X)) if weighted else None
    grid = {f"x{c}": np.unique(X[:, c]) for c in range(3)}
    explained, effects = both(["pdp", "ice"], X, X[::5], weights=weights, grid=grid)
    for key in explained:
        for c in range(3):
            found = effects[key][f"x{c}"].attribution(X[::5])
            np.testing.assert_allclose(found, explained[key].values[:, c], atol=1e-10)


def test_columns_taken_value_by_value_need_no_grid():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"town": rng.choice(["a", "b", "c"], 90), "rooms": rng.integers(1, 7, 90), "big": rng.random(90) < 0.4})
    X["size"] = pd.Categorical(rng.choice(["s", "m", "l"], 90), ["s", "m", "l"], ordered=True)
    X["area"] = np.where(rng.random(90) < 0.2, np.nan, rng.integers(1, 4, 90) * 10.0)

    def model(rows):
        area = rows.area.fillna(5.0) * (rows.town == "b")
        return (rows.town == "a") * rows.rooms + rows.big * rows["size"].cat.codes + area

    explained, effects = both(["pdp", "ice"], X, X.iloc[:30], lambda rows: model(rows).to_numpy(dtype=float))
    for key in explained:
        for c, name in enumerate(X):
            found = effects[key][name].attribution(X.iloc[:30])
            np.testing.assert_allclose(found, explained[key].values[:, c], atol=1e-10)


@pytest.mark.parametrize("n", [120, 1500])
def test_ale_is_that_of_explain_for_numbers_in_bins_whatever_the_background_and_beyond_the_data(n):
    X = data(n)  # of 1,500 rows both draw the same 1,000
    X[::9, 2] = np.nan
    model = lambda rows: curved(np.nan_to_num(rows, nan=0.7))  # noqa: E731
    x = np.concatenate([X[1:9], [[40.0, -40.0, 0.1]]])
    explained, effects = both("ale", X, x, model, background=30)
    for c in range(3):
        found = effects["ale"][f"x{c}"].attribution(x)
        np.testing.assert_allclose(found, explained["ale"].values[:, c], atol=1e-10)


def test_all_three_from_one_call_where_the_grid_is_as_fine_as_the_data():
    X = data(30)  # forty bins of thirty rows: an edge at each
    grid = {f"x{c}": np.unique(X[:, c]) for c in range(3)}
    explained, effects = both(THREE, X, X, grid=grid)
    for key in THREE:
        for c in range(3):
            found = effects[key][f"x{c}"].attribution(X)
            np.testing.assert_allclose(found, explained[key].values[:, c], atol=1e-10)


@pytest.mark.parametrize("curves", ["raw", "centred", "anchored"])
def test_the_level_at_which_a_curve_is_shown_does_not_matter(curves):
    X = data(50)
    grid = {"x0": np.unique(X[:, 0])}
    methods = [
        px.Ice(curves=curves),
        px.Pdp(curves="raw" if curves == "raw" else "centred"),
        px.Ale(curves="centred" if curves == "raw" else "anchored"),
    ]
    options = {"features": ["x0"], "grid": grid}
    shown = px.effects(methods, px.Predictor(curved), px.TabularSpace(X), X, **options)
    plain = px.effects(THREE, px.Predictor(curved), px.TabularSpace(X), X, **options)
    for key in THREE:
        expected = plain[key]["x0"].attribution(X)
        np.testing.assert_allclose(shown[key]["x0"].attribution(X), expected, atol=1e-12)


def test_on_an_additive_model_all_three_are_its_terms():
    X = data(80)
    model = lambda rows: rows[:, 0] - 2.0 * rows[:, 1] + 0.5 * rows[:, 2]  # noqa: E731
    effects = px.effects(THREE, px.Predictor(model), px.TabularSpace(X, background="all"), X, grid=7)
    for key in THREE:  # straight lines lose nothing between points
        for c, slope in enumerate((1.0, -2.0, 0.5)):
            expected = slope * (X[:, c] - X[:, c].mean())
            np.testing.assert_allclose(effects[key][f"x{c}"].attribution(X)[:, 0], expected, atol=1e-12)


# ------------------------------------------------------------------------------------------------ between points


def test_between_points_a_value_is_read_on_a_straight_line():
    X = data(200)
    effect = px.effects("pdp", px.Predictor(curved), px.TabularSpace(X), X, features=["x0"], grid=6)["pdp"]["x0"]
    (grid,) = effect.grid
    x = np.zeros((3, 3))
    x[:, 0] = [grid[2], 0.5 * (grid[2] + grid[3]), grid[3]]
    low, middle, high = effect.attribution(x)
    np.testing.assert_allclose(middle, 0.5 * (low + high), atol=1e-12)
    np.testing.assert_allclose(high - low, effect.values[3] - effect.values[2], atol=1e-12)


def test_at_a_point_of_any_grid_pdp_is_exact_with_the_model_s_mean_and_near_without():
    X = data(100)
    explained, effects = both("pdp", X, X, features=["x0"], grid=20)
    effect, expected = effects["pdp"]["x0"], explained["pdp"].values[:, 0]
    on_grid = np.isin(X[:, 0], effect.grid[0])
    assert on_grid.sum() == 21
    exact = effect.attribution(X[on_grid], base=explained["pdp"].base[0])
    np.testing.assert_allclose(exact, expected[on_grid], atol=1e-10)
    apart = np.abs(effect.attribution(X[on_grid]) - expected[on_grid])
    assert 1e-6 < apart.max() < 0.03 * np.abs(expected).max()  # the mean is read on straight lines


def test_a_single_row_and_a_frame_in_another_order_are_rows_too():
    X = pd.DataFrame(data(50), columns=["a", "b", "c"])
    effects = px.effects(THREE, px.Predictor(curved), px.TabularSpace(X), X, features=["b"], grid={"b": np.sort(X.b)})
    for key in THREE:
        whole = effects[key]["b"].attribution(X)
        assert whole.shape == (50, 2)
        np.testing.assert_array_equal(effects[key]["b"].attribution(X[["c", "b", "a"]].iloc[7:9]), whole[7:9])
        np.testing.assert_array_equal(effects[key]["b"].attribution(X.iloc[7]), whole[7:8])


def test_groups_are_read_with_their_own_rows():
    X = pd.DataFrame({"sex": np.repeat([0, 1], 40), "age": np.tile(np.arange(10.0), 8), "z": data(80)[:, 0]})
    model = lambda rows: np.where(rows.sex == 1, 2.0, 1.0) * rows.age + rows.z  # noqa: E731
    effect = px.effects("pdp", px.Predictor(model), px.TabularSpace(X), X, features=["age"], by="sex")["pdp"]["age"]
    for group, slope in ((0, 1.0), (1, 2.0)):
        found = effect.groups[group].attribution(X)[:, 0]
        np.testing.assert_allclose(found, slope * (X.age - 4.5), atol=1e-12)


def test_no_row_of_the_model_is_asked():
    X = data()
    predictor = px.Predictor(curved)
    effects = px.effects(THREE, predictor, px.TabularSpace(X), X)
    before = predictor.rows
    for key in THREE:
        effects[key]["x1"].attribution(X)
    assert predictor.rows == before


# ------------------------------------------------------------------------------------------------ refused


def test_values_and_rows_without_a_place_are_refused():
    X = pd.DataFrame({"town": ["a", "b"] * 30 + ["rare"], "size": np.arange(61.0), "gap": [np.nan, *np.arange(60.0)]})
    model = lambda rows: rows["size"] + (rows.town == "a") + rows.gap.fillna(0.0)  # noqa: E731
    space = px.TabularSpace(X.iloc[:], background=60)
    part = X.iloc[1:60]
    effects = px.effects(THREE, px.Predictor(model), space, part, features=["town", "size", "gap"], grid=5)
    with pytest.raises(ValueError, match=r"x: row 0 has 'size' = 60\.0, which has no place.*goes from 1\.0 to 59\.0"):
        effects["pdp"]["size"].attribution(X.iloc[60:])
    with pytest.raises(ValueError, match="x: row 1 has 'town' = rare, which has no place on the curve; it has a, b"):
        effects["pdp"]["town"].attribution(X.iloc[59:])
    with pytest.raises(ValueError, match="x: row 0 has 'gap' = nan"):
        effects["ale"]["gap"].attribution(X.iloc[:1])
    with pytest.raises(ValueError, match="the background of the space has values of 'size' that have no place"):
        effects["ice"]["size"].attribution(part)
    with pytest.raises(ValueError, match="has the value 'z', which X does not have"):
        effects["pdp"]["town"].attribution(pd.DataFrame({"town": ["z"], "size": [3.0], "gap": [1.0]}))
    assert effects["ale"]["size"].attribution(X.iloc[60:]).shape == (1, 1)  # flat beyond the last point, as in explain


def test_an_ice_curve_is_read_at_its_own_row_alone():
    X = data(60)
    effect = px.effects(px.Ice(ice_rows=20), px.Predictor(curved), px.TabularSpace(X), X, features=["x0"])["ice"]["x0"]
    kept = list(effect.individual_rows)
    assert effect.attribution(X[kept]).shape == (20, 2)
    other = next(row for row in range(60) if row not in kept)
    with pytest.raises(ValueError, match="x: row 1 is none of the 20 rows whose curves are kept"):
        effect.attribution(X[[kept[0], other]])


def test_a_grid_narrower_than_the_data_needs_the_model_s_mean():
    X = data(100)
    explained, effects = both("pdp", X, X[:1], features=["x0"], grid={"x0": [-0.5, 0.0, 0.5]})
    effect, x = effects["pdp"]["x0"], np.zeros((1, 3))
    with pytest.raises(ValueError, match=r"drawn rows have values of 'x0' that have no place on the grid.*base="):
        effect.attribution(x)
    base = explained["pdp"].base[0]
    np.testing.assert_allclose(effect.attribution(x, base=base)[0], effect.values[1] - base, atol=1e-12)
    with pytest.raises(ValueError, match=r"base=\[1\.0, 2\.0, 3\.0\]; expected \(2,\)"):
        effect.attribution(x, base=[1.0, 2.0, 3.0])
    for bad in (np.nan, "mean"):
        with pytest.raises(ValueError, match=r"base=.*; expected \(.,\) finite numbers"):
            effect.attribution(x, base=bad)


def test_what_has_no_value_at_a_row_is_refused():
    X = data(40)
    predictor, space = px.Predictor(curved), px.TabularSpace(X)
    pair = px.effects(THREE, predictor, space, X, features=[(0, 1)], grid=4)
    for key in THREE:
        with pytest.raises(ValueError, match="attribution: a surface of two columns is of no single one"):
            pair[key]["x0", "x1"].attribution(X)
    sloped = px.effects(px.Ice(curves="derivative"), predictor, space, X, features=["x0"])["ice"]["x0"]
    with pytest.raises(ValueError, match="a curve of derivatives has no value at a row"):
        sloped.attribution(X)
    centred = px.effects([px.Pdp(curves="centred"), "ale"], predictor, space, X, features=["x0"])
    with pytest.raises(ValueError, match=r"base: the level of this curve was taken away \(curves=\"centred\"\)"):
        centred["pdp"]["x0"].attribution(X, base=[0.0, 0.0])
    with pytest.raises(ValueError, match="base is the model's mean, which ale does not start from"):
        centred["ale"]["x0"].attribution(X, base=[0.0, 0.0])


def test_a_superpixel_has_its_rise():
    photo = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    space = px.ImageSpace(segments=np.repeat([[0, 1]], 8, axis=0).repeat(4, axis=1), fill=0.0)
    predictor = px.Predictor(lambda rows: rows.mean(axis=(1, 2, 3)))
    effect = next(iter(px.effects("ale", predictor, space, photo)["ale"].values()))
    with pytest.raises(ValueError, match=r"is a superpixel: its value is effect\.superpixel\.rise"):
        effect.attribution(photo)
    with pytest.raises(ValueError, match=r"a photo has no data.*effect\.superpixel\.rise"):
        px.importance({"left": effect})


# ------------------------------------------------------------------------------------------------ importance


def test_importance_from_effects_is_theirs_by_column_with_pairs_left_out():
    X = data(90)
    effects = px.effects(THREE, px.Predictor(curved), px.TabularSpace(X), X, features=["x2", ("x0", "x1"), "x0"], grid=8)
    found = px.importance(effects)
    assert list(found) == THREE
    for key, one in found.items():
        assert isinstance(one, px.Importance) and one.names == ("x2", "x0") and one.name == key and one.n_rows == 90
        np.testing.assert_array_equal(one.values, [effects[key]["x2"].importance, effects[key]["x0"].importance])
        assert (one.values >= one.corrected).all() and (one.corrected >= 0).all() and (one.stderr > 0).all()
    np.testing.assert_array_equal(px.importance(effects["ale"]).values, found["ale"].values)
    assert len(found["pdp"].to_frame()) == 4


def test_importance_of_curves_without_noise_is_their_deviation_and_nothing_is_taken_off():
    X = np.tile(np.arange(5.0), (2, 20)).T
    X[:, 1] = np.random.default_rng(0).permutation(X[:, 1])
    model = lambda rows: 3.0 * rows[:, 0] + rows[:, 1] ** 2  # noqa: E731
    found = px.importance(px.effects(THREE, px.Predictor(model), px.TabularSpace(X), X))
    for one in found.values():
        np.testing.assert_allclose(one.values[:, 0], [3 * X[:, 0].std(), (X[:, 1] ** 2).std()], rtol=1e-12)
        np.testing.assert_allclose(one.corrected, one.values, rtol=1e-12)
        # what is left is which values the rows have: the error of a standard deviation
        kurtosis = ((X[:, 0] - 2) ** 4).mean() - X[:, 0].var() ** 2
        expected = 3 * np.sqrt(kurtosis / 100) / (2 * X[:, 0].std())
        assert one.stderr_rows[0, 0] == pytest.approx(expected, rel=0.006)  # ICE divides by 99


def test_errors_of_importance_are_those_of_new_rows():
    """With points that stay, over tables drawn anew: intervals cover, noise is taken off, errors have the right size."""

    def importance(n, seed):
        z = np.random.default_rng(seed).normal(size=(n, 3))
        z[:, 1] = 0.6 * z[:, 0] + 0.8 * z[:, 1]
        model = lambda rows: rows[:, 0] * (1 + rows[:, 1]) + np.sin(2 * rows[:, 2])  # noqa: E731
        grid = {f"x{c}": np.linspace(-2, 2, 9) for c in range(3)}
        return px.importance(px.effects(THREE, px.Predictor(model), px.TabularSpace(z), z, grid=grid, rows=27 * n + 1))

    truth, found = importance(20_000, 1000), [importance(150, seed) for seed in range(80)]
    for key in THREE:
        expected = truth[key].values[:, 0]
        values, errors, corrected = (
            np.array([getattr(one[key], what)[:, 0] for one in found]) for what in ("values", "stderr", "corrected")
        )
        ends = np.array([one[key].interval() for one in found])[..., 0]
        covered = ((ends[:, 0] <= expected) & (expected <= ends[:, 1])).mean(axis=0)
        assert (covered > 0.85).all(), (key, covered)  # .92 to .98 in 200; three deviations of eighty
        # eight bins share their rows between points, which smooths a wave more than the error knows; and a bound at zero
        ratio = errors.mean(axis=0) / values.std(axis=0)
        assert (ratio > 0.75).all() and (ratio < 2.0).all(), (key, ratio)
        np.testing.assert_allclose(corrected.mean(axis=0), expected, atol=0.04)


def test_importance_refuses_what_has_none_and_never_ranks_players():
    X = data(40)
    effects = px.effects("ale", px.Predictor(curved), px.TabularSpace(X), X, features=[(0, 1)], grid=4)
    with pytest.raises(ValueError, match="these effects are all of pairs"):
        px.importance(effects)
    with pytest.raises(TypeError, match="expected an Attribution, or a mapping: from column to Effect"):
        px.importance(effects["ale"]["x0", "x1"])
    single = px.importance(px.effects("ale", px.Predictor(curved), px.TabularSpace(X), X))
    with pytest.raises((TypeError, ValueError)):
        px.compare(single, px.Predictor(curved), px.TabularSpace(X))


def test_importance_from_effects_is_drawn_as_any_other():
    X = data(60)
    found = px.importance(px.effects(THREE, px.Predictor(curved), px.TabularSpace(X), X))
    figure = px.plot(found)
    assert len(figure.axes) >= 3
