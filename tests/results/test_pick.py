"""Submodular pick: lime's own greedy and an exhaustive search as oracles, and what it must not depend on."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import FrozenInstanceError, replace
from types import SimpleNamespace

import numpy as np
import pytest
import recorders
from explanations import one

import perturbxai as px
from perturbxai.results.pick import greedy


def result(values, **changes):
    """An Attribution of values (N, P) or (N, P, K), labelled by their number."""
    values = np.asarray(values, dtype=float)
    values = values[:, :, None] if values.ndim == 2 else values
    _, n_players, n_outputs = values.shape
    names = tuple(f"x{p}" for p in range(n_players))
    first = replace(one(n_players, n_outputs), names=names, stderr=np.zeros((n_players, n_outputs)), **changes)
    return px.Attribution(tuple(replace(first, values=v, label=i) for i, v in enumerate(values)), {"name": "mine"})


def sparse(seed, n_rows=12, n_players=10, per_row=3):
    """(N, P) signed values, so many of them not 0 in each row."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_rows, n_players))
    hidden = np.argsort(rng.random(values.shape), axis=1)[:, per_row:]
    np.put_along_axis(values, hidden, 0.0, axis=1)
    return values


def covered(values, rows):
    """The coverage of the paper, slowly: the importance of the components that some of these rows shows."""
    importance = [np.sqrt(sum(abs(line[j]) for line in values)) for j in range(values.shape[1])]
    return sum(importance[j] for j in range(values.shape[1]) if any(abs(values[i, j]) > 0 for i in rows))


def lime_s_pick(values, n):
    """What lime's own class picks from this explanation matrix."""
    from lime.submodular_pick import SubmodularPick

    def explain_instance(line, *_args, **_options):
        told = [(f"x{j}", value) for j, value in enumerate(line) if value != 0]
        return SimpleNamespace(mode="regression", as_list=lambda label=1: told)  # noqa: ARG005

    explainer = SimpleNamespace(explain_instance=explain_instance)
    return SubmodularPick(explainer, values, None, method="full", num_exps_desired=n).V


@pytest.mark.parametrize("seed", range(20))
def test_each_step_covers_what_lime_s_greedy_covers(seed):
    values = sparse(seed)
    found, theirs = px.submodular_pick(result(values), 3, n_features=10), lime_s_pick(values, 3)
    total = covered(values, range(len(values)))
    for step in range(3):  # of rows that add the same lime takes the last one, so rows may differ, and coverage may not
        assert found.coverage[step] * total == pytest.approx(covered(values, theirs[: step + 1]), rel=1e-12)
        assert found.coverage[step] * total == pytest.approx(covered(values, found.numbers[: step + 1]), rel=1e-12)
    assert found.numbers[0] == theirs[0]  # no two rows have the same three features here


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [1, 2, 4])
def test_the_pick_reaches_what_the_theorem_promises_of_the_best_rows(seed, n):
    values = sparse(seed, n_rows=9, n_players=14, per_row=4)
    reached = covered(values, px.submodular_pick(result(values), n, n_features=14).numbers)
    best = max(covered(values, rows) for rows in itertools.combinations(range(9), n))
    assert (1.0 - 1.0 / np.e) * best <= reached <= best * (1.0 + 1e-12)
    if n == 1:
        assert reached == pytest.approx(best, rel=1e-12)


def test_what_a_row_adds_never_grows():
    for seed in range(20):
        found = px.submodular_pick(result(sparse(seed, n_players=30)), 8, n_features=30)
        assert (np.diff(found.gained) < 1e-12).all()


def test_importance_is_the_root_of_the_summed_sizes():
    found = px.submodular_pick(result([[1.0, -3.0, 0.0], [-8.0, 1.0, 0.0]]), 1, n_features=3)
    np.testing.assert_allclose(found.importance, [3.0, 2.0, 0.0], rtol=1e-15)


def test_known_rows_are_picked_in_their_order():
    # x0 counts 4, x1 3, x2 2, x3 1: the third row shows 4 + 1, then the first adds 3, then the second 2
    values = np.array([[8.0, 9.0, 0, 0], [0, 0, 4.0, 0], [8.0, 0, 0, 1.0]])
    found = px.submodular_pick(result(values), 3, n_features=4)
    assert found.numbers.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found.gained, [0.7, 0.2, 0.1], rtol=1e-15)
    np.testing.assert_allclose(found.coverage, [0.7, 0.9, 1.0], rtol=1e-15)


