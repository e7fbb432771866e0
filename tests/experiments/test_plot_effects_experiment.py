"""The experiment on where PDP and ALE part: it writes what it measured, and is strict about its config."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

if find_spec("shapiq") is None:
    pytest.skip('the table comes in shapiq, pip install "perturbxai[experiments]"', allow_module_level=True)
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TINY = """
results = "{folder}"
features = ["temp"]
trees = 2
drawn_rows = 60
grid = 6
"""


@pytest.fixture
def experiment(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    import effects_figure

    return effects_figure


def write(folder: Path, text: str = TINY) -> Path:
    path = folder / "config.toml"
    path.write_text(text.format(folder=(folder / "results").as_posix()))
    return path


def test_it_writes_curves_a_summary_and_a_figure(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "trained", lambda X, y, trees: lambda rows: rows["temp"] - rows["feel_temp"])  # noqa: ARG005
    experiment.main([str(write(tmp_path, TINY))])
    summary = pd.read_csv(tmp_path / "results/summary.csv").set_index("feature")
    frame = pd.read_csv(tmp_path / "results/effects.csv")
    pdp = frame[frame.method == "pdp"]
    warm = pdp["at"] >= experiment.bike_sharing()[0]["temp"].quantile(0.9)
    rise = np.ptp(pdp["at"][warm])  # the made-up model rises by one with each degree
    assert summary.loc["temp", "pdp_upper_tenth"] == pytest.approx(rise)
    assert summary.loc["temp", "beside"] == "feel_temp" and 0.5 < summary.loc["temp", "without_rows"] < 1.0
    assert (tmp_path / "results/effects.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("changed", "to", "told"),
    [
        ("trees = 2", "trees = 0", "trees = 0"),
        ("trees = 2", "tree = 2", "tree = 2"),
        ('"temp"', '"temperature"', r"features \['temperature'\] are not columns of the table, which has season"),
        ("drawn_rows = 60", "drawn_rows = true", "drawn_rows = True"),
        ("grid = 6", "grid =", "config.toml"),
    ],
)
def test_a_config_is_refused_before_anything_is_written(experiment, tmp_path, changed, to, told):
    with pytest.raises(SystemExit, match=told):
        experiment.main([str(write(tmp_path, TINY.replace(changed, to)))])
    assert not (tmp_path / "results").exists()


def test_the_config_that_is_shipped_is_valid(experiment):
    config = experiment.validated(EXPERIMENTS.parent / "configs/effects_figure.toml", experiment.Config)
    assert config.features == ("temp", "feel_temp")
