"""Figures of effects on photos: what is outlined, numbered and drawn, and what is refused."""

from __future__ import annotations

from functools import cache

import matplotlib
import numpy as np
import opacity_games as photos
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import perturbxai as px
from perturbxai.reporting.style import METHOD_STYLES, save
from perturbxai.reporting.values.one_row import AGAINST, FOR


@cache
def found(seed=0, rest="uniform"):
    _, predictor, space, photo = photos.of_network(seed)
    return px.effects(photos.ALL, predictor, space, photo, rest=rest)


def panels(figure):
    """(photo, curves) axes of each output."""
    return [(block.axes[0], block.axes[1:]) for block in figure.subfigs]


def drawn(axis, method):
    return [line for line in axis.lines if to_hex(line.get_color()).upper() == METHOD_STYLES[method]["color"]]


def test_each_output_has_the_photo_and_the_curves_of_the_eight_that_lead():
    figure = px.plot(found())
    assert isinstance(figure, Figure) and len(panels(figure)) == 2
    for k, (photo, curves) in enumerate(panels(figure)):
        assert len(curves) == 8
        rises = [found()["pdp"][axis.get_title().split(":")[0]].superpixel.rise[k] for axis in curves]
        assert np.all(np.diff(np.abs(rises)) <= 0)
        numbers = [f"superpixel {label.get_text()}" for label in photo.texts]
        assert set(numbers) == {axis.get_title().split(":")[0] for axis in curves}


def test_curves_start_at_zero_and_end_at_the_rise():
    figure = px.plot(found(), output=1)
    for axis in panels(figure)[0][1]:
        name = axis.get_title().split(":")[0]
        for method in ("pdp", "ale"):
            (line,) = drawn(axis, method)
            effect = found()[method][name]
            np.testing.assert_allclose(line.get_xdata(), effect.grid[0], atol=1e-15)
            np.testing.assert_allclose(line.get_ydata(), effect.values[:, 1] - effect.values[0, 1], atol=1e-12)
        rows = drawn(axis, "ice")
        assert len(rows) == 40
        ends = np.mean([line.get_ydata()[-1] for line in rows])
        np.testing.assert_allclose(ends, found()["pdp"][name].superpixel.rise[1], atol=1e-12)


def test_bands_are_the_errors_of_the_climb_and_vanish_where_it_starts():
    axis = panels(px.plot(found()["pdp"], output=0))[0][1][0]
    (band,) = axis.collections
    effect = found()["pdp"][axis.get_title().split(":")[0]]
    low, high = effect.superpixel.interval()
    edges = band.get_paths()[0].vertices
    at_end = edges[edges[:, 0] == 1.0, 1]
    np.testing.assert_allclose([at_end.min(), at_end.max()], [low[0], high[0]], atol=1e-12)
    assert np.ptp(edges[edges[:, 0] == 0.0, 1]) < 1e-12


def test_red_and_blue_tell_the_sign_of_the_rise():
    for axis in panels(px.plot(found(), output=0))[0][1]:
        rise = found()["pdp"][axis.get_title().split(":")[0]].superpixel.rise[0]
        assert axis.title.get_color() == (FOR if rise > 0 else AGAINST)


def test_thin_lines_are_whole_antithetic_pairs_of_all_reference_rows():
    _, predictor, space, photo = photos.of_network()
    many = px.effects("ice", predictor, space, photo, features=[3], rows=900)
    n_rows = many["ice"]["superpixel 3"].meta["reference_rows"]
    axis = panels(px.plot(many, output=0))[0][1][0]
    assert n_rows > 60 == len(drawn(axis, "ice")) - 1  # and their mean
    curves = many["ice"]["superpixel 3"].individual[:, :, 0]
    climbs = curves - curves[:, :1]
    twins = {tuple(np.round(one, 12)) for one in climbs[1::2]}
    shown = [tuple(np.round(line.get_ydata(), 12)) for line in drawn(axis, "ice")[:60]]
    assert sum(one in twins for one in shown) >= 30


def test_the_figure_says_what_the_others_show_and_that_no_camera_takes_it():
    for rest, words in (("uniform", "whole with probability t"), ("fade", "at opacity t"), ("present", "the others whole")):
        about = px.plot(found(rest=rest), output=0).get_suptitle()
        assert words in about and "no camera takes" in about and "fill constant 0.5" in about


def test_one_superpixel_goes_on_given_axes():
    figure = Figure()
    axis = figure.subplots()
    one = {method: {"superpixel 2": found()[method]["superpixel 2"]} for method in photos.ALL}
    assert px.plot(one, output=0, ax=axis) is axis
    assert axis.get_title().startswith("superpixel 2:") and axis.get_xlabel() == "opacity"
    with pytest.raises(ValueError, match="ax is one panel, and 10 superpixels and 1 outputs came"):
        px.plot(found(), output=0, ax=axis)


def test_what_these_figures_do_not_have_is_refused():
    with pytest.raises(ValueError, match="kind='bars': the curves of a photo have one figure"):
        px.plot(found(), "bars")
    with pytest.raises(ValueError, match="row=1: the curves of a photo have one figure"):
        px.plot(found(), row=1)
    with pytest.raises(ValueError, match="are not of the same photo and outputs"):
        px.plot([found()["pdp"]["superpixel 1"], found(1)["pdp"]["superpixel 1"]])


def test_a_figure_is_written_and_leaves_settings_alone(tmp_path):
    before = dict(matplotlib.rcParams)
    save(px.plot(found(), output=0, top=3), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000
    assert dict(matplotlib.rcParams) == before


def test_players_with_names_carry_them():
    photo = np.random.default_rng(0).random((12, 12, 3), dtype=np.float32)
    left = np.arange(12) < np.full((12, 1), 5)
    space = px.ImageSpace(segments={"liver": left, "spleen": ~left}, fill=0)
    predictor = px.Predictor(lambda pictures: pictures[:, :, :6].sum(axis=(1, 2, 3)))
    figure = px.plot(px.effects("pdp", predictor, space, photo))
    titles = [axis.get_title() for axis in panels(figure)[0][1]]
    assert titles[0].startswith("0 liver: +") and titles[1].startswith("1 spleen: +")
