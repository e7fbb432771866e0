"""Does a map change when the network forgets: closed forms, and what noise and evenness do to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from perturbxai.metrics import randomisation

FEW = settings(max_examples=40, deadline=None, derandomize=True)
MAP = np.array([4.0, 1.0, 0.0, -2.0, 3.0])


def test_smprt_is_the_mean_absolute_rank_correlation_over_the_stages():
    stages = np.random.default_rng(0).normal(size=(4, 5))
    expected = np.mean([abs(stats.spearmanr(MAP, one).statistic) for one in stages])
    assert randomisation.smprt(MAP, stages) == pytest.approx(expected, abs=1e-12)


def test_a_map_that_looks_at_no_network_is_as_bad_as_can_be_and_so_is_its_reverse():
    assert randomisation.smprt(MAP, np.stack([MAP, -MAP])) == pytest.approx(1.0)
    assert randomisation.emprt(MAP, np.stack([MAP, -MAP])) == pytest.approx(0.0, abs=1e-12)


def test_a_map_that_goes_out_is_like_none_and_a_constant_one_has_no_number():
    assert randomisation.smprt(MAP, np.zeros((3, 5))) == 0.0
    assert np.isnan(randomisation.smprt(np.ones(5), np.stack([MAP])))


def test_noise_passes_for_change_which_is_why_this_is_necessary_and_no_more():
    rng = np.random.default_rng(1)
    noise = [randomisation.smprt(rng.normal(size=50), rng.normal(size=(4, 50))) for _ in range(200)]
    assert np.mean(noise) == pytest.approx(np.sqrt(2.0 / np.pi / 49.0), rel=0.1)  # the mean of |r| of independent ranks


def test_emprt_is_the_relative_rise_of_entropy_at_the_last_stage():
    two, four = np.array([1.0, -1.0, 0.0, 0.0]), np.ones(4)
    assert randomisation.emprt(two, np.stack([two, four])) == pytest.approx(np.log(4) / np.log(2) - 1.0)
    assert randomisation.emprt(four, np.stack([four, two])) == pytest.approx(-0.5)
    assert randomisation.emprt(four, np.stack([two, four])) == pytest.approx(0.0, abs=1e-12)


def test_emprt_has_no_number_for_maps_of_nothing_or_of_one_player():
    for before, after in [(np.zeros(5), MAP), (np.eye(5)[0], MAP), (MAP, np.zeros(5))]:
        assert np.isnan(randomisation.emprt(before, after[None]))


@FEW
@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_units_and_order_of_players_change_nothing(seed, scale):
    rng = np.random.default_rng(seed)
    values, stages, order = rng.normal(size=6), rng.normal(size=(3, 6)), rng.permutation(6)
    for measure in (randomisation.smprt, randomisation.emprt):
        np.testing.assert_allclose(measure(scale * values[order], stages[:, order]), measure(values, stages), atol=1e-9)
