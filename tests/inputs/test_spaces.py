"""Spaces: what the players are, what absence looks like, and what a caller may bring as X and x."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

RNG = np.random.default_rng(0)
NUMBERS = RNG.standard_normal((150, 3))
FRAME = pd.DataFrame({"age": [30, 40, 50, 60], "bmi": [1.5, 2.5, np.nan, 4.5], "sex": ["f", "m", "f", None]})


def rows(table):
    """The rows as a set, NaN being equal to NaN."""
    return {tuple("nan" if np.isnan(v) else v for v in row) for row in np.asarray(table).tolist()}


def decoded(space, x):
    """What a space would show to a model of each of its inputs."""
    return [space.columns.decode(one.codes[None]) for one in space.players(x)]


# ------------------------------------------------------------------------------------------------ background


def test_the_background_is_a_hundred_distinct_rows_of_x_with_equal_weights():
    space = px.TabularSpace(NUMBERS)
    assert len(space.background) == 100 and len(rows(space.background)) == 100
    assert rows(space.background) <= rows(NUMBERS)
    np.testing.assert_allclose(space.background_weights, 0.01, rtol=1e-12)


@pytest.mark.parametrize("background", [4, 100, 10**9])
def test_a_background_as_large_as_x_is_all_of_x_weighted_by_how_often_a_row_occurs(background):
    X = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [1.0, 2.0], [5.0, 6.0]])
    space = px.TabularSpace(X, background=background)
    assert space.background.tolist() == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    np.testing.assert_allclose(space.background_weights, [0.6, 0.2, 0.2], rtol=1e-12)


@pytest.mark.parametrize("background", [2, 100, "all"])
def test_rows_that_are_equal_but_for_signs_of_zero_and_kinds_of_nan_are_one(background):
    X = np.array([[0.0, np.nan], [-0.0, -np.nan], [1.0, np.nan], [1.0, np.nan], [1.0, np.nan]])
    space = px.TabularSpace(X, background=background)
    assert rows(space.background) == {(0.0, "nan"), (1.0, "nan")} and len(space.background) == 2
    np.testing.assert_allclose(np.sort(space.background_weights), [0.4, 0.6], rtol=1e-12)


def test_a_draw_with_missing_values_holds_no_row_twice():
    X = np.column_stack([np.repeat(np.arange(30.0), 5), np.full(150, np.nan)])
    assert len(rows(px.TabularSpace(X, background=20).background)) == 20


@pytest.mark.parametrize("how", [{"background": "all"}, {"choose": "all"}, {"background": "all", "choose": "all"}])
def test_all_takes_every_distinct_row(how):
    space = px.TabularSpace(NUMBERS, **how)
    assert rows(space.background) == rows(NUMBERS) and space.meta["choose"] == "all"


def test_kmeans_takes_the_real_row_nearest_to_each_centre_weighted_by_its_cluster():
    offsets = np.array([-0.2, -0.1, 0.01, 0.1, 0.2])  # the middle one lies nearest to its centre, .002
    X = np.concatenate([centre + offsets[:, None] * [1.0, 0.0] for centre in ([0.0, 0.0], [50.0, 0.0], [0.0, 50.0])])
    X = np.concatenate([X, X[:5], X[:5]])  # the first cluster counts three times
    space = px.TabularSpace(X, background=3, choose="kmeans")
    order = np.lexsort(space.background.T)
    np.testing.assert_array_equal(space.background[order], [[0.01, 0.0], [50.01, 0.0], [0.01, 50.0]])
    np.testing.assert_allclose(space.background_weights[order], [0.6, 0.2, 0.2], rtol=1e-12)


def test_prototypes_stand_for_the_table_far_better_than_drawn_rows():
    """The mean of functions over the background, beside that over the table."""
    rng = np.random.default_rng(4)
    X = rng.gamma(2.0, size=(900, 3)) @ rng.normal(size=(3, 3))
    functions = [lambda Z, a=a: np.sin(Z @ a) + np.maximum(Z @ a, 0.0) for a in rng.normal(size=(40, 3))]

    def error(**how):
        space = px.TabularSpace(X, background=50, **how)
        return np.mean([(space.background_weights @ f(space.background) - f(X).mean()) ** 2 for f in functions])

    drawn = np.mean([error(seed=seed) for seed in range(20)])
    assert error(choose="prototypes") < drawn / 5
    assert error(choose="prototypes", seed=1) == error(choose="prototypes", seed=2)  # of a small table nothing is drawn


def test_prototypes_are_real_rows_of_the_table_in_any_order():
    order = RNG.permutation(150)
    one, other = (px.TabularSpace(X, background=20, choose="prototypes") for X in (NUMBERS, NUMBERS[order]))
    np.testing.assert_array_equal(one.background, other.background)
    assert rows(one.background) <= rows(NUMBERS) and one.meta["choose"] == "prototypes"


@pytest.mark.parametrize("weighted", [False, True])
def test_prototypes_count_as_much_as_what_they_stand_for(weighted):
    few = RNG.normal(size=(60, 2))
    if weighted:
        space = px.TabularSpace(few, weights=np.where(np.arange(60) == 0, 540.0, 1.0), background=30, choose="prototypes")
    else:
        X = np.concatenate([np.repeat(few[:1], 540, axis=0), few[1:]])
        space = px.TabularSpace(X, background=30, choose="prototypes")
    heavy = (space.background == few[0]).all(axis=1)
    assert space.background_weights[heavy] == pytest.approx(540 / 599, abs=2 / 30)
    assert space.background_weights.sum() == pytest.approx(1)


def test_of_a_large_table_prototypes_weigh_repeated_rows_too(monkeypatch):
    monkeypatch.setattr("perturbxai.inputs.background.STOOD_FOR", 200)
    monkeypatch.setattr("perturbxai.inputs.background.CANDIDATES", 50)
    X = np.concatenate([np.repeat([[5.0, 5.0]], 600, axis=0), RNG.normal(size=(600, 2))])
    space = px.TabularSpace(X, background=20, choose="prototypes")
    heavy = (space.background == 5.0).all(axis=1)
    assert space.background_weights[heavy] == pytest.approx(0.5, abs=0.15)


def test_prototypes_take_tables_of_mixed_columns_and_refuse_what_has_no_distance():
    table = pd.concat([FRAME] * 10, ignore_index=True).assign(n=np.arange(40.0))
    assert len(px.TabularSpace(table, background=10, choose="prototypes").background) <= 10
    with pytest.raises(ValueError, match="choose='prototypes' needs finite numbers"):
        px.TabularSpace(table.assign(n=np.where(table.n == 3, np.inf, table.n)), background=10, choose="prototypes")


def test_kmeans_looks_at_columns_on_their_own_scale():
    # the first column is spread widest but holds no cluster; unscaled, it would decide alone
    X = np.column_stack([1e6 * np.tile([0.0, 1.0], 10), np.repeat([0.0, 1.0], 10)])
    space = px.TabularSpace(X, background=4, choose="kmeans")
    assert rows(space.background) == rows(X)


@pytest.mark.parametrize("choose", ["sample", "kmeans"])
def test_the_background_depends_on_its_own_seed_alone_and_leaves_the_global_random_states(choose):
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    first = px.TabularSpace(NUMBERS, background=7, choose=choose, seed=3)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    again, other = (px.TabularSpace(NUMBERS, background=7, choose=choose, seed=s) for s in (3, 4))
    np.testing.assert_array_equal(first.background, again.background)
    np.testing.assert_array_equal(first.background_weights, again.background_weights)
    assert rows(first.background) != rows(other.background)


@pytest.mark.parametrize("choose", ["sample", "kmeans", "all"])
def test_a_row_of_weight_zero_never_stands_for_absence(choose):
    weights = np.where(np.arange(150) % 3 == 0, 0.0, 2.0)
    space = px.TabularSpace(NUMBERS, background=60, choose=choose, weights=weights)
    assert not rows(space.background) & rows(NUMBERS[::3])
    assert space.background_weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_weights_decide_how_much_a_row_counts():
    space = px.TabularSpace(np.array([[1.0], [2.0]]), weights=pd.Series([1, 3], index=["p", "q"]))
    np.testing.assert_allclose(space.background_weights, [0.25, 0.75], rtol=1e-12)


@pytest.mark.parametrize("X", [np.ones((1, 3)), np.ones((5, 3)), np.full((4, 3), np.nan)], ids=["one", "constant", "NaN"])
@pytest.mark.parametrize("choose", ["sample", "kmeans", "all"])
def test_a_table_of_one_distinct_row_is_its_own_background(X, choose):
    space = px.TabularSpace(X, background=2, choose=choose)
    assert space.background.shape == (1, 3) and space.background_weights.tolist() == [1.0]


@pytest.mark.parametrize("X", [np.zeros((0, 3)), pd.DataFrame({"a": pd.Series([], dtype=float)}), FRAME.iloc[:0]])
def test_an_empty_background_is_refused(X):
    with pytest.raises(ValueError, match="X has no rows, so the background is empty"):
        px.TabularSpace(X)


@pytest.mark.parametrize("background", [0, -1, 2.5, "kmeans", None, np.nan])
def test_a_background_that_is_no_number_of_rows_is_refused(background):
    with pytest.raises(ValueError, match=r"background=.* must be a whole number of rows"):
        px.TabularSpace(NUMBERS, background=background)


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="choose='median' is not known"):
        px.TabularSpace(NUMBERS, choose="median")


@pytest.mark.parametrize(
    ("weights", "match"),
    [([1.0], r"weights has shape \(1,\); expected \(4,\)"), ([1, 1, 1, -1], "not negative"), ([0, 0, 0, 0], "not all zero"),
     ([1, 1, 1, np.nan], "finite")],
)  # fmt: skip
def test_weights_that_do_not_fit_are_refused(weights, match):
    with pytest.raises(ValueError, match=match):
        px.TabularSpace(FRAME, weights=weights)


# ------------------------------------------------------------------------------------------------ groups


def test_a_group_takes_the_place_of_its_first_column():
    space = px.TabularSpace(NUMBERS, groups={"ends": ["x2", "x0"]})
    assert space.names == ("ends", "x1") and space.player_of_column.tolist() == [0, 1, 0]


def test_columns_of_an_array_may_be_grouped_by_number():
    assert px.TabularSpace(NUMBERS, groups={"last": [1, 2]}).names == ("x0", "last")


def test_columns_named_by_numbers_are_grouped_by_their_names():
    frame = pd.DataFrame(NUMBERS, columns=[2, 0, 1])
    assert px.TabularSpace(frame, groups={"g": [2, 0]}).player_of_column.tolist() == [0, 0, 1]


def test_a_group_may_have_the_name_of_its_own_column():
    assert px.TabularSpace(FRAME, groups={"age": ["age", "bmi"]}).names == ("age", "sex")


@pytest.mark.parametrize("name", ["age", "sex"], ids=["a column before", "a column after"])
def test_a_group_with_the_name_of_another_column_is_refused(name):
    others = [column for column in FRAME if column != name]
    with pytest.raises(ValueError, match=f"the name '{name}' is also the name of a column"):
        px.TabularSpace(FRAME, groups={name: others})


@pytest.mark.parametrize(
    ("groups", "error", "match"),
    [
        ({"g": ["age", "height"]}, ValueError, r"groups\['g'\] names the unknown feature 'height'.*age"),
        ({"g": ["age"], "h": ["age", "bmi"]}, ValueError, "column 'age' is in 'g' and in 'h'"),
        ({"g": []}, ValueError, r"groups\['g'\] is empty"),
        ({"g": "age"}, TypeError, r"groups\['g'\] is the text 'age'; give a list"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, error, match):
    with pytest.raises(error, match=match):
        px.TabularSpace(FRAME, groups=groups)


# ------------------------------------------------------------------------------------------------ rows to explain


@pytest.mark.parametrize(
    "x",
    [[3.0, 2.0, 1.0], (3, 2, 1), [[3.0, 2.0, 1.0]], np.array([3, 2, 1]), pd.Series([3.0, 2.0, 1.0]),
     pd.DataFrame([[3.0, 2.0, 1.0]]), np.array([3, 2, 1], dtype=object), np.array([1.0, 2.0, 3.0])[::-1]],
    ids=["list", "tuple", "list of lists", "array", "series", "frame", "objects", "strided"],
)  # fmt: skip
def test_one_row_is_one_input_whatever_it_comes_as(x):
    (one,) = px.TabularSpace(NUMBERS).players(x)
    assert one.codes.tolist() == [3.0, 2.0, 1.0] and one.label == 0


@pytest.mark.parametrize("x", [[40, 2.5, "m"], (40, 2.5, "m"), [[40, 2.5, "m"]], np.array([40, 2.5, "m"], dtype=object)])
def test_bare_values_of_a_row_take_the_dtypes_of_the_frame(x):
    (found,) = decoded(px.TabularSpace(FRAME), x)
    pd.testing.assert_frame_equal(found, FRAME.iloc[[1]].reset_index(drop=True))


def test_a_row_as_a_series_is_that_row_and_keeps_its_label():
    space = px.TabularSpace(FRAME)
    (one,) = space.players(FRAME.set_axis(list("pqrs")).loc["r"])
    assert one.label == "r"
    pd.testing.assert_frame_equal(space.columns.decode(one.codes[None]), FRAME.iloc[[2]].reset_index(drop=True))


def test_neither_the_order_of_columns_nor_that_of_rows_matters():
    space = px.TabularSpace(FRAME)
    plain = {one.label: one for one in space.players(FRAME)}
    for one in space.players(FRAME.iloc[::-1, [2, 0, 1]]):
        np.testing.assert_array_equal(one.codes, plain[one.label].codes)
        assert one.digest == plain[one.label].digest


def test_equal_rows_have_one_random_stream_whatever_their_zeros_and_nans():
    space = px.TabularSpace(np.array([[1.0, 1.0], [2.0, 2.0]]))
    a, b, c = space.players([[0.0, np.nan], [-0.0, -np.nan], [0.0, 1.0]])
    assert a.digest == b.digest != c.digest


@pytest.mark.parametrize(
    ("index", "labels"),
    [
        (list("pqrs"), list("pqrs")),
        ([7, 7, 3, 1], [7, 7, 3, 1]),
        (pd.MultiIndex.from_product([["a", "b"], [1, 2]]), [("a", 1), ("a", 2), ("b", 1), ("b", 2)]),
        (pd.to_datetime(["2020", "2021", "2022", "2023"]), list(pd.to_datetime(["2020", "2021", "2022", "2023"]))),
    ],
    ids=["text", "repeated", "levels", "dates"],
)
def test_index_labels_are_kept(index, labels):
    x = FRAME.set_axis(pd.Index(index))
    assert [one.label for one in px.TabularSpace(FRAME).players(x)] == labels


def test_integer_names_of_columns_reach_the_model_as_they_are():
    frame = pd.DataFrame(NUMBERS, columns=[10, 0, 3])
    space = px.TabularSpace(frame)
    assert space.names == ("10", "0", "3")
    pd.testing.assert_frame_equal(decoded(space, frame.iloc[:1, ::-1])[0], frame.iloc[:1])


def test_columns_of_two_levels_reach_the_model_as_they_are():
    frame = pd.DataFrame(NUMBERS, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)]))
    pd.testing.assert_frame_equal(decoded(px.TabularSpace(frame), frame.iloc[:1])[0], frame.iloc[:1])


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (FRAME.rename(columns={"bmi": "kg"}), r"x has the unknown feature\(s\) 'kg' and lacks the feature\(s\) 'bmi'"),
        (FRAME.assign(height=1.0), r"x has the unknown feature\(s\) 'height'"),
        (FRAME[["age", "sex"]], r"x lacks the feature\(s\) 'bmi'"),
        (FRAME.loc[0, ["age", "sex"]], r"lacks the feature\(s\) 'bmi'"),
        (pd.concat([FRAME, FRAME[["age"]]], axis=1), "x has the column 'age' twice"),
        ([1.0, 2.0], r"x has shape \(1, 2\); expected \(rows, 3\).*'age', 'bmi', 'sex'"),
        (np.zeros((1, 1, 3)), r"x has shape \(1, 1, 3\)"),
        (FRAME.iloc[:0], "x has no rows"),
        (FRAME.assign(sex="x"), "column 'sex' has the value 'x', which X does not have"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name(x, match):
    with pytest.raises(ValueError, match=match):
        px.TabularSpace(FRAME).players(x)


def test_a_structured_array_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"x is a structured array.*pandas\.DataFrame"):
        px.TabularSpace(NUMBERS).players(np.array([(1.0, 2.0, 3.0)], dtype=[("a", float), ("b", float), ("c", float)]))


@pytest.mark.parametrize("X", [FRAME.copy(), NUMBERS.copy(), FRAME.to_numpy()], ids=["frame", "array", "objects"])
def test_the_callers_tables_are_neither_changed_nor_watched(X):
    kept = X.copy()
    space = px.TabularSpace(X)
    one = space.players(X)[0]
    codes, first = space.codes.copy(), one.codes.copy()
    pd.testing.assert_frame_equal(pd.DataFrame(X), pd.DataFrame(kept))
    if isinstance(X, pd.DataFrame):
        X.iloc[0, 0] = 99
    else:
        X[0, 0] = 99
    np.testing.assert_array_equal(space.codes, codes)
    np.testing.assert_array_equal(one.codes, first)


@pytest.mark.parametrize("X", [FRAME["bmi"].to_frame().values, np.asfortranarray(NUMBERS), NUMBERS[::2, ::-1]])
def test_read_only_and_strided_tables_are_taken(X):
    X.setflags(write=False)
    assert rows(px.TabularSpace(X, background="all").background) == rows(X)


# ------------------------------------------------------------------------------------------------ players


def test_a_column_that_no_background_row_changes_is_always_present():
    X = np.array([[1.0, np.nan, 5.0, 0.0], [1.0, np.nan, 6.0, 0.0]])
    (one,) = px.TabularSpace(X).players([1.0, np.nan, 5.0, 2.0])
    assert one.names == ("x0", "x1", "x2", "x3")
    assert (one.active.tolist(), one.player.tolist()) == ([2, 3], [-1, -1, 0, 1])


def test_a_group_is_a_player_as_soon_as_one_of_its_columns_moves():
    X = np.array([[1.0, 2.0, 3.0]])
    (one,) = px.TabularSpace(X, groups={"g": ["x0", "x1"]}).players([1.0, 9.0, 3.0])
    assert (one.active.tolist(), one.player.tolist()) == ([0], [0, 0, -1])


def test_a_column_of_missing_values_is_a_player_for_a_row_that_has_one():
    X = pd.DataFrame({"a": [np.nan, np.nan], "b": [1.0, 2.0]})
    (one,) = px.TabularSpace(X).players([3.0, 1.0])
    assert one.active.tolist() == [0, 1]


def test_players_that_the_background_cannot_move_are_reported():
    X = pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 2.0], "c": ["k", "k"]})
    found = px.explain("kernel_shap", px.Predictor(lambda t: t["b"].to_numpy()), px.TabularSpace(X), [1.0, 3.0, "k"])
    assert found["kernel_shap"][0].meta["merged"] == ["a", "c"]


@pytest.mark.parametrize("choose", ["sample", "kmeans"])
def test_every_background_row_is_a_row_that_x_has_with_its_dtypes(choose):
    frame = pd.DataFrame(
        {"n": RNG.standard_normal(40), "s": RNG.choice(["a", "b", "c"], 40), "i": RNG.integers(0, 9, 40), "m": np.nan}
    )
    space = px.TabularSpace(frame, background=6, choose=choose)
    found = space.columns.decode(space.background)
    assert (found.dtypes == frame.dtypes).all()
    assert len(found.merge(frame, how="inner")) == 6


def test_missing_values_are_told_apart_by_kmeans():
    X = np.column_stack([np.where(np.arange(60) % 2 == 0, 1.0, np.nan), np.arange(60) // 2 * 1.0])
    space = px.TabularSpace(X, background=50, choose="kmeans")
    assert len(space.background) == 50 and np.isnan(space.background).any()


def test_kmeans_of_infinite_numbers_is_refused():
    X = np.column_stack([np.r_[np.inf, np.arange(59.0)], np.arange(60.0)])
    with pytest.raises(ValueError, match=r"choose='kmeans' needs finite numbers"):
        px.TabularSpace(X, background=5, choose="kmeans")


@pytest.mark.parametrize(
    "weights",
    [
        [1, "a", 2],
        ["a", "b", "c"],
        [object(), 1, 2],
        [10**400, 1, 1],
        [pd.NA, 1, 2],
        np.arange(3).astype("M8[D]"),
        [1j, 2, 3],
    ],
    ids=lambda given: repr(given)[:20],
)
def test_weights_that_are_no_numbers_are_refused_by_name(weights):
    for given in (weights, pd.Series(weights)):
        with pytest.raises(TypeError, match=r"weights=.* must be numbers that float64 holds, one a row of X"):
            px.TabularSpace(np.eye(3), weights=given)