@pytest.mark.parametrize("factor", [1e-200, 3.0, -7.0, 1e150])
def test_the_unit_of_the_output_does_not_matter(factor):
    values = sparse(1, n_players=20)
    plain, scaled = (px.submodular_pick(result(v), 5, n_features=20) for v in (values, factor * values))
    assert plain.numbers.tolist() == scaled.numbers.tolist()
    np.testing.assert_allclose(plain.gained, scaled.gained, rtol=1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_rows_and_features_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((15, 12)) < 0.25, rng.normal(size=(15, 12)), 0.0)
    rows, columns = rng.permutation(15), rng.permutation(12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in some, all is shown before the last pick: ties among the rest are the point
        plain = px.submodular_pick(result(values), 8, n_features=12)
        turned = px.submodular_pick(result(values[rows][:, columns]), 8, n_features=12)
    assert rows[turned.numbers].tolist() == plain.numbers.tolist()


def test_of_rows_that_add_alike_the_one_with_the_largest_values_goes_first_then_the_first():
    values = np.array([[1.0, 1.0], [2.0, 3.0], [3.0, 2.0], [1.0, 1.0]])
    with pytest.warns(UserWarning, match="the first 1 of . picks show all"):
        assert px.submodular_pick(result(values), 4, n_features=2).numbers.tolist() == [1, 2, 0, 3]


def test_sums_in_another_order_are_ties_all_the_same():
    importance = np.array([0.1, 0.2, 0.3, 0.6])  # .1 + .2 + .3 is not .6 in floating point
    rows, _ = greedy(np.array([[1.0, 1.0, 1.0, 0], [0, 0, 0, 9.0]]), importance, 1)
    assert rows.tolist() == [1]


def test_a_row_shows_its_largest_values_only():
    values = np.array([[5.0, 4.0, 1.0], [1.0, 0.0, 5.0]])
    found = px.submodular_pick(result(values), 2, n_features=2)
    shows = dict(zip(found.numbers.tolist(), found.shows.tolist(), strict=True))
    assert shows == {0: [True, True, False], 1: [True, False, True]}
    np.testing.assert_allclose(found.importance, np.sqrt([6.0, 4.0, 5.0]), rtol=1e-15)


@pytest.mark.parametrize(("n_players", "shown"), [(2, 1), (4, 2), (10, 4), (30, 10), (60, 10)])
def test_a_third_of_the_features_is_shown_ten_at_most(n_players, shown):
    found = px.submodular_pick(result(np.random.default_rng(0).normal(size=(3, n_players))), 1)
    assert found.shows.sum() == shown


def test_rounding_is_no_value():
    # a feature of one row that does nothing has the value 1e-17 there, and would be all that is left to show
    values = np.array([[1.0, 1e-17, 0.0], [0.5, 0.0, 0.0], [0.9, 0.0, 0.0]])
    with pytest.warns(UserWarning, match="the first 1 of . picks show all"):
        found = px.submodular_pick(result(values), 2, n_features=3)
    assert found.importance[1] == 0.0 and found.gained[1] == 0.0


def test_no_row_comes_twice():
    with pytest.warns(UserWarning, match="the others add nothing") as told:
        rows = px.submodular_pick(result(np.ones((6, 3))), 6).numbers
    assert told[0].filename == __file__
    assert sorted(rows.tolist()) == list(range(6))


def test_values_of_zero_everywhere_are_picked_from_without_an_error():
    with pytest.warns(UserWarning, match="the first 0 of 2 picks"):
        found = px.submodular_pick(result(np.zeros((3, 4))), 2)
    assert found.gained.tolist() == [0.0, 0.0] and found.numbers.tolist() == [0, 1]


def test_an_output_is_taken_by_name_or_number_and_none_sums_their_sizes():
    values = np.zeros((2, 3, 2))
    values[0, 0, 0], values[1, 1, 1] = 2.0, 5.0
    values[0, 2], values[1, 2] = [1.0, -1.0], [0.5, 0.5]
    of = {output: px.submodular_pick(result(values), 1, output=output, n_features=3) for output in (None, "class 0", 1)}
    np.testing.assert_allclose(of["class 0"].importance, np.sqrt([2.0, 0.0, 1.5]), rtol=1e-15)
    np.testing.assert_allclose(of[1].importance, np.sqrt([0.0, 5.0, 1.5]), rtol=1e-15)
    np.testing.assert_allclose(of[None].importance, np.sqrt([2.0, 5.0, 3.0]), rtol=1e-15)
    assert [found.numbers[0] for found in of.values()] == [1, 0, 1]


def test_the_result_is_left_as_it_is():
    found = result(sparse(0))
    before = found.values.tobytes()
    px.submodular_pick(found, 3, output=0)
    assert found.values.tobytes() == before


def test_the_picked_rows_are_explanations_of_the_result_in_order():
    found = result(sparse(3))
    pick = px.submodular_pick(found, 3, n_features=10)
    assert all(pick.picked[step] is found[int(row)] for step, row in enumerate(pick.numbers))


def test_the_frame_says_which_features_a_row_is_the_first_to_show():
    values = np.array([[8.0, 9.0, 0, 0], [0, 0, 4.0, 0], [8.0, 0, 0, 1.0]])
    frame = px.submodular_pick(result(values), 3, n_features=4).to_frame()
    assert list(frame) == ["row", "number", "gained", "coverage", "first to show"]
    assert frame["first to show"].tolist() == ["x0, x1", "x2", "x3"] and frame["row"].tolist() == [0, 1, 2]


def test_rules_are_components_of_their_own():
    X = np.random.default_rng(0).normal(size=(300, 4))
    predictor = px.Predictor(lambda X: 3.0 * np.abs(X[:, 0]) + 0.1 * X[:, 1])
    found = px.explain("lime_tabular", predictor, px.TabularSpace(X), X[:40], budget=2000)["lime_tabular"]
    pick = px.submodular_pick(found, 4, n_features=1, components="rule")
    # the four quartiles of x0 are what matters, and each needs a row of its own
    assert sum("x0" in rule for rule in pick.components) == 4
    assert sorted(pick.shows.sum(axis=1)) == [1, 1, 1, 1] and (pick.gained > 0).all()
    for step, shown in enumerate(pick.shows):
        assert pick.components[int(np.flatnonzero(shown)[0])] in pick.picked[step].columns["rule"]


def test_any_method_s_result_can_be_picked_from():
    space, x = recorders.table(n_rows=6)
    for name, found in px.explain(recorders.FIVE, px.Predictor(recorders.of_table), space, x, budget=60).items():
        pick = px.submodular_pick(found, 1)
        assert pick.gained[0] > 0 and pick.shows.sum() == 2, name


def test_a_pick_is_frozen():
    with pytest.raises(FrozenInstanceError):
        px.submodular_pick(result([[1.0, 2.0]]), 1).numbers = 3


@pytest.mark.parametrize("given", [3, None, "lime", {"lime": result([[1.0]])}])
def test_what_is_no_result_is_refused(given):
    with pytest.raises(TypeError, match="expected an Attribution, one method's result"):
        px.submodular_pick(given, 1)


def test_pictures_are_refused():
    space, x = recorders.pictures(2)
    found = px.baselines("random", px.Predictor(recorders.of_pictures), space, x)["random"]
    with pytest.raises(ValueError, match="superpixels of different pictures are not the same features"):
        px.submodular_pick(found, 1)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n": 0}, "n=0 must be a whole number of rows from 1 up to the 2"),
        ({"n": 3}, "n=3 must be a whole number of rows from 1 up to the 2"),
        ({"n": True}, "n=True must be"),
        ({"n": 1.0}, "n=1.0 must be"),
        ({"n": 1, "n_features": 0}, "n_features=0 must be"),
        ({"n": 1, "components": "row"}, "components='row' is not known"),
        ({"n": 1, "components": "rule"}, "lime_tabular alone gives"),
        ({"n": 1, "output": "third"}, "'third' is not an output"),
        ({"n": 1, "output": [0]}, r"\[0\] is not an output"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        px.submodular_pick(result([[1.0, 2.0], [2.0, 1.0]]), **options)
