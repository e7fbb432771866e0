"""A run of several sections: one page over all, and what each found in the manifest."""

from __future__ import annotations

import html
import json

import pandas as pd
import pytest

from perturbxai.command import cli
from perturbxai.command.config import parse_config
from perturbxai.command.run import run

TABLE = {"methods": ["kernel_shap"], "metrics": "none", "budget": 16, "background": 10, "inputs": 2}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({"a": range(40), "b": [n % 7 for n in range(40)], "<i>c</i>": [n % 3 for n in range(40)]})
    frame.assign(y=frame.a * 2 + frame.b).to_csv("t.csv", index=False)
    return tmp_path


def config(**sections):
    made = {name: {"data": "t.csv", "target": "y"} | section for name, section in sections.items()}
    return parse_config({"results": "out"} | made)


def test_a_page_over_both_sections_says_what_each_found_and_leads_to_it(here):
    done = run(config(table=TABLE, effects={"methods": ["ale"], "grid": 5}), progress=False)
    assert done.pages == [here / "out/index.html"]
    page = (here / "out/index.html").read_text("utf-8")
    manifest = json.loads((here / "out/manifest.json").read_text("utf-8"))
    for name in ("table", "effects"):
        assert f'href="{name}/index.html"' in page and (here / "out" / name / "index.html").is_file()
        said = manifest["parts"][name]["found"]
        shown = html.unescape(page).replace("\N{NO-BREAK SPACE}", " ")
        assert said and all(line in shown for line in said) and "<i>c</i>" not in page
    assert page.count("t.csv, 40 rows") == 1  # what both have in common stands once
    assert "index.html" in [one["name"] for one in manifest["files"]]


def test_a_run_of_one_section_has_its_page_alone_and_takes_an_older_one_over_several_away(here):
    run(config(table=TABLE, effects={"methods": ["ale"], "grid": 5}), progress=False)
    done = run(config(table=TABLE), progress=False)
    assert done.pages == [here / "out/table/index.html"] and not (here / "out/index.html").exists()


def test_a_run_that_goes_on_tells_of_the_section_that_was_done_before(here, monkeypatch):
    both = config(table=TABLE, effects={"methods": ["ale"], "grid": 5})
    whole = run(both, progress=False)
    first = (here / "out/index.html").read_text("utf-8")

    from perturbxai.command import effects_part

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(effects_part, "effects", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(both, here / "again", progress=False)
    done = run(both, here / "again", progress=False)
    assert list(done.found) == ["effects"] and done.facts["table"]["found"] == whole.facts["table"]["found"]
    page = (here / "again/index.html").read_text("utf-8")
    assert page.split("<main")[1] == first.split("<main")[1]


@pytest.mark.parametrize(("n_columns", "listed"), [(3, True), (12, False)])
def test_exact_values_stand_beside_the_methods_where_all_coalitions_can_be_listed(tmp_path, monkeypatch, n_columns, listed):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({f"c{n}": [(n + 1) * row % 41 for row in range(40)] for n in range(n_columns)})
    frame.assign(y=frame.c0).to_csv("t.csv", index=False)
    done = run(config(table=TABLE | {"budget": 64}), progress=False)
    assert ("exact" in done.comparisons["table"].results) is listed


def test_an_option_still_asks_for_exact_values_or_leaves_them(here):
    options = ["--methods", "kernel_shap", "--metrics", "none", "--budget", "10", "--background", "10", "--inputs", "0:2"]
    assert cli.main(["explain", "--table", "t.csv", "--target", "y", "--results", "plain", *options]) == 0
    assert cli.main(["explain", "--table", "t.csv", "--target", "y", "--results", "exact", "--exact", *options]) == 0
    found = [pd.read_csv(here / place / "table/attributions.csv").method.unique().tolist() for place in ("plain", "exact")]
    assert found == [["kernel_shap"], ["kernel_shap", "exact"]]
