"""Old names of arguments, options, keys and flags: they work, warn once where they are written, and load from files."""

import copy
import dataclasses
import json
import warnings

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import perturbxai as px
from perturbxai.command import cli
from perturbxai.command.config import load_config, parse_config
from perturbxai.core.deprecated import renamed

RIDGE = Ridge(alpha=0.5)
OPTIONS = [
    (px.Ale, {"grid": 7}, {"bins": 7}),
    (px.Ale, {"rows": 20}, {"data_rows": 20}),
    (px.Ale, {"centre": "data"}, {"curves": "centred"}),
    (px.Ale, {"centre": "start"}, {"curves": "anchored"}),
    (px.Ale, {"target": "population"}, {"bands_for": "population"}),
    (px.Ale, {"target": "sample", "rows": 9, "bins": 3}, {"bands_for": "sample", "data_rows": 9, "bins": 3}),
    (px.Pdp, {"centred": True}, {"curves": "centred"}),
    (px.Pdp, {"centred": np.True_}, {"curves": "centred"}),
    (px.Pdp, {"centred": False}, {"curves": "raw"}),
    (px.TabularLime, {"surrogate": RIDGE}, {"model_regressor": RIDGE}),
    (px.MaskOptimisation, {"grid": 5}, {"cells": 5}),
]
X = np.random.default_rng(0).normal(size=(40, 3))
PREDICTOR = px.Predictor(lambda rows: rows[:, 0] * rows[:, 1] + rows[:, 2])


@pytest.mark.parametrize(("kind", "old", "new"), OPTIONS)
def test_an_old_option_warns_once_where_it_is_written_and_is_the_new_one(kind, old, new):
    with pytest.warns(FutureWarning) as told:
        made = kind(**old)
    assert made == kind(**new) and repr(made) == repr(kind(**new))
    assert [one.filename for one in told] == [__file__] * len(set(old) - set(new))
    for one, name in zip(told, [name for name in old if name not in new], strict=True):
        assert f"{kind.__name__}({name}=...)" in str(one.message)
        assert any(f"now called {now}" in str(one.message) for now in new)


@pytest.mark.parametrize(("kind", "old", "new"), OPTIONS)
def test_an_old_option_can_still_be_read(kind, old, new):
    made = kind(**new)
    for name, value in old.items():
        if name in kind.renamed:
            with pytest.warns(FutureWarning, match=rf"{kind.__name__}\.{name} is now called") as told:
                assert getattr(made, name) == value
            assert told[0].filename == __file__


@pytest.mark.parametrize(("kind", "old", "new"), OPTIONS)
def test_both_names_of_an_option_are_refused(kind, old, new):
    if set(old) & set(new):
        old = {name: value for name, value in old.items() if name not in new}
    with pytest.raises(TypeError, match=r"got \w+= and \w+=, its old name; give \w+= alone"):
        kind(**old, **new)


@pytest.mark.parametrize("copied", [dataclasses.replace, getattr(copy, "replace", dataclasses.replace)])
@pytest.mark.parametrize(("kind", "old", "new"), OPTIONS)
def test_a_copy_with_an_old_option_is_one_with_the_new_and_any_other_copy_is_silent(kind, old, new, copied):
    with pytest.warns(FutureWarning, match="is now called") as told:
        made = copied(kind(), **old)
    assert made == kind(**new)
    assert [one.filename for one in told] == [__file__] * len(set(old) - set(new))
    assert copied(made, name="other").name == "other" and copied(kind(), **new) == made  # warnings are errors
    if made == kind():
        return  # nobody can tell whether the new name was given
    with pytest.raises(TypeError, match=r"got \w+= and \w+=, its old name"):
        copied(kind(), **{name: value for name, value in old.items() if name not in new}, **new)


def test_every_renamed_option_of_a_public_class_is_in_the_table_above():
    methods = [one for name in px.__all__ if dataclasses.is_dataclass(one := getattr(px, name))]
    there = {(one, old) for one in methods for old in getattr(one, "renamed", {})}
    assert there == {(kind, old) for kind, olds, new in OPTIONS for old in set(olds) - set(new)} | {
        (px.Effect, "rows"), (px.Pick, "rows")}  # fmt: skip


