"""Prototypes and criticisms against hand counts, brute force, and what is proved of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.inputs import discrepancy
from perturbxai.inputs.medoids import medoids, silhouette

FEW = settings(max_examples=40, deadline=None)


@st.composite
def scenes(draw, most=9):
    """A kernel of distinct points, weights and a generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points = rng.normal(size=(draw(st.integers(3, most)), 2))
    far = np.abs(points[:, None] - points[None]).sum(axis=2)
    share = rng.dirichlet(np.ones(len(points)))
    return np.exp(-far), far, share, rng


def squared(kernel, share, chosen):
    """The squared discrepancy, pair by pair."""
    weight = -np.array(share)
    for one in chosen:
        weight[one] += 1.0 / len(chosen)
    return sum(weight[i] * weight[j] * kernel[i, j] for i in range(len(share)) for j in range(len(share)))


def test_the_discrepancy_and_its_witness_are_those_counted_by_hand():
    # points 0, 1, 3 on a line, the kernel max(0, 1 - |a - b| / 2): .5 between the first two, 0 to the last
    kernel = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])
    share = np.full(3, 1 / 3)
    # mean of the kernel over pairs 4/9; the first alone: 4/9 - 2 (1/2) + 1
    assert discrepancy.discrepancies(kernel, share, np.array([0, 2])) == pytest.approx([4 / 9, 4 / 9 - 5 / 6 + 1 / 2])
    np.testing.assert_allclose(discrepancy.witness(kernel, share, np.array([0])), [-1 / 2, 0.0, 1 / 3], atol=1e-15)
    assert discrepancy.of_a_draw(kernel, share) == pytest.approx(1 - 4 / 9)
    assert discrepancy.greedy(kernel, kernel @ share, 2).tolist() == [0, 2]


@FEW
@given(scenes())
def test_every_greedy_step_leaves_the_least(scene):
    kernel, _, share, _ = scene
    found = discrepancy.greedy(kernel, kernel @ share, len(share)).tolist()
    assert sorted(found) == list(range(len(share)))
    for step in range(len(found)):
        left = [squared(kernel, share, [*found[:step], one]) for one in range(len(share)) if one not in found[:step]]
        assert squared(kernel, share, found[: step + 1]) <= min(left) + 1e-12


@FEW
@given(scenes(most=30))
def test_the_greedy_choice_is_never_worse_than_drawn_rows_are_on_average(scene):
    kernel, *_ = scene
    share = np.full(len(kernel), 1.0 / len(kernel))
    steps = np.arange(1, len(kernel) + 1)
    found = discrepancy.discrepancies(kernel, share, discrepancy.greedy(kernel, kernel @ share, len(kernel)))
    assert (found <= discrepancy.of_a_draw(kernel, share) / steps + 1e-12).all()


@FEW
@given(scenes(most=12), st.integers(1, 20))
def test_of_rows_that_count_unlike_it_is_so_where_one_may_be_chosen_again(scene, n):
    kernel, _, share, _ = scene
    found = discrepancy.greedy(kernel, kernel @ share, n, again=True)
    left = discrepancy.discrepancies(kernel, share, found)
    assert (left <= discrepancy.of_a_draw(kernel, share) / np.arange(1, n + 1) + 1e-12).all()


@FEW
@given(scenes())
def test_what_is_reached_is_at_least_what_is_promised_of_the_best(scene):
    kernel, _, share, _ = scene
    found, whole = discrepancy.greedy(kernel, kernel @ share, 3), share @ kernel @ share
    for n in (1, 2, 3):
        best = max(whole - squared(kernel, share, one) for one in combinations(range(len(share)), n))
        reached = whole - squared(kernel, share, found[:n])
        promised = 1 - discrepancy.discrepancies(kernel, share, found)[n - 1] / whole
        assert promised <= 0 or reached >= promised * best - 1e-12


@FEW
@given(scenes(most=8))
def test_a_draw_s_discrepancy_is_its_mean_over_all_draws_with_replacement(scene):
    kernel, _, share, _ = scene
    one = sum(share[i] * squared(kernel, share, [i]) for i in range(len(share)))
    pairs = sum(
        share[i] * share[j] * squared(kernel, share, [i, j]) if i != j else share[i] ** 2 * squared(kernel, share, [i])
        for i in range(len(share))
        for j in range(len(share))
    )
    assert one == pytest.approx(discrepancy.of_a_draw(kernel, share))
    assert pairs == pytest.approx(discrepancy.of_a_draw(kernel, share) / 2)


@FEW
@given(scenes())
def test_every_criticism_adds_most_to_witness_and_log_determinant(scene):
    kernel, _, share, _ = scene
    taken = discrepancy.greedy(kernel, kernel @ share, 1)
    near = discrepancy.witness(kernel, share, taken)
    found = discrepancy.criticisms(kernel, near, taken, len(share) - 1).tolist()
    assert sorted([*found, *taken]) == list(range(len(share)))

    def gain(those):
        return np.abs(near[those]).sum() + np.linalg.slogdet(kernel[np.ix_(those, those)])[1]

    for step in range(len(found)):
        left = [gain([*found[:step], one]) for one in range(len(share)) if one not in found[:step] and one not in taken]
        assert gain(found[: step + 1]) >= max(left) - 1e-9


def test_rows_like_a_criticism_are_none_again():
    kernel = np.ones((4, 4))
    assert discrepancy.criticisms(kernel, np.zeros(4), np.array([0]), 3).tolist() == [1]


@FEW
@given(scenes())
def test_no_swap_of_a_medoid_helps_and_few_are_the_best(scene):
    _, far, share, _ = scene
    for n in (1, 2, 3):
        found = medoids(far, share, n)
        cost = share @ far[:, found].min(axis=1)
        assert len(set(found.tolist())) == n
        swaps = [
            share @ far[:, [*(m for m in found if m != out), new]].min(axis=1)
            for out in found
            for new in range(len(share))
            if new not in found
        ]
        assert cost <= min(swaps, default=np.inf) + 1e-12
        if n == 1:
            assert cost == pytest.approx((share @ far).min())


def test_medoids_of_three_clusters_are_their_middles():
    middles = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    X = np.concatenate([m + np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]]) * [1.0, 0.5] for m in middles])
    far = np.abs(X[:, None] - X[None]).sum(axis=2)
    assert sorted(medoids(far, np.full(15, 1 / 15), 3).tolist()) == [2, 7, 12]


@pytest.mark.parametrize("sizes", [(300, 300), (5, 3), (4, 1, 1)])
def test_the_silhouette_is_scikit_learn_s(sizes):
    from sklearn.metrics import silhouette_score

    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(len(sizes)), sizes)
    X = rng.normal(size=(len(cluster), 2)) + cluster[:, None]
    far = np.sqrt(((X[:, None] - X[None]) ** 2).sum(axis=2))
    one = 1 / len(cluster)
    ours = silhouette(far, np.full(len(cluster), one), cluster, one)
    assert ours == pytest.approx(silhouette_score(far, cluster, metric="precomputed"))


def test_a_row_of_weight_counts_in_a_silhouette_as_often_as_it_stands_there():
    rng = np.random.default_rng(3)
    X, cluster, times = rng.normal(size=(6, 1)), np.array([0, 0, 1, 1, 2, 2]), np.array([1, 3, 2, 1, 1, 4])
    far = np.abs(X - X.T)
    again = np.repeat(np.arange(6), times)
    one = 1 / len(again)
    repeated = silhouette(far[np.ix_(again, again)], np.full(len(again), one), cluster[again], one)
    assert silhouette(far, times / times.sum(), cluster, one) == pytest.approx(repeated)
