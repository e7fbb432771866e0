"""The strip: what each layer looks at, side by side."""

from __future__ import annotations

import numpy as np
import pytest
from picture_nets import Pooled, explained, picture, seeded

import perturbxai as px

LAYERS = ["first", "act#0", "second"]


def titles(figure):
    return [axis.get_title() for axis in figure.axes]


def test_a_strip_has_the_photo_and_a_panel_for_each_layer_a_line_an_output():
    figure = px.plot(explained(["grad_cam"], seeded(Pooled), layer=LAYERS, outputs=[0, 2]), "strip")
    assert len(figure.axes) == 2 * (1 + len(LAYERS))
    assert titles(figure)[1:4] == ["first\n32 × 32", "act#0\n32 × 32", "second\n16 × 16"]
    assert titles(figure)[0].startswith("0\n") and titles(figure)[4].startswith("2\n")
    assert figure.get_suptitle().startswith("Grad-CAM, red for")


def test_a_strip_of_several_methods_names_them():
    figure = px.plot(explained(["grad_cam", "eigen_cam", "centre"], seeded(Pooled), outputs=[1]), "strip")
    assert titles(figure)[1:] == ["Grad-CAM, 16 × 16\ninput of mean()", "Eigen-CAM, 16 × 16\ninput of mean()", "centre\n"]


def test_an_empty_map_is_said_to_be_empty():
    found = explained(["grad_cam"], negative(), outputs=[0])
    assert titles(px.plot(found, "strip"))[1].endswith(", empty")


def negative():
    net = seeded(Pooled)
    net.head.weight.data[0] = -net.head.weight.data[0].abs()
    return net


def test_a_strip_draws_the_row_and_output_that_are_asked_for():
    pictures = [picture(1), picture(2)]
    found = explained(["layer_cam"], seeded(Pooled), pictures, layer=LAYERS[:2])
    figure = px.plot(found, "strip", row=1, output=2)
    assert len(figure.axes) == 3
    np.testing.assert_allclose(figure.axes[0].images[0].get_array(), pictures[1], atol=1e-6)


def test_long_names_of_layers_are_shown_by_their_ends():
    from perturbxai.reporting.values.strip import LONGEST, _ending

    name = "encoder.layers.encoder_layer_11.ln_1"
    assert _ending(name).endswith("encoder_layer_11.ln_1")
    assert len(_ending(name)) == LONGEST


def test_a_method_without_a_map_is_painted_on_its_superpixels():
    predictor, photo = px.Predictor(seeded(Pooled)), picture()
    space = px.ImageSpace(segments="grid", n_segments=4, fill=0)
    lime = px.explain(["lime"], predictor, space, photo, outputs=[0], budget=16)
    strip = px.plot(lime | px.baselines(["grad_cam"], predictor, space, photo, outputs=[0]), "strip")
    assert titles(strip)[1] == "LIME\n" and titles(strip)[2].startswith("Grad-CAM")
    alone = px.plot(lime["lime"])  # the photo's own figure
    np.testing.assert_array_equal(strip.axes[1].images[0].get_array(), alone.axes[1].images[0].get_array())


def test_superpixels_of_a_strip_that_were_not_cut_by_name_are_told_by_the_space():
    photo = picture()
    left = np.arange(photo.shape[1]) < np.full((photo.shape[0], 1), 5)
    space = px.ImageSpace(segments={"left": left}, fill=0)
    lime = px.explain(["lime"], px.Predictor(seeded(Pooled)), space, photo, outputs=[0])
    with pytest.raises(ValueError, match="give space="):
        px.plot(lime, "strip")
    shown = px.plot(lime, "strip", space=space).axes[1].images[0].get_array()
    assert not np.array_equal(shown[:, 4], shown[:, 5])


def test_rows_of_a_table_and_what_does_not_belong_together_are_no_strip():
    rows = px.explain("lime", lambda X: X[:, 0], np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match="lime is of a row of a table"):
        px.plot(rows, "strip")
    found = explained(["grad_cam"], seeded(Pooled))
    with pytest.raises(ValueError, match="differ in picture or outputs"):
        px.plot(found | {"other": explained(["grad_cam"], seeded(Pooled), picture(9))["grad_cam"]}, "strip")
    with pytest.raises(ValueError, match="ax is one panel"):
        px.plot(found, "strip", ax=object())


def test_one_strong_pixel_does_not_hide_a_map_of_pixels():
    from perturbxai.reporting.values.strip import _seen

    e = explained(["gradient"], seeded(Pooled), outputs=[0])["gradient"][0]
    values = np.random.default_rng(0).normal(size=4000)
    values[7] = 1000.0
    shown = _seen(e, values)
    assert 2.0 < shown[7] == np.abs(shown).max() < 4.0
    inside = np.abs(values) < shown[7]
    np.testing.assert_array_equal(shown[inside], values[inside])
    cam = explained(["grad_cam"], seeded(Pooled), outputs=[0])["grad_cam"][0]
    assert _seen(cam, values)[7] == 1000.0  # coarse cells, enlarged, have no such pixels
