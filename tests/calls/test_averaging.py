"""Maps averaged over several segmentations: totals, errors, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import perturbxai as px

PHOTO = np.random.default_rng(0).random((24, 36, 3), dtype=np.float32)
WEIGHT = np.random.default_rng(1).standard_normal((24, 36))
CUTS = ("grid", "slic", "quickshift")


def additive(rows):
    return np.stack([(rows.mean(axis=3) * WEIGHT).sum(axis=(1, 2)), rows.mean(axis=(1, 2, 3))], axis=1)


def spaces_of(cuts=CUTS, n=8, fill=0):
    return [px.ImageSpace(segments=cut, n_segments=n, fill=fill) for cut in cuts]


def found_in(spaces, model=additive, x=PHOTO, method="kernel_shap", seeds=(0, 1, 2, 3), **options):
    predictor = px.Predictor(model)
    return [px.explain(method, predictor, s, x, seed=n, **options)[method] for n, s in zip(seeds, spaces, strict=False)]


def test_the_map_is_the_mean_over_segmentations_of_values_spread_over_their_superpixels():
    spaces = spaces_of()
    results = found_in(spaces)
    average = px.average_segmentations(results, spaces)[0]
    expected = np.zeros((2, 24, 36))
    for space, result in zip(spaces, results, strict=True):
        labels = space.players(PHOTO)[0].labels
        for p in range(labels.max() + 1):
            expected[:, labels == p] += result[0].values[p][:, None] / (labels == p).sum() / 3
    np.testing.assert_allclose(average.heat, expected, atol=1e-12)
    np.testing.assert_allclose(average.values.T, spaces[0].pool(expected, PHOTO), atol=1e-10)


def test_the_total_is_the_mean_of_the_totals():
    spaces = spaces_of(fill="mean")
    results = found_in(spaces)
    average = px.average_segmentations(results, spaces)[0]
    np.testing.assert_allclose(average.values.sum(axis=0), average.prediction - average.base, atol=1e-9)
    np.testing.assert_allclose(average.base, np.mean([r[0].base for r in results], axis=0))


def test_the_average_of_shifted_cuts_is_nearer_to_the_pixels_truth_than_any_of_them():
    truth = np.add.outer(np.arange(24.0), np.arange(36.0))  # a slope, which no cut follows
    i, j = np.indices(truth.shape)
    spaces = [
        px.ImageSpace(segments=(i + shift) // 8 * 10 + (j + shift) // 8, fill=0) for shift in (0, 2, 4, 6)
    ]  # fmt: skip
    white = np.ones((24, 36), dtype=np.float32)
    results = found_in(spaces, lambda rows: (rows[..., 0] * truth).sum(axis=(1, 2)), x=white)

    def miss(heat):
        return np.abs(heat - truth).mean()

    single = [
        miss(r[0].values[labels, 0] / np.bincount(labels.ravel())[labels])
        for r, labels in zip(results, (space.players(white)[0].labels for space in spaces), strict=True)
    ]
    # off the border, where shifted cells are cut short, the steps of 8 pixels become steps of 2
    assert miss(px.average_segmentations(results, spaces)[0].heat[0]) < 0.6 * min(single)


def curved(rows):
    """A model of which superpixels are no additive players."""
    parts = rows.mean(axis=3)
    return np.tanh(4 * (parts[:, :12].mean(axis=(1, 2)) - 0.4)) * np.sin(9 * parts[:, :, 10:].mean(axis=(1, 2)))


@pytest.mark.slow
def test_the_error_bounds_what_seeds_do_and_adds_in_squares_over_seeds_of_their_own():
    spaces = spaces_of(("grid", "slic"), n=12)
    averages = []
    for seed in range(0, 60, 2):
        results = found_in(spaces, curved, seeds=(seed, seed + 1), budget=60)
        averages.append(px.average_segmentations(results, spaces)[0])
    spread = np.std([a.values for a in averages], axis=0, ddof=1)
    told = np.sqrt(np.mean([a.stderr**2 for a in averages], axis=0))
    assert (spread <= 1.35 * told).all()  # a deviation of 30 draws is within a third of its own
    assert told.mean() < 3 * spread.mean()  # and no idle bound


def test_errors_of_one_seed_are_added_as_if_they_went_together():
    spaces = spaces_of(("grid", "slic"), n=12)
    apart, together = (
        px.average_segmentations(found_in(spaces, curved, seeds=seeds, budget=60), spaces)[0] for seeds in ((0, 1), (0, 0))
    )
    first = [r[0].stderr for r in found_in([spaces[0], spaces[0]], curved, seeds=(0, 0), budget=60)]
    doubled = px.average_segmentations(found_in([spaces[0], spaces[0]], curved, seeds=(0, 0), budget=60), [spaces[0]] * 2)
    np.testing.assert_allclose(doubled[0].stderr, first[0], rtol=1e-12)
    assert (apart.stderr < together.stderr).mean() > 0.8


def test_the_spread_is_the_deviation_between_the_cuts_and_stands_in_the_table():
    spaces = spaces_of()
    results = found_in(spaces)
    average = px.average_segmentations(results, spaces)
    own = []
    for space, result in zip(spaces, results, strict=True):
        labels = space.players(PHOTO)[0].labels
        own.append(spaces[0].pool((result[0].values / np.bincount(labels.ravel())[:, None]).T[:, labels], PHOTO).T)
    np.testing.assert_allclose(average[0].columns["spread"], np.std(own, axis=0, ddof=1), atol=1e-10)
    assert "spread" in average.to_frame()


def test_it_is_an_attribution_of_the_first_space_with_all_rows_counted():
    spaces = spaces_of()
    results = found_in(spaces, x=[PHOTO, PHOTO[::-1]])
    average = px.average_segmentations(results, spaces)
    assert [one.names for one in average] == [one.names for one in results[0]]
    assert average.meta["rows"] == sum(r.meta["rows"] for r in results)
    assert average[0].meta["averaged"] == list(CUTS)
    table = px.compare({"one": results[0], "average": average}, px.Predictor(additive), spaces[0], seed=0)
    assert set(table.to_frame().method) == {"one", "average"}
    again = px.Attribution.from_json(average.to_json())
    np.testing.assert_array_equal(again[1].heat, average[1].heat)
    np.testing.assert_array_equal(again[1].columns["spread"], average[1].columns["spread"])


def test_an_error_that_is_not_known_stays_so_where_it_reaches():
    spaces = spaces_of(("grid", "slic"), n=12)
    results = found_in(spaces, curved, seeds=(0, 1), budget=24)  # one walk: no errors
    assert np.isinf(results[0][0].stderr).all()
    assert np.isinf(px.average_segmentations(results, spaces)[0].stderr).all()


def refuses(results, spaces, error, match):
    with pytest.raises(error, match=match):
        px.average_segmentations(results, spaces)


def test_what_does_not_belong_together_is_refused():
    spaces = spaces_of()
    good = found_in(spaces)
    refuses(good[:1], spaces[:1], ValueError, "1 results and 1 spaces; expected two or more")
    refuses(good, spaces[:2], ValueError, "3 results and 2 spaces")
    refuses(good[:2], [spaces[1], spaces[0]], ValueError, "one gives .* players where its result has")
    refuses(good[:2], spaces_of(CUTS[:2], fill=1), ValueError, "or fills them otherwise")
    bands = [px.ImageSpace(segments=np.arange(24)[:, None] // at + np.zeros(36, int), fill=0) for at in (12, 20)]
    refuses(found_in(bands), bands[::-1], ValueError, "or others, or fills")  # two players each, of other areas
    refuses([{"kernel_shap": good[0]}, good[1]], spaces[:2], TypeError, r"results holds dict; .*results\['lime'\]")
    refuses(good[:2], ["grid", "slic"], TypeError, "spaces holds str; expected ImageSpaces")
    lime = found_in(spaces[1:2], method="lime")
    refuses([good[0], *lime], spaces[:2], ValueError, "expected one method")
    one_output = [px.explain("kernel_shap", px.Predictor(additive), spaces[1], PHOTO, outputs=[0])["kernel_shap"]]
    refuses([good[0], *one_output], spaces[:2], ValueError, "and the same outputs=")
    refuses([good[0], *found_in(spaces[1:2], x=PHOTO + 1)], spaces[:2], ValueError, "of different pictures")
    filled = spaces_of(("slic",), fill="mean")
    refuses([good[0], *found_in(filled)], [spaces[0], *filled], ValueError, "under the fills 'constant 0' and 'mean'")


def test_a_map_from_inside_a_network_is_refused_because_no_cut_changes_it():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net[0].reset_parameters()
    spaces = spaces_of(("grid", "slic"))
    found = [px.baselines("cam", px.Predictor(net), space, PHOTO)["cam"] for space in spaces]
    refuses(found, spaces, ValueError, "Cam draws a map of its own")