def test_old_values_that_no_rename_knows_are_refused_as_the_new_ones():
    with pytest.warns(FutureWarning), pytest.raises(ValueError, match="curves='middle' is not known"):
        px.Ale(centre="middle")
    with pytest.warns(FutureWarning), pytest.raises(TypeError, match=r"curves=.*expected text"):
        px.Ale(centre=["data"])


def a_layer_grid(**image):
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 2, stride=2), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return px.layer_grid(px.Predictor(net), **image)


def a_pick(**options):
    found = px.explain("lime_tabular", PREDICTOR, px.TabularSpace(X), X[:6], budget=300)["lime_tabular"]
    return px.submodular_pick(found, 2, n_features=1, **options).numbers


FUNCTIONS = [
    (lambda **rows: px.h_statistic(PREDICTOR, px.TabularSpace(X), X, **rows).values, {"rows": 12}, {"data_rows": 12}),
    (a_pick, {"by": "rule"}, {"components": "rule"}),
    (a_layer_grid, {"photo": np.eye(4)}, {"image": np.eye(4)}),
    (px.on_white, {"picture": np.ones((2, 2, 4))}, {"image": np.ones((2, 2, 4))}),
]


@pytest.mark.parametrize(("ask", "old", "new"), FUNCTIONS)
def test_an_old_argument_warns_once_and_gives_the_same_numbers(ask, old, new):
    expected = ask(**new)
    with pytest.warns(FutureWarning, match=f"{next(iter(old))}=.* is now called {next(iter(new))}") as told:
        found = ask(**old)
    assert np.array_equal(found, expected) and len(told) == 1
    assert ask is px.on_white or told[0].filename == __file__
    with pytest.raises(TypeError, match=r"got \w+= and \w+=, its old name"):
        ask(**old, **new)


def test_an_argument_by_place_and_by_its_old_name_is_refused():
    with pytest.warns(FutureWarning), pytest.raises(TypeError, match="multiple values for argument 'image'"):
        px.on_white(np.ones((2, 2, 4)), picture=np.ones((2, 2, 4)))


def test_results_can_be_read_by_the_old_names_of_their_fields():
    pick = px.submodular_pick(px.explain("pdp", PREDICTOR, px.TabularSpace(X), X[:4])["pdp"], 2, n_features=1)
    effect = px.effects("ice", PREDICTOR, px.TabularSpace(X), X, features=[0])["ice"]["x0"]
    with pytest.warns(FutureWarning, match=r"Pick\.rows is now called numbers"):
        assert pick.rows is pick.numbers
    with pytest.warns(FutureWarning, match=r"Effect\.rows is now called individual_rows"):
        assert effect.rows is effect.individual_rows is not None


def test_a_method_that_is_named_by_old_options_explains_bit_for_bit_as_by_new_ones():
    space = px.TabularSpace(X, background=5)
    with pytest.warns(FutureWarning):
        old = [px.Ale(grid=4, rows=20), px.TabularLime(surrogate=Ridge(alpha=0.5))]
    new = [px.Ale(bins=4, data_rows=20), px.TabularLime(model_regressor=Ridge(alpha=0.5))]
    found, expected = (px.explain(methods, PREDICTOR, space, X[:2], budget=100) for methods in (old, new))
    assert list(found) == list(expected)
    assert all(np.array_equal(found[name].values, expected[name].values) for name in found)


