"""The experiment on error against model rows: resumed where it stopped, honest about its truth, strict about its config."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightshap", reason='LightSHAP comes with pip install "perturbxai[experiments]"')
pytest.importorskip("shapiq", reason='shapiq comes with pip install "perturbxai[experiments]"')
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TINY = """
results = "{folder}"
scale = "tiny"
[scales.tiny]
tables = ["diabetes"]
models = ["boosted"]
population = ["boosted"]
rows = [2500, 20000]
points = 1
seeds = 1
"""


@pytest.fixture
def convergence(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import convergence

    return convergence


@pytest.fixture
def games(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import convergence_games

    return convergence_games


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "config.toml"
    path.write_text(text.format(folder=(folder / "results").as_posix()))
    return path


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "results/errors.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_measures_every_method_and_goes_on_where_it_stopped(convergence, tmp_path):
    config = write(tmp_path)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    convergence.main([str(config)])
    lines = read(tmp_path)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002  # shap's own seeding is undone
    on_background = [line for line in lines if line["target"] == "background"]
    wanted = {one.name for one in convergence.METHODS}
    assert {line["method"] for line in on_background} == wanted
    assert all(0 < int(line["rows"]) <= int(line["asked"]) for line in on_background)
    assert all(float(line["error"]) < 1.0 for line in lines)  # no method is as far off as saying nothing
    assert (tmp_path / "results/convergence.png").stat().st_size > 10_000

    path = tmp_path / "results/errors.csv"
    whole = path.read_text()
    convergence.main([str(config)])
    assert path.read_text() == whole

    at = next(number for number, line in enumerate(lines) if line["method"] == "shapiq, paired")
    kept = whole.splitlines(keepends=True)
    path.write_text("".join(kept[: at + 1] + kept[at + 2 :]))  # line 0 is the head
    convergence.main([str(config)])
    again = read(tmp_path)
    assert again[:-1] == lines[:at] + lines[at + 1 :]
    assert {k: v for k, v in again[-1].items() if k != "seconds"} == {k: v for k, v in lines[at].items() if k != "seconds"}


@pytest.mark.parametrize(
    ("changed", "to", "told"),
    [
        ("points = 1", "point = 1", r"scales\.tiny\.point = 1"),
        ('"diabetes"', '"diabetics"', r"scales\.tiny\.tables\.0 = 'diabetics'"),
        ("2500", "100", r"scales\.tiny\.rows\.0 = 100"),
        ("seeds = 1", "seeds = true", r"scales\.tiny\.seeds = True"),
        ('scale = "tiny"', 'scale = "huge"', "scale 'huge' is not in .*; it has tiny"),
        ("points = 1", "points =", "config.toml"),
    ],
)
def test_a_config_is_refused_before_anything_is_written(convergence, tmp_path, changed, to, told):
    with pytest.raises(SystemExit, match=told):
        convergence.main([str(write(tmp_path, TINY.replace(changed, to)))])
    assert not (tmp_path / "results").exists()


def test_a_file_with_other_columns_is_not_added_to(convergence, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results/errors.csv").write_text("target,error\n")
    with pytest.raises(SystemExit, match="other columns"):
        convergence.main([str(write(tmp_path))])


def test_the_config_that_is_shipped_is_valid(convergence):
    for scale in ("small", "large"):
        convergence.read(EXPERIMENTS.parent / "configs/convergence.toml", scale)


def test_points_are_the_same_rows_at_every_scale(games, tmp_path):
    few = [point.number for point in games.on_tables("background", "diabetes", "boosted", 1, tmp_path)]
    more = [point.number for point in games.on_tables("background", "diabetes", "boosted", 3, tmp_path)]
    assert more[:1] == few


def test_a_long_run_knows_how_far_off_it_is(games, tmp_path, monkeypatch):
    exact = next(games.on_tables("background", "diabetes", "mlp", 1, tmp_path))
    monkeypatch.setattr(games, "MOST_LISTED", 1)
    monkeypatch.setattr(games, "LONG_RUNS", 6)
    monkeypatch.setattr(games, "LONG_ROWS", 3000)
    long = next(games.on_tables("background", "diabetes", "mlp", 1, tmp_path))
    # two halves of 10 values each: the ratio of what is stated and what is true is an F of about 9 and 9 degrees
    assert 0.1 < exact.error(long.truth) / long.truth_error < 10.0


def test_a_picture_is_a_game_of_which_every_value_is_known(games, tmp_path):
    point = next(games.on_pictures("digits", 1, tmp_path))
    picture, space, network, label = next(games._digits(1))
    z = np.random.default_rng(0).random((4, 16)) < 0.5
    z[:2] = [[False] * 16, [True] * 16]
    shown = np.where(z[:, space.segments][..., None], picture, space.fill)
    values = point.predictor()(z.astype(float))[:, 0]
    np.testing.assert_allclose(values, network(shown)[:, label], atol=1e-6)  # float32 networks differ by batch
    assert point.truth.sum() == pytest.approx(values[1] - values[0], abs=1e-12)


def test_ratios_take_into_account_the_rows_that_were_spent(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    from convergence_figure import ratios

    place = {"target": "background", "table": "t", "model": "m", "asked": 1000, "point": 0, "seed": 0}
    rest = {"once": 0, "truth_error": 0.0, "covered": 1.0, "odd_share": 0.5, "seconds": 1.0}
    lines = [
        place | rest | {"method": name, "error": error, "rows": rows}
        for name, error, rows in [
            ("ours, rows=", 0.01, 1000),
            ("ours, budget=", 0.02, 1000),
            ("shap Permutation", 0.06, 500),
            ("shap Kernel, l1_reg=0", 0.04, 1000),
            ("shapiq, paired", 0.05, 800),
        ]
    ]
    (found,) = ratios(pd.DataFrame(lines)).to_dict("records")
    assert found["shap / rows="] == pytest.approx(3.0)  # the Permutation's, which asked half the rows
    assert found["shapiq, paired / budget="] == pytest.approx(2.0)
