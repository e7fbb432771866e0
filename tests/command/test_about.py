"""The lines on top of a run's page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perturbxai.command.about import lines_of
from perturbxai.command.config import parse_config

NOW = datetime(2026, 3, 5, 14, 7, tzinfo=UTC)


def section(name, **keys):
    return getattr(parse_config({name: keys}), name)


def test_a_table_says_its_model_its_data_what_is_predicted_and_when():
    lines = lines_of(
        section("table", data="houses.csv", target="price", model="mine:train"), {"explained_rows": 20}, now=NOW
    )
    assert lines == {
        "question": "Which columns move the predictions of these 20 rows, how far, and which way?",
        "model": "mine:train",
        "data": "houses.csv; predicted: price",
        "when": "5 March 2026, 14:07 UTC",
    }


def test_a_model_that_was_trained_here_is_told_with_its_score_and_what_else_was_said_below():
    told = ("read as dates: day", "no model was named: trained boosted trees on 90 rows; right in 80 %")
    data = {"rows": 90, "name": "houses.csv"}
    lines = lines_of(section("table", data="in/houses.csv", target="price"), {"explained_rows": 2, "data": data}, told, NOW)
    assert lines["model"] == "trained boosted trees on 90 rows; right in 80 %" and lines["noted"] == "read as dates: day"
    assert lines["data"] == "houses.csv, 90 rows; predicted: price"


def test_curves_are_asked_about_as_curves():
    lines = lines_of(section("effects", data="houses.csv", model="mine:train"), {"model": {"kind": "Ridge"}}, now=NOW)
    assert (
        lines["question"] == "How does the prediction change along each column?" and lines["model"] == "mine:train (Ridge)"
    )


def test_one_row_is_asked_about_as_one():
    assert "the prediction of this row" in lines_of(section("table"), {"explained_rows": 1}, now=NOW)["question"]


@pytest.mark.parametrize(("images", "said"), [(["cat.jpg"], "the photo does"), (["cat.jpg", "dog.jpg"], "the photos does")])
def test_photos_are_named_and_asked_about(images, said):
    lines = lines_of(section("photo", image=images), {}, now=NOW)
    assert lines["data"] == ", ".join(images) and said in lines["question"]
    assert lines["model"] == "EfficientNet-Lite0, trained on ImageNet"
