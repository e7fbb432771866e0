"""ALE's value of a level: against the definition, the curves of effects(), additive models and simulated intervals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.sampling.streams import Streams

TOWNS = np.array(["Ulm", "Bonn", "Kiel", "Trier", "Aue"])
WORTH = {"Ulm": 0.0, "Bonn": 2.0, "Kiel": -1.0, "Trier": 0.5, "Aue": 3.0, "Nowhere": 7.0}
CLOSE = 0.6  # standard deviations of age: so near to each other, towns are put in their order by all but a few samples
FIVE = ["lime", "kernel_shap", "pdp", "ice", "ale"]


def table(n=200, seed=0, ordered=False, apart=1.0):
    """Towns whose rows differ in age and pay, the more so the farther they are from each other in TOWNS."""
    rng = np.random.default_rng(seed)
    number = rng.choice(5, n, p=[0.3, 0.25, 0.2, 0.15, 0.1])
    town = pd.Categorical(TOWNS[number], TOWNS, ordered=True) if ordered else TOWNS[number].astype(object)
    return pd.DataFrame(
        {"town": town, "age": apart * number + rng.normal(size=n), "pay": rng.exponential(size=n) * (1 + number)}
    )


def model(rows):
    """Two outputs, in neither of which a town adds the same at all rows."""
    worth = rows.town.map(WORTH).astype(float).to_numpy()
    age, pay = rows.age.to_numpy(), rows.pay.to_numpy()
    return np.column_stack([worth * age + pay, np.where(pay > 2, worth, -worth) + age])


def additive(rows):
    return rows.town.map(WORTH).astype(float).to_numpy() + rows.age.to_numpy() * 0.5


def explained(X, x, score=model, seed=0, data_rows=10_000, **options):
    space, predictor = px.TabularSpace(X, **options), px.Predictor(score)
    found = px.explain(px.Ale(data_rows=data_rows), predictor, space, x, seed=seed)["ale"]
    return found, space, predictor


def curve_of(X, space, score=model, **options):
    return px.effects("ale", px.Predictor(score), space, X, features="town", **options)["ale"]["town"]


def absent(space):
    return space.columns.decode_values(0, space.background[:, 0])


# ------------------------------------------------------------------------------------------------ the definition


def slow_curve(X, order, weight=None, score=model):
    """Height of each level: between neighbours the mean change, from the one to the other, of the rows of either."""
    weight = np.ones(len(X)) if weight is None else weight
    height = {order[0]: np.zeros(2)}
    for low, high in pairwise(order):
        near = X.town.isin([low, high]).to_numpy()
        rise = score(X[near].assign(town=high)) - score(X[near].assign(town=low))
        height[high] = height[low] + np.average(rise, axis=0, weights=weight[near])
    return height


def slow_value(X, order, level, towns, weight=None):
    """(K,): the height of a level less the mean of those of some towns."""
    height = slow_curve(X, order, weight)
    return height[level] - np.mean([height[one] for one in towns], axis=0)


def slow_error(X, order, level, towns):
    """(K,): how each row moves the value, by how far it is from the mean steps that it is part of; rows are drawn."""
    moves = pd.Series([np.zeros(2)] * len(X), X.index)
    for s, (low, high) in enumerate(pairwise(order)):
        near = X[X.town.isin([low, high])]
        rise = model(near.assign(town=high)) - model(near.assign(town=low))
        passed = (order.index(level) > s) - np.mean([order.index(one) > s for one in towns])
        moves[near.index] += [*(passed * (rise - rise.mean(axis=0)) / len(near))]
    by_town = [np.stack(moves[X.town == town]) for town in order]
    within = sum(len(one) * one.var(axis=0, ddof=1) for one in by_town)
    return np.sqrt(within + sum(len(one) * one.mean(axis=0) ** 2 for one in by_town))


@pytest.mark.parametrize("background", [20, "all"])
@pytest.mark.parametrize("ordered", [True, False])
def test_a_value_is_what_the_steps_up_to_a_level_add_up_to_less_the_mean_over_the_background(ordered, background):
    X, x = table(ordered=ordered), table(12, seed=1, ordered=ordered)
    found, space, _ = explained(X, x, background=background)
    order = [str(one) for one in curve_of(X, space).grid[0]]
    assert ordered is False or order == list(TOWNS)
    for n, level in enumerate(x.town):
        np.testing.assert_allclose(found.values[n, 0], slow_value(X, order, level, absent(space)), atol=1e-12)
        np.testing.assert_allclose(found.stderr[n, 0], slow_error(X, order, level, absent(space)), rtol=1e-9)


def test_weights_of_rows_weigh_the_steps():
    X, weights = table(150, ordered=True), np.random.default_rng(1).random(150)
    found, space, _ = explained(X, X[:5], weights=weights, background=1)
    for n, level in enumerate(X.town[:5]):
        expected = slow_value(X, list(TOWNS), level, absent(space), weights)
        np.testing.assert_allclose(found.values[n, 0], expected, atol=1e-12)


# ------------------------------------------------------------------------------------------------ as effects has it


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_curve_is_that_of_effects(ordered, weighted):
    X, rng = table(300, ordered=ordered), np.random.default_rng(2)
    weights = rng.random(300) * (rng.random(300) < 0.8) if weighted else None  # some count nothing
    found, space, _ = explained(X, X[:40], weights=weights, background=30)
    np.testing.assert_allclose(found.values[:, 0], curve_of(X, space).attribution(X[:40]), atol=1e-12)


def test_drawn_rows_are_those_that_effects_draws():
    X = table(2000)
    found, space, _ = explained(X, X[:40], data_rows=100, seed=3)
    curve = curve_of(X, space, rows=5 * 100 + 1, seed=3)  # each row at five levels, and the first row
    assert curve.meta["drawn_rows"] == found.meta["drawn_rows"] == 100
    np.testing.assert_allclose(found.values[:, 0], curve.attribution(X[:40]), atol=1e-12)


def test_the_error_of_the_background_is_that_of_a_mean_of_the_curve_over_so_many_rows():
    X = table(400)
    found, _, _ = explained(X, X[:3], additive, background=25)
    expected = X.town.map(WORTH).astype(float).std(ddof=1) / np.sqrt(25)
    np.testing.assert_allclose(found.stderr_background[:, 0, 0], expected, rtol=1e-9)


# ------------------------------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize("ordered", [True, False])
def test_all_five_methods_agree_on_an_additive_model(ordered):
    X = table(ordered=ordered).assign(age=lambda rows: np.round(rows.age))
    space = px.TabularSpace(X, background=25)
    found = px.explain(FIVE, px.Predictor(additive), space, X[:6])
    expected = X.town[:6].map(WORTH).astype(float) - np.mean([WORTH[one] for one in absent(space)])
    for method in FIVE:
        np.testing.assert_allclose(found[method].values[:, 0, 0], expected, atol=1e-9, err_msg=method)
    assert found["ale"].stderr[:, 0].max() < 1e-12


def test_with_two_levels_the_step_is_the_mean_change_of_all_rows():
    X = table()[lambda rows: rows.town.isin(["Ulm", "Aue"])]
    found, space, _ = explained(X, X[:8])
    rise = (model(X.assign(town="Aue")) - model(X.assign(town="Ulm"))).mean(axis=0)
    share = (absent(space) == "Aue").mean()
    expected = np.outer((X.town[:8] == "Aue") - share, rise)
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-12)


# ------------------------------------------------------------------------------------------------ what decides nothing


def test_neither_the_order_of_the_rows_nor_the_names_of_the_levels_matter():
    X, x = table(), table(5, seed=1)
    whole = explained(X, x, background="all")[0]
    shuffled = explained(X.sample(frac=1.0, random_state=0), x, background="all")[0]
    np.testing.assert_allclose(shuffled.values, whole.values, atol=1e-12)
    other = dict(zip(TOWNS, "zaybx", strict=True))
    back = {name: town for town, name in other.items()}
    named = [one.assign(town=one.town.map(other)) for one in (X, x)]
    renamed = explained(*named, lambda rows: model(rows.assign(town=rows.town.map(back))), background="all")[0]
    np.testing.assert_allclose(renamed.values, whole.values, atol=1e-12)


def test_categories_are_ordered_as_they_say_and_read_either_way_the_same():
    X, x = table(ordered=True), table(5, seed=1, ordered=True)
    turned = [one.assign(town=one.town.cat.reorder_categories(TOWNS[::-1], ordered=True)) for one in (X, x)]
    mixed = [one.assign(town=one.town.cat.reorder_categories(sorted(TOWNS), ordered=True)) for one in (X, x)]
    forward, backward, other = (explained(*pair, background="all")[0].values for pair in ((X, x), turned, mixed))
    np.testing.assert_allclose(backward, forward, atol=1e-12)
    assert np.abs(other - forward)[:, 0].max() > 0.1


def test_columns_of_numbers_do_not_feel_that_there_are_levels():
    X = table(300)[["age", "pay", "town"]]
    numbers, score = X[["age", "pay"]], lambda rows: rows.age.to_numpy() * rows.pay.to_numpy()
    beside, alone = (explained(one, one[:5], score, background="all")[0] for one in (X, numbers))
    for what in ("values", "stderr"):
        np.testing.assert_array_equal(getattr(beside, what)[:, :2], getattr(alone, what))


# ------------------------------------------------------------------------------------------------ kinds of levels


def test_a_missing_value_is_a_level_among_those_without_an_order():
    X = table()
    X.loc[::7, "town"] = None
    score = lambda rows: model(rows.assign(town=rows.town.fillna("Nowhere")))  # noqa: E731
    found, space, _ = explained(X, X[:21], score, background="all")
    np.testing.assert_allclose(found.values[:, 0], curve_of(X, space, score).attribution(X[:21]), atol=1e-12)
    named = X.assign(town=X.town.fillna("Nowhere"))
    np.testing.assert_allclose(
        found.values[:, 0], explained(named, named[:21], background="all")[0].values[:, 0], atol=1e-12
    )


def test_in_an_order_rows_with_a_missing_value_are_left_out():
    X = table(ordered=True)
    X.loc[::7, "town"] = np.nan
    there, score = X.town.notna(), lambda rows: np.nan_to_num(model(rows))
    x = X[there][:6]
    found, space, _ = explained(X, x, score)
    towns = [one for one in absent(space) if isinstance(one, str)]
    assert len(towns) < len(space.background)
    for n, level in enumerate(x.town):
        np.testing.assert_allclose(found.values[n, 0], slow_value(X[there], list(TOWNS), level, towns), atol=1e-12)


def test_objects_of_several_kinds_are_levels():
    values = [1, "1", True, None, (2, 3)]
    number = np.random.default_rng(0).integers(0, 5, 200)
    column = pd.Series([values[k] for k in number], dtype=object)
    X = pd.DataFrame({"thing": column, "age": np.arange(200.0)})
    worth = lambda one: {int: 1.0, str: 4.0, bool: -2.0, type(None): 0.5, tuple: 8.0}[type(one)]  # noqa: E731
    found, space, _ = explained(X, X[:12], lambda rows: rows.thing.map(worth, na_action=None).astype(float))
    background = [worth(one) for one in absent(space)]
    np.testing.assert_allclose(found.values[:, 0, 0], column[:12].map(worth) - np.mean(background), atol=1e-12)


def test_truth_values_are_numbers():
    X = table().assign(town=lambda rows: rows.town == "Ulm")
    numbers = X.assign(town=X.town.astype(int))
    score = lambda rows: rows.town.to_numpy() * rows.age.to_numpy()  # noqa: E731
    truths, ones = (explained(one, one[:5], score)[0] for one in (X, numbers))
    np.testing.assert_array_equal(truths.values, ones.values)


# ------------------------------------------------------------------------------------------------ rare and new levels


def with_a_rare_town(n, where):
    X = table(n)
    X.loc[where, "town"] = "Nowhere"
    return X


def test_a_level_of_a_single_row_has_a_value_and_borrows_its_spread():
    X = with_a_rare_town(200, [17])
    found, space, _ = explained(X, X[17:18])
    np.testing.assert_allclose(found.values[:, 0], curve_of(X, space).attribution(X[17:18]), atol=1e-12)
    assert np.isfinite(found.stderr).all() and (found.stderr[0, 0] > 0.01).all()


def test_a_level_that_the_draw_missed_is_there_with_one_row_that_counts_as_the_level_does_in_x():
    X = with_a_rare_town(3000, [3, 1700, 2400])
    drawn = np.sort(Streams(0).of_call("rows").choice(3000, 50, replace=False, p=np.full(3000, 1 / 3000)))
    assert not set(drawn) & {3, 1700, 2400}
    found, space, _ = explained(X, X[3:4], data_rows=50, background=10)
    # any of the three may have been added
    for added in (3, 1700, 2400):
        sample = X.iloc[[*drawn, added]]
        weight = np.append(np.ones(50), 3 / 3000 * 50)
        order = [str(one) for one in like_rows(sample, weight)]
        if np.allclose(found.values[0, 0], slow_value(sample, order, "Nowhere", absent(space), weight), atol=1e-12):
            break
    else:
        pytest.fail("the value is that of none of the three rows")
    assert found.meta["drawn_rows"] == 50 and np.isfinite(found.stderr[0, 0]).all()


def like_rows(sample, weight):
    """Towns as they follow each other where these are all rows."""
    space = px.TabularSpace(sample, weights=weight)
    return curve_of(sample, space).grid[0]


def with_a_level_in_store(X, towns, ordered=False):
    return X.assign(town=pd.Categorical(X.town, towns, ordered=ordered))


def test_to_a_level_that_x_lacks_rows_go_straight_from_the_levels_of_the_background():
    X = with_a_level_in_store(table(), [*TOWNS, "Nowhere"])
    x = table(3, seed=1).assign(town=pd.Categorical(["Nowhere", "Ulm", "Nowhere"], X.town.cat.categories))
    found, space, predictor = explained(X, x)
    rise = model(X.assign(town="Nowhere")) - model(X)
    by_town = {town: rise[(X.town == town).to_numpy()] for town in TOWNS}
    share = {town: (absent(space) == town).mean() for town in TOWNS}
    expected = sum(share[town] * by_town[town].mean(axis=0) for town in TOWNS)
    variance = sum(share[town] ** 2 * by_town[town].var(axis=0, ddof=1) / len(by_town[town]) for town in TOWNS)
    np.testing.assert_allclose(found.values[[0, 2], 0], [expected, expected], atol=1e-12)
    np.testing.assert_allclose(found.stderr[[0, 2], 0], np.sqrt([variance, variance]), rtol=1e-9)
    # the other row has the curve that it has in other company
    np.testing.assert_array_equal(found.values[1], explained(X, x[1:2])[0].values[0])
    assert found.meta["rows_once_a_call"]["town='Nowhere'"] == len(X) and found.meta["rows"] == predictor.rows


def test_an_order_places_a_level_that_x_lacks():
    towns = [*TOWNS[:2], "Nowhere", *TOWNS[2:]]
    X = with_a_level_in_store(table(), towns, ordered=True)
    x = X[:1].assign(town=pd.Categorical(["Nowhere"], X.town.cat.categories, ordered=True))
    found, space, _ = explained(X, x)
    np.testing.assert_allclose(found.values[0, 0], slow_value(X, towns, "Nowhere", absent(space)), atol=1e-12)
    given = curve_of(X, space, grid={"town": towns})
    np.testing.assert_allclose(found.values[:, 0], given.attribution(x), atol=1e-12)


def test_from_the_only_level_of_x_the_curve_leads_to_the_explained_one():
    for ordered in (True, False):
        X = with_a_level_in_store(table().assign(town="Ulm"), TOWNS, ordered)
        x = X[:1].assign(town=pd.Categorical(["Aue"], X.town.cat.categories, ordered=ordered))
        rise = (model(X.assign(town="Aue")) - model(X)).mean(axis=0)
        np.testing.assert_allclose(explained(X, x)[0].values[0, 0], rise, atol=1e-12)


def test_a_level_that_only_rows_without_weight_have_is_one_that_x_lacks():
    X = with_a_rare_town(200, [17, 18])
    found, space, _ = explained(X, X[17:18], weights=np.where(X.town == "Nowhere", 0.0, 1.0))
    there = X[X.town != "Nowhere"]
    rise = model(there.assign(town="Nowhere")) - model(there)
    share = [(absent(space) == town).mean() for town in TOWNS]
    by_town = [rise[(there.town == town).to_numpy()].mean(axis=0) for town in TOWNS]
    np.testing.assert_allclose(found.values[0, 0], np.average(by_town, axis=0, weights=share), atol=1e-12)


def test_where_every_level_has_one_row_nothing_is_known_of_the_error():
    X = table(200).drop_duplicates("town")
    found, _, _ = explained(X, X[:3])
    assert np.isfinite(found.values).all()
    # a step rests on two rows, of which each level has one
    assert np.isinf(found.stderr[:, 0]).all()


def test_along_a_column_whose_rows_are_missing_or_of_one_level_that_level_has_the_value_zero():
    X = table(40, ordered=True)
    X["town"] = pd.Categorical(np.where(np.arange(40) % 2, "Ulm", None), TOWNS, ordered=True)
    found, _, _ = explained(X, X[1:2], lambda rows: np.nan_to_num(model(rows)))
    np.testing.assert_array_equal(found.values[0, 0], 0.0)


def test_of_a_column_so_empty_that_no_drawn_row_has_a_level_the_rows_that_have_one_are_taken():
    X = table(3000, ordered=True)
    drawn = Streams(0).of_call("rows").choice(3000, 20, replace=False, p=np.full(3000, 1 / 3000))
    kept = np.setdiff1d(np.arange(0, 3000, 60), drawn)
    X["town"] = pd.Categorical(np.where(np.isin(np.arange(3000), kept), X.town, None), TOWNS, ordered=True)
    x = X.iloc[kept[:2]]
    found, _, _ = explained(X, x, lambda rows: np.nan_to_num(additive(rows)), data_rows=20, background="all")
    worth = X.town.iloc[kept].map(WORTH).astype(float)
    np.testing.assert_allclose(found.values[:, 0, 0], worth[:2] - worth.mean(), atol=1e-12)
    assert np.isfinite(found.stderr[:, 0]).all()


# ------------------------------------------------------------------------------------------------ what it costs


def test_a_column_of_levels_costs_up_to_two_rows_a_drawn_row_however_many_rows_are_explained():
    X, rows = table(600), []
    for x in (table(1, seed=1), table(40, seed=1)):
        found, _, predictor = explained(X, x, background=5, data_rows=100)
        assert found.meta["rows"] == predictor.rows
        assert 150 < found.meta["rows_once_a_call"]["town"] <= 200
        rows.append(predictor.rows - len(x))
    assert rows[0] == rows[1]


@pytest.mark.parametrize("n_explained", [1, 3])
def test_no_row_is_asked_twice_and_each_is_counted_once(n_explained):
    rng = np.random.default_rng(0)  # moved rows are rows of X, of the background and explained ones
    X = pd.DataFrame({name: rng.choice(list("abcd"), 60) for name in ("one", "two", "three")}).drop_duplicates()
    seen = []

    def score(rows):
        seen.append(rows)
        return rows.one.map(ord) * rows.two.map(ord) % 7 + (rows.three == "a")

    x = pd.DataFrame([list("dda"), list("abc"), list("ccc")][:n_explained], columns=list(X))
    found, _, predictor = explained(X, x, score, background=3, data_rows=20)
    asked = pd.concat(seen)
    assert not asked.duplicated().any() and len(asked) == predictor.rows == found.meta["rows"]
    if n_explained == 1:
        assert found[0].meta["rows"] == predictor.rows
        assert sum(found[0].meta["rows_once_a_call"].values()) == predictor.rows


def test_two_workers_find_the_same_to_the_bit():
    X, x = table(300), table(6, seed=1)

    def travels(rows):  # workers cannot import this module
        return rows.town.str.len().to_numpy() * rows.age.to_numpy() + rows.pay.to_numpy()

    space = px.TabularSpace(X, background=10)
    one, two = (px.explain("ale", px.Predictor(travels), space, x, seed=2, n_jobs=n)["ale"] for n in (1, 2))
    for what in ("values", "stderr", "stderr_background"):
        np.testing.assert_array_equal(getattr(one, what), getattr(two, what))


# ------------------------------------------------------------------------------------------------ intervals


def held(n, runs, ordered):
    """How often 95 % intervals hold the curve of all rows less its mean over the background, and both errors all of it."""
    everything, x = table(100_000, 10_000, True, CLOSE), table(200, 0, ordered, CLOSE).drop_duplicates("town")
    height = {town: value[0] for town, value in slow_curve(everything, list(TOWNS)).items()}
    own, mean = np.array([height[town] for town in x.town]), np.mean([height[town] for town in everything.town])
    inside, together = [], []
    for seed in range(runs):
        space = px.TabularSpace(table(n, seed, ordered, CLOSE), background=50, seed=seed)
        found = px.explain(px.Ale(bins=4), px.Predictor(lambda rows: model(rows)[:, 0]), space, x, seed=seed)["ale"]
        low, high = (end[:, 0, 0] for end in found.interval())
        truth = own - np.mean([height[town] for town in absent(space)])
        inside.append((low <= truth) & (truth <= high))
        error = np.hypot(found.stderr, found.stderr_background)[:, 0, 0]
        together.append(np.abs(found.values[:, 0, 0] - own + mean) <= 1.97 * error)
    return np.mean(inside), np.mean(together)


@pytest.mark.parametrize("ordered", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_intervals_hold_the_curve_of_all_rows(ordered):
    within, together = held(400, 100, ordered)
    # 500 intervals, five of them from one sample: a spread of about .015
    assert 0.9 <= within <= 0.99, within
    assert 0.9 <= together <= 0.99, together


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(("n", "least"), [(200, 0.91), (400, 0.93), (1000, 0.93)])
def test_intervals_hold_the_curve_as_often_as_they_say(n, least, ordered):
    within, together = held(n, 800, ordered)
    # 200 rows put the five towns in another order than all rows do in one draw of thirteen
    assert least <= within <= 0.97, within
    assert least <= together <= 0.97, together


def test_intervals_know_that_other_rows_have_other_shares_of_the_levels():
    """Rows of a town that are alike, and unlike those of the next: a mean step hangs on how many there are of either."""
    inside = []
    for seed in range(200):
        number = np.random.default_rng(seed).integers(0, 2, 60)
        X = pd.DataFrame({"town": TOWNS[number], "age": 10.0 * number + np.random.default_rng(seed).normal(size=60)})
        x = pd.DataFrame({"town": TOWNS[:2], "age": 0.0})
        found, space, _ = explained(X, x, lambda rows: (rows.town == TOWNS[1]) * rows.age, background=1)
        low, high = (end[:, 0, 0] for end in found.interval())
        truth = 5.0 * ((TOWNS[:2] == TOWNS[1]) * 1.0 - (absent(space) == TOWNS[1]).mean())  # the mean age of all rows
        inside.append(((low <= truth) & (truth <= high)).all())
    assert 0.9 <= np.mean(inside) <= 0.99, np.mean(inside)


# ------------------------------------------------------------------------------------------------ refused


def refused(X, x, message, **options):
    space, predictor = px.TabularSpace(X, **options), px.Predictor(model)
    with pytest.raises(ValueError, match=message):
        px.explain("ale", predictor, space, x)
    assert predictor.rows == 0


def test_a_missing_value_has_no_place_in_an_order():
    X = table(ordered=True)
    X.loc[0, "town"] = np.nan
    refused(X, X[:1], "the explained value of 'town' is missing, which has no place in the order of its levels")


def test_a_column_without_an_ordered_level_is_refused():
    X = table(ordered=True)
    x, X["town"] = X[:1].copy(), pd.Categorical([None] * 200, TOWNS, ordered=True)
    refused(X, x, "'town' has no value in X; leave 'ale' or the column out")


def test_a_background_without_an_ordered_level_is_refused():
    X = table(ordered=True)
    X.loc[1:, "town"] = np.nan
    assert len(px.TabularSpace(X, background=3).background) == 3
    refused(X, X[:1], "'town' has no value in the background", background=3)


@pytest.mark.parametrize("ordered", [True, False])
def test_more_than_500_levels_are_refused_with_the_way_out(ordered):
    names = np.array([f"town {k}" for k in range(501)])
    X = pd.DataFrame({"town": pd.Categorical(names, names, ordered=ordered), "age": 0.0, "pay": 1.0})
    refused(X, X[:1], "'town' has 501 levels in X; expected at most 500.* Leave 'ale' out, or group rare levels")
    px.explain("ale", px.Predictor(lambda rows: rows.age), px.TabularSpace(X[:500]), X[:1])


def test_levels_in_a_group_are_refused():
    X = table()
    refused(X, X[:1], "'both' has 2 columns; its curve needs one", groups={"both": ["town", "age"]})
