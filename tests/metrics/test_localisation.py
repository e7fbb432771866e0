"""Metrics of place on maps whose place is known."""

from __future__ import annotations

import numpy as np
import pytest

from perturbxai.metrics import localisation

CORNER = np.zeros((6, 8), dtype=bool)
CORNER[:3, :4] = True


def test_an_even_map_has_the_share_of_the_area():
    assert localisation.energy_pointing_game(np.ones((6, 8)), CORNER) == 0.25
    np.testing.assert_array_equal(localisation.cell_shares(np.ones((6, 8))), np.full((2, 2), 0.25))


def test_only_what_is_positive_counts():
    heat = np.where(CORNER, 3.0, -5.0)
    heat[5, 7] = 12.0
    assert localisation.energy_pointing_game(heat, CORNER) == 36.0 / 48.0
    assert np.isnan(localisation.energy_pointing_game(-np.ones((6, 8)), CORNER))
    assert np.isnan(localisation.cell_shares(-np.ones((6, 8)))).all()


def test_a_mosaic_s_cells_share_the_positive_part_and_agree_with_the_region_s_share():
    heat = np.random.default_rng(0).standard_normal((6, 8))
    found = localisation.cell_shares(heat)
    np.testing.assert_allclose(found.sum(), 1.0)
    np.testing.assert_allclose(found[0, 0], localisation.energy_pointing_game(heat, CORNER))
    np.testing.assert_allclose(
        localisation.cell_shares(heat, (3, 4)).reshape(3, 2, 2).sum(axis=2).sum(axis=0), found.sum(axis=0)
    )


def test_a_peak_is_a_hit_in_the_region_and_as_far_from_it_as_is_allowed():
    heat = np.zeros((6, 8))
    heat[2, 6] = 1.0  # three columns right of the corner's last
    assert not localisation.pointing_game(heat, CORNER) and not localisation.pointing_game(heat, CORNER, 2.9)
    assert localisation.pointing_game(heat, CORNER, 3.0)
    assert localisation.pointing_game(heat.T[::-1], CORNER.T[::-1], 3.0)
    assert not localisation.pointing_game(heat, np.zeros((6, 8), dtype=bool), 100.0)  # nothing to hit


def test_the_peak_of_a_superpixel_is_its_middle_and_not_its_first_pixel():
    heat = np.zeros((6, 8))
    heat[1, 1:8] = 1.0  # begins in the corner, and has its middle at its edge, outside
    assert not localisation.pointing_game(heat, CORNER, 0.5)
    assert localisation.pointing_game(heat, CORNER, 1.0)


def test_values_of_superpixels_are_spread_so_that_each_keeps_its_sum():
    labels = np.zeros((6, 8), dtype=int)
    labels[:, 4:], labels[4:, 4:] = 1, 2
    values = np.array([2.0, -1.0, 0.5])
    heat = localisation.on_pixels(values, labels)
    np.testing.assert_allclose(np.bincount(labels.ravel(), heat.ravel()), values)
    # half of the left superpixel's 2 lies in the corner, and the right one's half counts besides
    assert localisation.energy_pointing_game(heat, CORNER) == pytest.approx(1.0 / 2.5)


