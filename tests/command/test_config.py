"""Configurations: what they mean, and how they refuse what they cannot mean."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from perturbxai.command.config import Config, PhotoConfig, TableConfig, load_config, parse_config

ROOT = Path(__file__).parents[2]


def test_the_quickstart_is_valid():
    config = load_config(ROOT / "configs" / "quickstart.toml")
    assert config.results == "results/quickstart"
    assert config.photo is not None
    assert config.photo.fills == ("blur", "mean")
    assert config.table is not None
    assert config.table.inputs == 20
    assert config.table.exact


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"photo": {"budgte": 3}}, r"unknown key 'photo\.budgte' \(did you mean 'budget'\?\); \[photo\] knows image"),
        ({"sed": 1, "photo": {}}, r"unknown key 'sed' .* the top level knows seed, results, photo, table"),
        ({"table": {"colour": {"deep": 1}}}, r"unknown key 'table\.colour'; \[table\] knows data, target"),
        ({"photo": {"budget": "500"}}, r"photo\.budget = '500': input should be a whole number"),
        ({"photo": {"methods": "lime"}}, r"photo\.methods = 'lime': input should be a list"),
        ({"photo": {"methods": ["lim"]}}, r"photo\.methods: 'lim' is not known; did you mean 'lime'\?"),
        ({"photo": {"methods": ["lime", "lime"]}}, r"photo\.methods: 'lime' comes twice"),
        ({"photo": {"fills": ["blurr"]}}, r"photo\.fills\.0: 'blurr' is not a fill; expected \"blur\"[^;]*$"),
        ({"photo": {"fills": []}}, r"photo\.fills = \[\]: the list should have at least 1 item"),
        ({"photo": {"fills": ["blur", "blur"]}}, r"photo\.fills: a fill comes twice"),
        ({"photo": {"outputs": ["tiger cat"], "top": 2}}, r"photo: outputs and top both choose the classes"),
        ({"photo": 3}, r"photo = 3: input should be a section"),
        ({"table": {"background": "some"}}, r"table\.background: 'some' is not a background; .* or \"all\""),
        ({"table": {"exact": "yes"}}, r"table\.exact = 'yes': input should be a valid boolean"),
        (
            {"table": {"data": "rows.csv"}},
            r"table\.model: \"boosted\" are trees trained on a column of the file: name it as",
        ),
        ({"table": {"target": "y"}}, r"table\.target: 'y' is for files; \"diabetes\" has a target of its own"),
        ({"table": {"drop": ["sex"]}}, r"table\.drop: \('sex',\) is for files"),
        ({"table": {"inputs": 0}}, r"table\.inputs: 0 is no choice of rows; expected a slice as Python has it"),
        ({"table": {"inputs": True}}, r"table\.inputs: True is no choice of rows"),
        ({"table": {"inputs": "1:2:0"}}, r"table\.inputs: '1:2:0' is no choice of rows"),
        ({"table": {"inputs": [1.5]}}, r"table\.inputs: \[1\.5\] is no choice of rows"),
        ({"table": {"inputs": []}}, r"table\.inputs: \[\] is no choice of rows"),
        ({"table": {"inputs": [4, 4]}}, r"table\.inputs: \[4, 4\] names a row twice"),
        (
            {"table": {"baselines": ["cam"]}},
            r"table\.baselines: 'cam' is not known; 'cam' explains pictures, .* gradient, .*random",
        ),
        ({"table": {"output": "odds"}}, r"table\.output = 'odds': input should be 'probability', 'logit' or 'raw'"),
        ({"table": {"data": "rows.csv", "target": "y", "separator": ", "}}, r"table\.separator: ', ' is no separator"),
        ({"seed": -1, "table": {}}, r"seed = -1: input should be greater than or equal to 0"),
        ({}, r"nothing to run; add a section \[photo\], \[table\] or \[effects\]"),
    ],
)
def test_what_a_config_cannot_mean_is_refused_in_words(data, told):
    with pytest.raises(ValueError, match=told) as refused:
        parse_config(data, source="my.toml")
    message = str(refused.value)
    assert message.startswith("my.toml: ")
    assert "\n" not in message
    assert "pydantic" not in message
    assert not isinstance(refused.value, ValidationError)


def test_every_fault_is_named_at_once():
    with pytest.raises(ValueError, match=r"photo\.a.*photo\.b"):
        parse_config({"photo": {"a": 1, "b": 2}})


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("[photo\n")
    with pytest.raises(ValueError, match=r"bad\.toml is not TOML: .*line 1"):
        load_config(tmp_path / "bad.toml")


def test_numbers_and_colours_are_fills():
    config = parse_config({"photo": {"fills": ["mean", 127, [124.0, 116.0, 104.0]]}})
    assert config.photo is not None
    assert config.photo.fills == ("mean", 127, (124.0, 116.0, 104.0))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (3, 3),
        ("0:20", "0:20"),
        (" -5 : ", "-5:"),
        ("::-2", "::-2"),
        ("5", (5,)),
        ("3, -7,9", (3, -7, 9)),
        ([2, 0], (2, 0)),
    ],
)
def test_rows_are_a_number_a_slice_one_or_several(given, meant):
    config = parse_config({"table": {"inputs": given}})
    assert config.table is not None
    assert config.table.inputs == meant


def test_a_name_for_keys_goes_through_to_the_errors():
    with pytest.raises(ValueError, match=r"^<table\.inputs>: 'x' is no choice of rows.*; <table\.budget> = 1: "):
        parse_config({"table": {"inputs": "x", "budget": 1}}, source="", naming=lambda key: f"<{key}>")


def test_a_config_is_frozen():
    config = parse_config({"table": {}})
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 3


@pytest.mark.parametrize("section", [Config, PhotoConfig, TableConfig])
def test_every_field_is_read(section):
    readers = (path for path in (ROOT / "perturbxai" / "command").glob("*.py") if path.name != "config.py")
    code = "".join(path.read_text() for path in readers)
    variable = "config" if section is Config else "section"
    assert [name for name in section.model_fields if f"{variable}.{name}" not in code] == []


@pytest.mark.parametrize("section", ["photo", "table"])
@pytest.mark.parametrize("key", ["methods", "baselines", "metrics"])
@pytest.mark.parametrize(
    "given", [{"cam": {"layer": 3}}, [{"name": "lime", "ridge": 1}], [["lime", 1]], ["lime(ridge=1)"]], ids=str
)
def test_a_config_says_that_it_gives_no_options(section, key, given):
    if isinstance(given, list):
        given = [*given, "lime"]
    with pytest.raises(ValueError, match=rf"{section}\.{key}.* A config gives a method no options: in Python an object has"):
        parse_config({section: {key: given}})


@pytest.mark.parametrize("given", [5, True, "lime"])
def test_a_list_of_names_is_asked_for_where_something_else_stands(given):
    with pytest.raises(ValueError, match=r"input should be a list of names in quotes, as `perturbxai list` shows them$"):
        parse_config({"table": {"methods": given}})


@pytest.mark.parametrize(
    ("name", "needs"), [("error", "truth"), ("pointing_game", "masks"), ("seed_stability", "seeds"), ("road", "pictures")]
)
def test_a_metric_that_a_table_s_run_cannot_have_says_what_it_needs(name, needs):
    with pytest.raises(ValueError, match=f"'{name}' needs {needs}: px.compare has it, in Python"):
        TableConfig.model_validate({"data": "a.csv", "model": "a:b", "metrics": [name]})
