"""What differences promise, simulated: intervals hold the truth, and where nothing differs nothing is said to."""

from __future__ import annotations

import numpy as np
import pytest
from two_results import attribution

import perturbxai as px

PLAYERS, NOISE = 6, 0.6  # standard deviation of a value's own error
TRUTH = np.array([0.0, 0.5, -1.0, 2.0, 0.1, 0.0])  # what b has more of, on average
WIDE, NARROW = np.linspace(0.5, 2.0, PLAYERS), np.linspace(2.0, 0.5, PLAYERS)


def two_models(rng, n, shared, shift=0.0, apart=0.8):
    """At the same inputs. shared: how far their errors go together;  apart: how far inputs differ in what models part by."""
    true = rng.normal(size=(n, PLAYERS)) * WIDE
    error, own = rng.normal(scale=NOISE, size=(2, n, PLAYERS))
    other = true + apart * rng.normal(size=true.shape) + shift
    return attribution(true + error, NOISE), attribution(other + shared * error + np.sqrt(1 - shared**2) * own, NOISE)


def two_groups(rng, n, m, shift=0.0, spreads=(WIDE, NARROW)):
    """Of n and m inputs, which differ in how much they vary."""
    a, b = (rng.normal(size=(k, PLAYERS)) * spread for k, spread in zip((n, m), spreads, strict=True))
    a, b = (one + rng.normal(scale=NOISE, size=one.shape) for one in (a, b))
    return attribution(a, NOISE), attribution(b + shift, NOISE, first=n)


def covered(found, truth=TRUTH):
    """Which intervals of one feature hold the truth, and whether those for all do."""
    low, high = (end[:, 0] for end in found.of_means.interval())
    low_all, high_all = (end[:, 0] for end in found.of_means.interval(simultaneous=True))
    return (low <= truth) & (truth <= high), bool(((low_all <= truth) & (truth <= high_all)).all())


def shares(number, made, seed=0):
    """How often the interval of one feature holds the truth, and how often those for all features hold all of it."""
    rng = np.random.default_rng(seed)
    each, of_all = zip(*(covered(px.difference(*made(rng))) for _ in range(number)), strict=True)
    return np.mean(each), np.mean(of_all)


def falsely_moved(number, made, seed=1):
    """How often anything is said to have moved, in mean or size, where nothing has."""
    rng = np.random.default_rng(seed)
    found = [px.difference(*made(rng)) for _ in range(number)]
    return np.mean([one.of_means.moved.any() or one.of_sizes.moved.any() for one in found])


def of_drawn_background(number, paired, interacting=0.0, n=60, n_background=40, seed=2):
    """How often intervals hold the mean difference where the background is drawn, and its error told by the results.

    The models are linear, and have a product of the first two features beside it of weight `interacting`, whose Shapley
    values are known; of two models the second has that of the other sign.
    """
    rng, hits = np.random.default_rng(seed), []
    before, after = np.linspace(1.0, 2.0, PLAYERS), np.linspace(1.5, 1.0, PLAYERS)

    def explained(weights, product, x, rows, first=0):
        """Exact values against background rows, with the error that their draw adds."""
        one = weights * (x[:, None, :] - rows)  # (N, B, P) of single background rows
        i, j = (x[:, None, :2] - rows[:, :2]), (x[:, None, 1::-1] + rows[:, 1::-1])
        one[..., :2] += product * i * j / 2.0
        return attribution(
            one.mean(axis=1), 1e-9, background=one.std(axis=1, ddof=1) / np.sqrt(len(rows)), first=first
        )  # fmt: skip

    for _ in range(number):
        rows = rng.normal(size=(n_background, PLAYERS))
        x = rng.normal(0.7, 1.0, size=(n, PLAYERS))  # the rows explained are not like those of the background
        a = explained(before, interacting, x, rows)
        if paired:
            found, truth = px.difference(a, explained(after, -interacting, x, rows)), 0.7 * (after - before)
            truth = truth - interacting * 0.7**2 * (np.arange(PLAYERS) < 2)
        else:
            y = rng.normal(-0.3, 1.0, size=(n, PLAYERS))
            found, truth = px.difference(a, explained(before, interacting, y, rows, n)), -1.0 * before
            truth = truth + interacting / 2.0 * (0.3**2 - 0.7**2) * (np.arange(PLAYERS) < 2)
        hits.append(covered(found, truth)[0])
    return np.mean(hits)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "shared"), [(5, 0.0), (20, 0.0), (20, 0.9), (100, 0.5)])
def test_paired_intervals_hold_the_truth_whatever_the_errors_have_in_common(n, shared):
    each, of_all = shares(2_000, lambda rng: two_models(rng, n, shared, TRUTH))
    assert 0.94 <= each <= 0.96
    assert 0.96 <= of_all <= 0.99  # the means alone: the family has the sizes too


@pytest.mark.slow
@pytest.mark.parametrize(("n", "m"), [(8, 8), (10, 40), (60, 60)])
def test_intervals_of_groups_hold_the_truth(n, m):
    each, of_all = shares(2_000, lambda rng: two_groups(rng, n, m, TRUTH))
    assert 0.94 <= each <= 0.965
    assert 0.96 <= of_all <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "most"),
    [
        (lambda rng: two_models(rng, 20, 0.0, apart=0.0), 0.06),
        (lambda rng: two_models(rng, 20, 0.9, apart=0.0), 0.06),
        (lambda rng: two_models(rng, 4, 0.5, apart=0.0), 0.06),
        (lambda rng: two_groups(rng, 20, 20, spreads=(WIDE, WIDE)), 0.06),
        (lambda rng: two_groups(rng, 8, 25, spreads=(WIDE, WIDE)), 0.075),  # sizes of few inputs are skewed
    ],
    ids=["one model", "errors in common", "four rows", "groups", "a small group"],
)
def test_nothing_moves_where_nothing_differs_in_nineteen_of_twenty(made, most):
    assert falsely_moved(2_000, made) <= most


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False], ids=["two models", "two groups"])
def test_intervals_have_what_a_drawn_background_adds(paired):
    assert of_drawn_background(600, paired) >= 0.94
    assert of_drawn_background(600, paired, interacting=0.5) >= 0.93


def test_a_few_experiments_already_show_all_of_it():
    assert 0.91 <= shares(60, lambda rng: two_models(rng, 20, 0.5, TRUTH))[0] <= 0.985
    assert 0.91 <= shares(60, lambda rng: two_groups(rng, 10, 40, TRUTH))[0] <= 0.985
    assert falsely_moved(60, lambda rng: two_models(rng, 12, 0.5, apart=0.0)) <= 0.1
    assert falsely_moved(60, lambda rng: two_groups(rng, 15, 15, spreads=(WIDE, WIDE))) <= 0.1
    assert of_drawn_background(30, paired=True) >= 0.9