def test_the_share_of_a_mosaic_s_cell_is_that_of_the_cells_together():
    heat = np.random.default_rng(1).standard_normal((6, 8))
    found = localisation.cell_shares(heat, (3, 4))
    for row in range(3):
        for column in range(4):
            cell = np.zeros((6, 8), dtype=bool)
            cell[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = True
            assert localisation.grid_pg(heat, cell) == pytest.approx(found[row, column], abs=1e-12)
    assert np.isnan(localisation.grid_pg(-np.ones((6, 8)), CORNER))


def test_random_maps_are_at_chance():
    rng = np.random.default_rng(2)
    maps = rng.standard_normal((2000, 6, 8))
    for measure in (localisation.energy_pointing_game, localisation.grid_pg, localisation.pointing_game):
        found = np.array([measure(heat, CORNER) for heat in maps], dtype=float)
        assert found.mean() == pytest.approx(0.25, abs=4.0 * found.std() / np.sqrt(len(maps)))


@pytest.mark.parametrize("level", [-1.0, 0.0, 2.0])
def test_a_map_without_a_peak_hits_nothing(level):
    heat, everywhere = np.full((6, 8), level), np.ones((6, 8), dtype=bool)
    assert localisation.pointing_game(heat, everywhere, 100.0) is False


@pytest.mark.parametrize("place", [np.s_[:3, :5], np.s_[1:4, :4], np.s_[0:0], np.s_[:, :], np.s_[::5, :4]], ids=str)
def test_the_cell_of_a_mosaic_is_one_of_a_regular_grid(place):
    inside = np.zeros((6, 8), dtype=bool)
    inside[place] = True
    with pytest.raises(ValueError, match="no cell of a regular mosaic of 6 x 8 pixels; take energy_pointing_game"):
        localisation.grid_pg(np.ones((6, 8)), inside)


@pytest.mark.parametrize("measure", [localisation.energy_pointing_game, localisation.grid_pg, localisation.pointing_game])
@pytest.mark.parametrize("scale", [1e-6, 3.0, 1e6])
def test_the_map_s_unit_does_not_matter(measure, scale):
    heat = np.random.default_rng(3).standard_normal((6, 8))
    assert measure(scale * heat, CORNER) == pytest.approx(measure(heat, CORNER), abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: localisation.energy_pointing_game(np.ones((6, 8)), np.ones((8, 6))), r"\(6, 8\) and inside \(8, 6\)"),
        (lambda: localisation.energy_pointing_game(np.full((6, 8), np.nan), CORNER), "not finite"),
        (lambda: localisation.pointing_game(np.ones((2, 6, 8)), CORNER), r"expected \(H, W\)"),
        (lambda: localisation.cell_shares(np.ones((6, 9))), "2 x 2 cells of one size"),
        (lambda: localisation.on_pixels([1.0], np.array([[0, 1]])), "a region for each of 1 values"),
        (lambda: localisation.on_pixels([1.0, 2.0, 3.0], np.array([[0, 2]])), "has gaps"),
    ],
)
def test_maps_that_cannot_be_measured_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ------------------------------------------------------------------------------------------------ one cell of a mosaic


def quarter(row, column, shape=(6, 8)):
    inside = np.zeros(shape, dtype=bool)
    inside[row * 3 : row * 3 + 3, column * 4 : column * 4 + 4] = True
    return inside


def test_grid_pg_is_the_share_of_its_cell():
    heat = np.random.default_rng(0).normal(size=(6, 8))
    shares = localisation.cell_shares(heat)
    for row in (0, 1):
        for column in (0, 1):
            assert localisation.grid_pg(heat, quarter(row, column)) == pytest.approx(shares[row, column])
    assert localisation.grid_pg(np.ones((6, 8)), quarter(1, 0)) == pytest.approx(0.25)
    assert np.isnan(localisation.grid_pg(-np.ones((6, 8)), quarter(0, 0)))


def test_grid_pg_of_random_maps_is_chance():
    rng = np.random.default_rng(0)
    found = [localisation.grid_pg(rng.normal(size=(6, 8)), quarter(0, 1)) for _ in range(1000)]
    assert np.mean(found) == pytest.approx(0.25, abs=3.5 * np.std(found) / np.sqrt(1000))


@pytest.mark.parametrize("kind", ["a ragged region", "off the grid", "two pieces", "nothing"])
def test_a_region_that_is_no_cell_is_refused(kind):
    inside = quarter(0, 0)
    if kind == "a ragged region":
        inside[0, 0] = False
    elif kind == "off the grid":
        inside = np.roll(inside, 1, axis=1)
    elif kind == "two pieces":
        inside |= quarter(1, 1)
    else:
        inside[:] = False
    with pytest.raises(ValueError, match="inside is no cell of a regular mosaic of 6 x 8 pixels"):
        localisation.grid_pg(np.ones((6, 8)), inside)
