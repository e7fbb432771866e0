"""The gallery: a mosaic whose parts are told apart, shares that are known, a picture of every method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perturbxai as px

torch = pytest.importorskip("torch")
pytest.importorskip("skimage", reason="the quickstart extra is not installed")
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
CLASSES = ("a", "b", "c", "d")


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import gallery

    return gallery


def cells(side=24):
    """Four pictures of four squares each, which no segmenter takes for one."""
    rng = np.random.default_rng(0)
    squares = rng.permuted(np.tile([20, 90, 160, 230], (4, 3, 1)), axis=2).reshape(4, 3, 2, 2).transpose(0, 2, 3, 1)
    return [one.repeat(side // 2, axis=0).repeat(side // 2, axis=1).astype(np.uint8) for one in squares]


def corners(pictures):
    """(n, 4): the brightness of each quarter, so that a class is in its cell and nowhere else."""
    half = pictures.shape[1] // 2
    quarters = [pictures[:, i : i + half, j : j + half] for i in (0, half) for j in (0, half)]
    return torch.stack([torch.as_tensor(one).float().mean(dim=(1, 2, 3)) for one in quarters], dim=1)


def config(gallery, **options):
    given = {"results": "r", "photos": CLASSES, "classes": CLASSES, "shown": ("a", "c"), "n_segments": 6, "budget": 700}
    return gallery.Config(**given | options)


def test_no_superpixel_lies_in_two_cells_and_each_knows_its_own(gallery):
    labels = gallery.cut(8)(np.float32(gallery.mosaic(cells())))
    found = gallery.cell_of(labels)
    assert set(found) == {0, 1, 2, 3}
    for cell, (i, j) in enumerate(((0, 0), (0, 24), (24, 0), (24, 24))):
        assert set(found[np.unique(labels[i : i + 24, j : j + 24])]) == {cell}
    assert len(np.unique(labels)) == labels.max() + 1 == len(found)


def test_the_share_counts_positive_values_alone(gallery):
    inside = np.array([True, False, True, False])
    assert gallery.share(np.array([3.0, 1.0, -5.0, -1.0]), inside) == 0.75
    assert gallery.share(np.array([0.0, 2.0, 0.0, 2.0]), inside) == 0.0
    assert np.isnan(gallery.share(-np.ones(4), inside))


def test_perturbation_finds_the_cell_that_a_class_hangs_on(gallery, tmp_path, capsys):
    predictor = px.Predictor(lambda pictures: corners(pictures).numpy(), outputs=CLASSES)
    asked = config(gallery, fill=0), predictor, gallery.mosaic(cells()), tmp_path
    gallery.ask(*asked)
    gallery.draw(asked[0], *asked[2:])
    table = pd.read_csv(tmp_path / "shares.csv")
    assert (table.chance == 0.25).all()
    wide = table.pivot(index="method", columns="class", values="share")
    exact = [
        name for name in ("lime", "kernel_shap", "ice", "occlusion", "inclusion", "permutation_shap") if name in wide.index
    ]
    assert len(exact) == 6
    np.testing.assert_allclose(wide.loc[exact], 1.0, atol=1e-9)  # the game is additive, and other cells add nothing
    left_out = pd.read_csv(tmp_path / "left_out.csv", index_col="method")
    assert "callable" in left_out.why["grad_cam"]
    assert not set(left_out.index) & set(wide.index)
    assert (tmp_path / "gallery.png").stat().st_size > 10_000
    assert "chance 0.25" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour = 3", r"colour = 3: Extra inputs"),
        ('shown = ["a", "x"]', r"shown has 'x', which is none of the classes a, b, c, d"),
        ("budget = 0", r"budget = 0: Input should be greater"),
        ("= 3", r"Invalid"),
    ],
)
def test_a_config_that_cannot_be_meant_is_told(gallery, tmp_path, text, told):
    lines = ['results = "r"', 'photos = ["a", "b", "c", "d"]', 'classes = ["a", "b", "c", "d"]', 'shown = ["a", "b"]']
    lines = [line for line in lines if line.split(" =")[0] != text.split(" =")[0]] + [text]
    (tmp_path / "bad.toml").write_text("\n".join(lines))
    with pytest.raises(SystemExit, match=told):
        gallery.validated(tmp_path / "bad.toml", gallery.Config)


def test_the_config_that_comes_along_is_valid(gallery):
    config = gallery.validated(EXPERIMENTS.parent / "configs" / "gallery.toml", gallery.Config)
    assert config.shown == ("tiger cat", "espresso")
