"""Regions of effects in figures, on pages, in CSV files and on the command line."""

from __future__ import annotations

import html
import re

import numpy as np
import pandas as pd
import pytest

import perturbxai as px
from perturbxai.command.cli import main

X = pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, size=(400, 3)), columns=["a", "<b>side", "c"])


def bent(Z):
    return Z["a"].to_numpy() * np.where(Z["<b>side"] > 0.2, 3.0, -3.0)


@pytest.fixture(scope="module")
def effects():
    return px.effects(["pdp", "ale"], bent, X, X, features=["a", "c"], regions="auto")


def words_of(source):
    return html.unescape(re.sub("<[^>]*>", "", source)).replace("\N{NO-BREAK SPACE}", " ")


def test_each_region_is_drawn_beside_all_rows(effects):
    effect = effects["pdp"]["a"]
    axis = px.plot(effect).axes[0]
    names = [text.get_text() for text in px.plot(effect).legends[0].get_texts()]
    assert "all rows" in names and {one.name for one in effect.regions.regions} <= set(names)
    drawn = [line.get_ydata() for line in axis.get_lines()]
    for one in (effect, *effect.groups.values()):
        assert any(len(y) == len(one.values) and np.allclose(y, one.values[:, 0]) for y in drawn)


def test_a_report_tells_the_regions_and_has_them_as_a_table(effects, tmp_path):
    folder = px.report(effects, tmp_path / "r")
    text = html.unescape(re.sub("<[^>]*>", "", (folder / "index.html").read_text("utf-8"))).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    source = (folder / "index.html").read_text("utf-8")
    for one in effects["pdp"]["a"].regions.regions:
        assert one.name in text
    assert "<b>side" not in source and "The effect of a is not one but" in text
    frame = px.read_csv(folder / "regions.csv")
    assert set(frame.method) == {"pdp", "ale"} and frame[
        (frame.feature == "a") & (frame.method == "pdp")
    ].share.sum() == pytest.approx(1)
    assert set(px.read_csv(folder / "effects.csv").group.dropna()) >= {
        one.name for one in effects["pdp"]["a"].regions.regions
    }


def test_probabilities_are_told_in_per_cent_within_regions_too(tmp_path):
    def share(Z):
        return 1 / (1 + np.exp(-bent(Z)))

    class Model:
        classes_ = np.array(["no", "yes"])

        def predict(self, Z):
            return self.classes_[(share(Z) > 0.5).astype(int)]

        def predict_proba(self, Z):
            return np.stack([1 - share(Z), share(Z)], axis=1)

    effect = px.effects("pdp", Model(), X, X, features="a", outputs=["yes"], regions="auto")
    folder = px.report(effect, tmp_path / "r")
    apart = 100 * effect["pdp"]["a"].regions.heterogeneity[0]
    assert f"in all {apart:.3g} points" in words_of((folder / "index.html").read_text("utf-8"))


def test_the_command_line_looks_for_regions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    X.assign(y=bent(X)).to_csv("rows.csv", index=False)
    words = ["effects", "--table", "rows.csv", "--target", "y", "--features", "a", "--methods", "pdp", "--regions"]
    assert main(words) == 0
    assert "The effect of a is not one but" in capsys.readouterr().out
    assert (tmp_path / "results/effects/effects/regions.csv").is_file()
    assert main([*words, "--by", "c"]) == 2 and "give one of them" in capsys.readouterr().err
