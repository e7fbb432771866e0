"""Pictures of any number of channels, through everything that takes a picture."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from picture_nets import seeded
from torch import nn

import perturbxai as px
from perturbxai.command import cli
from perturbxai.command.config import PhotoConfig
from perturbxai.command.photo_files import read_photos
from perturbxai.core import catalogue
from perturbxai.core.catalogue import FILLS, SEGMENTERS
from perturbxai.inputs.pictures import as_pictures
from perturbxai.inputs.segments import make_segments
from perturbxai.reporting.photo import as_shown, shown

BANDS = [1, 2, 4, 5, 11]
UNITS = np.array([1.0, 300.0, 0.01, 5000.0, 2.0, 1.0, 40.0, 1e-4, 7.0, 1e5, 3.0], dtype=np.float32)


def bands(n, seed=0, height=24, width=20):
    """Bands in units of their own, with a bright half that every other band sees dark."""
    rng = np.random.default_rng(seed)
    half = (np.arange(width) < width // 2)[None, :, None] * np.where(np.arange(n) % 2, -1.0, 1.0)
    return ((half + 0.2 * rng.random((height, width, n))) * UNITS[:n]).astype(np.float32)


def network(n):
    return seeded(
        lambda: nn.Sequential(
            nn.BatchNorm2d(n), nn.Conv2d(n, 6, 3, padding=1, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(6, 3),
        )
    )  # fmt: skip


@pytest.mark.parametrize("n", BANDS)
@pytest.mark.parametrize("form", ["array", "list", "stack", "tensor first", "tensor last", "integers"])
def test_bands_keep_their_number_and_units_however_they_come(n, form):
    x = bands(n) if form != "integers" else (1000 * bands(n)).astype(np.int32)
    tensor = torch.as_tensor(x)
    given = {"list": [x], "stack": x[None], "tensor first": tensor.permute(2, 0, 1), "tensor last": tensor}.get(form, x)
    (found,) = as_pictures(given)
    np.testing.assert_array_equal(found, x.astype(np.float32))


@pytest.mark.parametrize("n", BANDS)
@pytest.mark.parametrize("form", ["array", "tensor first"])
def test_bands_are_fitted_each_as_a_grey_picture(n, form):
    x = bands(n)
    given = torch.as_tensor(x).permute(2, 0, 1) if form == "tensor first" else x
    found = px.fit(given, (12, 10))
    assert found.shape == (12, 10, n)
    for band in range(n):
        np.testing.assert_allclose(found[..., band], px.fit(x[..., band], (12, 10)), rtol=1e-5, atol=1e-5 * UNITS[band])


@pytest.mark.parametrize("n", [*BANDS, 3])
@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_segmenter_cuts_bands_of_any_number(name, n):
    labels = make_segments(name, bands(n), 12)
    assert labels.shape == (24, 20)
    assert 4 <= labels.max() + 1 <= 16


@pytest.mark.parametrize("n", BANDS)
@pytest.mark.parametrize("name", [name for name in SEGMENTERS if name not in ("grid", "watershed")])
def test_superpixels_follow_an_edge_that_bands_of_any_units_show(name, n):
    labels = make_segments(name, bands(n, height=40, width=40), 16)
    left, right = np.bincount(labels[:, :20].ravel(), minlength=labels.max() + 1), np.bincount(labels.ravel())
    # hardly a superpixel on both sides
    assert np.minimum(left, right - left).sum() <= 0.03 * labels.size


@pytest.mark.parametrize("n", BANDS)
@pytest.mark.parametrize("fill", [*FILLS, 0.5, "constant", "picture", "pictures"])
def test_every_fill_has_the_pictures_bands(n, fill):
    x = bands(n)
    given = {"constant": UNITS[:n], "picture": bands(n, seed=1), "pictures": [bands(n, seed=1), bands(n, seed=2)]}
    space = px.ImageSpace(segments="grid", n_segments=6, fill=given.get(fill, fill))
    (one,) = space.players(x)
    assert one.fill.shape == one.picture.shape == x.shape
    if isinstance(fill, str) and fill != "constant":
        assert (one.fill.min(axis=(0, 1)) >= x.min(axis=(0, 1)) - 0.3 * UNITS[:n]).all()
        assert (one.fill.max(axis=(0, 1)) <= x.max(axis=(0, 1)) + 0.3 * UNITS[:n]).all()


def test_a_constant_of_other_bands_is_refused():
    with pytest.raises(ValueError, match="fill has 4 numbers, but the picture has 5 channels"):
        px.ImageSpace(segments="grid", n_segments=6, fill=[1, 2, 3, 4]).players(bands(5))


EXPLAINERS = [name for name in catalogue.EXPLAINERS if name not in catalogue.ON_TABLES_ONLY]
MAPS = [name for name in catalogue.MAPS if name not in ("mask_optimisation",)]


@pytest.mark.parametrize("n", [n if n in (2, 5) else pytest.param(n, marks=pytest.mark.slow) for n in BANDS])
def test_every_method_explains_bands_and_what_it_finds_is_drawn_and_written(n, tmp_path):
    net, x = network(n), bands(n)
    predictor, space = px.Predictor(net), px.ImageSpace(segments="grid", n_segments=6, fill="mean")
    found = px.explain(EXPLAINERS, predictor, space, x, outputs=[0, 2], budget=400, seed=0)
    maps = px.baselines([name for name in MAPS if name not in ("deep_taylor",)], predictor, space, x, outputs=[0, 2])
    for result in (*found.values(), *maps.values()):
        assert result.values.shape == (1, 6, 2) and np.isfinite(result.values).all()
    chosen = {name: (found | maps)[name] for name in ("lime", "kernel_shap", "grad_cam", "edges")}
    table = px.compare(chosen, predictor, space, metrics=["deletion", "insertion"], fills=["mean", "blur"], seed=0)
    px.report(table, tmp_path / "out")
    names = {file["name"] for file in json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))["files"]}
    assert {"attributions.csv", "scores.csv", "index.html"} <= names and any(name.endswith(".png") for name in names)
    for kind in ("heatmap", "waterfall", "bars"):
        px.plot(found["kernel_shap"], kind=kind, space=space)
    px.plot(maps["grad_cam"], "strip")
    px.plot(px.effects(["pdp"], predictor, space, x, outputs=[0], rows=200), space=space)
    assert (px.layer_grid(predictor, x).max() + 1) == 12 * 10


@pytest.mark.parametrize("n", BANDS)
def test_a_network_and_a_function_get_the_bands_as_they_are(n):
    x = bands(n)
    net = network(n)
    with torch.no_grad():
        expected = net(torch.as_tensor(x).permute(2, 0, 1)[None]).double().numpy()
    np.testing.assert_allclose(px.Predictor(net)(x[None]), expected, atol=1e-5)
    np.testing.assert_allclose(px.Predictor(net, transform=lambda rows: rows * 1.0)(x[None]), expected, atol=1e-5)
    first = px.Predictor(net, transform=lambda rows: torch.as_tensor(rows).permute(0, 3, 1, 2))
    np.testing.assert_allclose(first(x[None]), expected, atol=1e-5)
    seen = []
    px.Predictor(lambda rows: (seen.append(rows.shape), rows.mean((1, 2)))[1], layout="CHW")(x[None])
    assert seen == [(1, n, 24, 20)]


def test_as_many_bands_as_pixels_a_side_are_bands():
    x = bands(8, height=8, width=8)
    net = network(8)
    with torch.no_grad():
        expected = net(torch.as_tensor(x).permute(2, 0, 1)[None]).double().numpy()
    np.testing.assert_allclose(px.Predictor(net)(x[None]), expected, atol=1e-5)


@pytest.mark.parametrize("n", BANDS)
def test_what_is_shown_of_bands_is_told(n):
    picture = shown(bands(n))
    assert picture.shape == (24, 20, 3) and picture.min() >= 0.0 and picture.max() <= 1.0
    assert np.ptp(picture) > 0.1
    assert as_shown(bands(n)) == ("" if n == 1 else f"grey: mean of {n} bands, each in its range")


# ------------------------------------------------------------------------------------------------ the command

MODULE = """
import torch

