"""What the catalogue says of a metric: a line that fits a terminal, what it is to be trusted for, and what it takes."""

from __future__ import annotations

import pytest

from perturbxai.core import catalogue
from perturbxai.core.catalogue import METRICS
from perturbxai.metrics.metric import MADE_AGAIN, Metric, read_metrics

NEEDED = {"inside": "masks", "truth": "truth", "reseeded": "seeds"}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_told_in_a_line_with_its_trust(name):
    row = METRICS[name]
    assert row.about and row.trust and row.trust in row.scored
    assert len(f"  {name:<22}{row.scored}") <= 120


@pytest.mark.parametrize("name", METRICS)
def test_what_a_row_says_is_needed_is_what_the_function_takes(name):
    takes, needs = Metric.of(name).takes, METRICS[name].needs
    for argument, what in NEEDED.items():
        assert (argument in takes) == (what in needs)
    drawn_again = set(takes) & (set(MADE_AGAIN) - {"reseeded"})
    assert bool(drawn_again) == (needs in (catalogue.NEAR, catalogue.WEIGHTS))


def test_the_usual_metrics_are_the_seven_that_ask_for_coalitions_alone():
    usual = read_metrics(None)
    assert [metric.name for metric in usual] == [
        "deletion", "insertion", "srg", "faithfulness", "faithfulness_raw", "spearman", "top_k_iou",
    ]  # fmt: skip
    assert not any(METRICS[metric.name].needs for metric in usual)
