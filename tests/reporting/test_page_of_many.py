"""The page of many rows, outputs, columns and methods: it stays small, and says what it leaves out."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from stub_results import result

import perturbxai as px
from perturbxai.reporting.html.ending import Told
from perturbxai.reporting.html.pages import LARGEST, results_page, within
from perturbxai.reporting.manifest import facts


def page_of(results):
    return results_page(results, None, {}, Told(facts(results), ["attributions.csv"]))


def panels(text):
    return len(re.findall(r'<details id="row-', text))


def test_five_thousand_rows_of_forty_long_names_stay_below_five_megabytes():
    names = tuple(f"a column with a rather long name, as a laboratory gives it, number {p}" for p in range(40))
    rng = np.random.default_rng(0)
    first = result("kernel_shap", n_players=40, outputs=("price",))[0]
    rows = tuple(
        replace(first, values=rng.normal(size=(40, 1)), prediction=rng.normal(size=1), names=names, label=f"row {n}")
        for n in range(5000)
    )
    results = {name: px.Attribution(rows, {"name": name}) for name in ("lime", "kernel_shap", "pdp", "ice", "ale")}
    text = page_of(results)
    assert len(text.encode()) < LARGEST
    assert panels(text) == 60 and "This page holds 60 of 5,000 rows" in text


def test_the_rows_of_the_page_go_from_the_lowest_prediction_to_the_highest():
    first = result("lime", outputs=("y",))[0]
    rows = tuple(replace(first, prediction=np.array([float(n % 97)]), label=n) for n in range(500))
    text = page_of({"lime": px.Attribution(rows)})
    kept = [float(one) for one in re.findall(r'data-value="([\d.]+)"', text)[::2]]
    assert min(kept) == 0.0 and max(kept) == 96.0 and panels(text) == 60
    assert "Drawn are about 400 of 500 rows, from the lowest to the highest." in text


def test_of_twenty_outputs_the_highest_are_shown_and_the_others_counted():
    outputs = tuple(f"class {k}" for k in range(20))
    one = result("lime", outputs=outputs, n_rows=3)
    rows = tuple(replace(e, prediction=np.arange(20.0)) for e in one)
    text = page_of({"lime": px.Attribution(rows)})
    assert "6 of 20 outputs are shown" in text
    assert re.findall(r'<label for="o\d"><bdi>(class \d+)', text) == [f"class {k}" for k in range(14, 20)]


def test_of_many_methods_the_usual_ones_come_first_and_the_others_are_counted():
    results = {f"mine {n}": result(f"mine {n}") for n in range(20)} | {"kernel_shap": result("kernel_shap")}
    text = page_of(results)
    assert "7 further methods are in attributions.csv" in text
    assert re.search(r'<input type="radio" name="m" id="m0" checked.*?<bdi>(.*?)</bdi>', text)[1] == "KernelSHAP"


def test_a_page_that_is_too_large_holds_half_as_many_until_it_is_not():
    assert within(lambda limit: "x" * 100 * limit, 50, largest=1500) == "x" * 1200


@pytest.mark.parametrize("n_rows", [1, 2])
@pytest.mark.parametrize("n_players", [1, 2])
def test_the_smallest_reports_have_a_page(n_rows, n_players):
    text = page_of({"lime": result(n_rows=n_rows, n_players=n_players, outputs=("y",))})
    assert panels(text) == n_rows and "What was found" in text


def test_values_of_zero_and_errors_that_are_not_known_are_said_and_drawn_as_such():
    one = result(stderr=np.inf, outputs=("y",), n_rows=3)
    rows = tuple(replace(e, values=np.zeros_like(e.values)) for e in one)
    text = page_of({"lime": px.Attribution(rows)})
    assert "not known" in text and not re.search(r"\b(nan|inf)\b", text)