def net(n):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(n, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()

def one(): return net(1)
def two(): return net(2)
def three(): return net(3)
def four(): return net(4)
def five(): return net(5)
def eleven(): return net(11)
"""
MODELS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 11: "eleven"}
WORDS = ["--segments", "grid", "--n-segments", "4", "--size", "16", "--results", "out"]
WORDS += ["--metrics", "deletion", "--fills", "mean"]


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "band_nets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def save(name, x):
    if name.endswith(".npy"):
        np.save(name, x)
        return
    tifffile = pytest.importorskip("tifffile")
    planes = name.endswith("planes.tif")
    kept, config = (np.moveaxis(x, 2, 0), "separate") if planes else (x, "contig")
    tifffile.imwrite(name, kept, photometric="minisblack", planarconfig=config)


@pytest.mark.parametrize("n", BANDS)
@pytest.mark.parametrize("name", ["scene.npy", "scene.tif", "planes.tif"])
def test_bands_are_read_from_a_file_as_they_are(own, n, name):
    if not name.endswith(".npy") and n in (1, 4):
        pytest.skip("a TIFF of one or four samples is Pillow's")
    save(str(own / name), bands(n, height=16, width=16))
    found = read_photos(PhotoConfig(picture=name, size=16, crop=1.0, grey=n == 1), str)
    np.testing.assert_array_equal(found.pictures[0], bands(n, height=16, width=16))


@pytest.mark.parametrize(("n", "name"), [(1, "scene.npy"), (5, "scene.tif")])
def test_the_command_explains_bands_from_a_file(own, n, name):
    save(str(own / name), bands(n))
    words = ["--image", name, "--model", f"band_nets:{MODELS[n]}", "--methods", "lime,grad_cam", *WORDS]
    assert cli.main(["explain", *words, *(["--grey"] if n == 1 else [])]) == 0
    table = pd.read_csv(own / "out" / "photo" / "attributions.csv")
    assert set(table.row) == {"scene"} and np.isfinite(table.value).all()


@pytest.mark.parametrize(
    ("n", "grey", "told"), [(1, False, "has one band; give --grey"), (5, True, "5 bands; leave --grey out")]
)
def test_bands_that_the_options_do_not_fit_are_refused(own, capsys, n, grey, told):
    np.save(own / "scene.npy", bands(n))
    words = ["--image", "scene.npy", "--model", "band_nets:five", *WORDS, *(["--grey"] if grey else [])]
    assert cli.main(["explain", *words]) == 2
    assert told in capsys.readouterr().err


BROKEN = {
    "text.jpg": b"not a picture at all",
    "empty.png": b"",
    "half.png": None,
    "pickled.npy": None,
    "cut.npy": b"\x93NUMPY\x01\x00v\x00",
    "words.npy": None,
    "missing.npy": None,
    "head.tif": b"II*\x00\x08\x00",
}


def break_file(folder, name):
    from PIL import Image

    if name == "half.png":
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / name)
        (folder / name).write_bytes((folder / name).read_bytes()[:700])
    elif name == "pickled.npy":
        np.save(folder / name, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    elif name == "words.npy":
        np.save(folder / name, np.array([["a", "b"]]))
    elif name == "missing.npy":
        np.save(folder / name, np.full((20, 20, 3), np.nan))
    else:
        (folder / name).write_bytes(BROKEN[name])


@pytest.fixture
def folder(own):
    from PIL import Image

    (own / "scenes").mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(own / "scenes" / f"good{number}.png")
    return own / "scenes"


def run(*more, image=("scenes",)):
    return cli.main(["explain", "--image", *image, "--model", "band_nets:three", "--methods", "lime", *WORDS, *more])


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("image", [("scenes",), ("scenes/*",), ("scenes/good0.png", "scenes/good1.png", "scenes/{}")])
def test_a_file_that_cannot_be_read_is_told_and_left_out(folder, name, image):
    break_file(folder, name)
    section = PhotoConfig(image=tuple(one.format(name) for one in image), size=16)
    with pytest.warns(UserWarning, match=rf"1 of 3 pictures cannot be read and are left out: photo.image = '.*{name}'"):
        found = read_photos(section, str)
    assert found.names == ["good0", "good1"] and len(found.pictures) == len(found.facts) == 2
    assert list(found.left_out) == [f"scenes/{name}"]


@pytest.mark.usefixtures("undrawn")
def test_the_command_goes_on_without_a_file_that_cannot_be_read(folder, own, capsys):
    break_file(folder, "half.png")
    with pytest.warns(UserWarning, match=r"1 of 3 pictures cannot be read and are left out: --image = '.*half\.png'"):
        assert run() == 0
    assert "1 picture(s) left out:" in capsys.readouterr().out
    assert set(pd.read_csv(own / "out" / "photo" / "attributions.csv").row) == {"good0", "good1"}
    part = json.loads((own / "out" / "manifest.json").read_text("utf-8"))["parts"]["photo"]
    assert list(part["pictures_left_out"]) == ["scenes/half.png"]


@pytest.mark.parametrize("name", BROKEN)
def test_strict_stops_at_a_file_that_cannot_be_read(folder, own, capsys, name):
    break_file(folder, name)
    assert run("--strict") == 2
    told = capsys.readouterr().err
    assert name in told and "Leave out --strict to go on" in told and told.count("\n") == 1
    assert not (own / "out").exists()


def test_a_folder_of_which_nothing_can_be_read_is_an_error(own, capsys):
    (own / "scenes").mkdir()
    for name in BROKEN:
        break_file(own / "scenes", name)
    assert run() == 2
    told = capsys.readouterr().err
    assert f"Nor can the other {len(BROKEN) - 1}" in told
    assert not (own / "out").exists()


def test_one_picture_alone_that_cannot_be_read_is_an_error(own, capsys):
    break_file(own, "text.jpg")
    assert run(image=("text.jpg",)) == 2
    assert "'text.jpg' is no picture that Pillow can read" in capsys.readouterr().err