# one explanation as version 0.1.0 wrote it before the options were renamed; its method goes in below
FILE = """{"format":"perturbxai.attribution","schema":1,"meta":{"seed":0,"name":"ale"},
"shared":{"meta":{"seed":0,"rows":67},"names":["x0","x1"],"outputs":["prediction"],"method":METHOD},
"explanations":[{"meta":{},"label":0,"values":[[0.74],[0.36]],"stderr":[[6.7e-15],[4.9e-15]],"critical":[2.5],"df":13.0,
"base":[-0.9],"prediction":[0.2],"stderr_background":null,"input":{"$":"array","dtype":"<f8","shape":[2],"of":[0.1,-0.1]},
"heat":null,"columns":{},"interactions":null,"interactions_stderr":null}]}"""
METHODS = [
    ('{"name":"ale","options":{"grid":7,"rows":20,"centre":"data","target":"sample","differential":false,"name":""}}',
     px.Ale(bins=7, data_rows=20)),
    ('{"name":"pdp","options":{"centred":false,"name":""}}', px.Pdp()),
    ('{"name":"mask_optimisation","options":{"areas":{"$":"tuple","of":[0.1]},"steps":3,"grid":5,"aim":"delete","name":""}}',
     px.MaskOptimisation(areas=(0.1,), steps=3, cells=5, aim="delete")),
    ('{"name":"lime_tabular","options":{"n_features":3,"surrogate":null,"shared_draws":true,"name":"old"}}',
     px.TabularLime(n_features=3, shared_draws=True, name="old")),
]  # fmt: skip


@pytest.mark.parametrize(("method", "expected"), METHODS)
def test_files_with_old_options_load_without_a_word(method, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = px.Attribution.from_json(FILE.replace("METHOD", method))
        again = px.Attribution.from_json(found.to_json())
    assert found.method == again.method == expected
    assert not set(json.loads(found.to_json())["shared"]["method"]["options"]) & set(type(expected).renamed)


def test_a_file_with_both_names_of_an_option_is_damaged():
    with pytest.raises(ValueError, match=r"ale got bins= and grid=, its old name.*damaged"):
        px.Attribution.from_json(FILE.replace("METHOD", '{"name":"ale","options":{"bins":7,"grid":7}}'))


OLD_CONFIG = """
[photo]
picture = ["cat.jpg", "dog.jpg"]
model = "net:make"
[table]
data = "rows.csv"
model = "own:model"
rows = "0:8:2"
"""


def test_configs_with_old_keys_load_without_a_word(tmp_path):
    (tmp_path / "old.toml").write_text(OLD_CONFIG)
    (tmp_path / "new.toml").write_text(OLD_CONFIG.replace("picture =", "image =").replace("rows =", "inputs ="))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        old, new = load_config(tmp_path / "old.toml"), load_config(tmp_path / "new.toml")
    assert old == new and old.table.inputs == "0:8:2" and old.photo.image == ("cat.jpg", "dog.jpg")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"photo": {"picture": "a.png", "image": "a.png"}}, "photo: image and picture, its old name, are both given"),
        ({"table": {"rows": 3, "inputs": 3}}, "table: inputs and rows, its old name, are both given; give inputs alone"),
        ({"table": {"row": 3}}, "unknown key 'table.row'"),
    ],
)
def test_both_keys_are_refused(section, message):
    with pytest.raises(ValueError, match=message):
        parse_config(section)


TABLE = ["explain", "--table", "rows.csv", "--model", "own:model"]


def test_an_old_flag_is_taken_and_told(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("perturbxai.command.run.run", lambda config, *_, **__: asked.append(config) or 1 / 0)
    for flag in ("--inputs", "--rows"):
        with pytest.raises(ZeroDivisionError):
            cli.main([*TABLE, flag, "-5:"])
        told = capsys.readouterr().err
        assert ("--rows is now called --inputs" in told) == (flag == "--rows")
    assert asked[0] == asked[1] and asked[0].table.inputs == "-5:"


def test_both_flags_are_refused_and_the_help_shows_the_new_one(capsys):
    assert cli.main([*TABLE, "--rows", "3", "--inputs", "3"]) == 2
    assert "--inputs and --rows, its old name, are both given" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["explain", "--help"])
    shown = capsys.readouterr().out
    assert "--inputs" in shown and "--rows" not in shown


def test_the_signature_of_what_is_renamed_has_the_new_names_alone():
    import inspect

    @renamed(old="new")
    def called(new=1):
        return new

    assert list(inspect.signature(called).parameters) == ["new"]
    assert list(inspect.signature(px.Ale).parameters)[:2] == ["bins", "data_rows"]
