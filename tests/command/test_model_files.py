"""Models from files: of ONNX, xgboost and lightgbm as they are; those that run code when they are loaded with --trust."""

from __future__ import annotations

import os
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression

import perturbxai as px
from perturbxai.command import cli
from perturbxai.command.model_files import RUN_CODE

COLUMNS = ["a", "b", "c"]


class Mark:
    """Unpickled, it leaves a mark."""

    def __reduce__(self):
        return os.mkdir, ("mark",)


@pytest.fixture
def rows(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)).astype(np.float32), columns=COLUMNS)
    frame["y"] = frame.a * frame.b + frame.c
    frame.to_csv(tmp_path / "rows.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return pd.read_csv("rows.csv")


def explain(model, *options):
    command = [
        "explain",
        "--table",
        "rows.csv",
        "--drop",
        "y",
        "--model",
        model,
        "--methods",
        "kernel_shap",
        "--metrics",
        "none",
    ]
    return cli.main([*command, "--inputs", "0:4", "--background", "10", "--results", "out", "--quiet", *options])


def check(rows, model):
    """The report has the values that the library gives of the model itself."""
    space = px.TabularSpace(rows[COLUMNS], background=10)
    wanted = px.explain("kernel_shap", px.Predictor(model), space, rows[COLUMNS].iloc[:4])["kernel_shap"]
    found = pd.read_csv("out/table/attributions.csv")
    np.testing.assert_allclose(found.value, wanted.to_frame().value, atol=1e-12)  # the CSV's digits


@pytest.mark.parametrize("ending", [".joblib", ".pkl", ".pickle"])
def test_a_pickled_estimator_needs_trust(rows, ending, capsys):
    model = LinearRegression().fit(rows[COLUMNS], rows.y)
    joblib.dump(model, f"model{ending}")
    assert explain(f"model{ending}") == 2
    assert (
        f"a {ending} file runs code when it is loaded; if you trust where it comes from, give --trust"
        in capsys.readouterr().err
    )
    assert explain(f"model{ending}", "--trust") == 0
    check(rows, model)


@pytest.mark.parametrize("ending", RUN_CODE)
@pytest.mark.usefixtures("rows")
def test_a_file_that_is_not_trusted_runs_nothing(ending):
    joblib.dump(Mark(), f"model{ending}")
    assert explain(f"model{ending}") == 2
    assert not os.path.exists("mark")


def test_a_booster_of_xgboost(rows):
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBRegressor(n_estimators=5, max_depth=2).fit(rows[COLUMNS], rows.y)
    for name in ("model.json", "model.ubj"):
        model.save_model(name)
        assert explain(name) == 0
        check(rows, model)


@pytest.mark.usefixtures("rows")
def test_a_text_that_is_no_booster_is_told_once_in_words(capfd):
    pytest.importorskip("lightgbm")
    with open("model.txt", "w") as file:
        file.write("not a model")
    assert explain("model.txt") == 2
    told = capfd.readouterr()
    assert "it cannot be loaded: LightGBMError" in told.err and told.out == ""


def test_a_booster_of_lightgbm(rows):
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMRegressor(n_estimators=5, min_child_samples=5, verbose=-1).fit(rows[COLUMNS], rows.y)
    model.booster_.save_model("model.txt")
    assert explain("model.txt") == 0
    check(rows, model.booster_)


def test_a_session_of_onnx(rows):
    pytest.importorskip("onnxruntime")
    skl2onnx = pytest.importorskip("skl2onnx")
    from skl2onnx.common.data_types import FloatTensorType

    model = LinearRegression().fit(rows[COLUMNS].to_numpy(), rows.y)
    made = skl2onnx.convert_sklearn(model, initial_types=[("x", FloatTensorType([None, 3]))])
    with open("model.onnx", "wb") as file:
        file.write(made.SerializeToString())
    assert explain("model.onnx") == 0
    found = pd.read_csv("out/table/attributions.csv").value.to_numpy().reshape(4, 3)
    background = px.TabularSpace(rows[COLUMNS], background=10).background
    wanted = model.coef_ * (rows[COLUMNS].iloc[:4].to_numpy() - background.mean(axis=0))
    np.testing.assert_allclose(found, wanted, atol=1e-5)  # float32 within the session


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # how people still save networks
def test_a_network_that_was_pickled_whole_or_scripted(rows):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).eval()
    torch.save(net, "whole.pt")
    torch.jit.script(net).save("scripted.pt")
    for name in ("whole.pt", "scripted.pt"):
        assert explain(name) == 2
        assert explain(name, "--trust") == 0
        check(rows, net)


@pytest.mark.usefixtures("rows")
def test_weights_alone_are_no_network(capsys):
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.Linear(3, 1).state_dict(), "weights.pt")
    assert explain("weights.pt", "--trust") == 2
    assert "it holds weights and no network; name what makes the network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("none.onnx", None, "there is no such file"),
        ("broken.onnx", "no model", "it cannot be loaded: "),
        ("broken.json", "{}", "it cannot be loaded: "),
        ("broken.joblib", "no model", "it cannot be loaded: "),
        ("model.h5", "", "is no model; expected a name of ours, 'package.module:factory', or a file (.joblib"),
    ],
)
@pytest.mark.usefixtures("rows")
def test_what_gives_no_model_is_told(capsys, name, text, told):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("xgboost")
    if text is not None:
        with open(name, "w") as file:
            file.write(text)
    assert explain(name, "--trust") == 2
    shown = capsys.readouterr().err
    assert f"--model = '{name}'" in shown and told in shown


@pytest.mark.usefixtures("rows")
def test_a_package_that_is_not_there_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with open("model.txt", "w") as file:
        file.write("tree")
    assert explain("model.txt") == 2
    assert "it needs lightgbm, which is not installed: pip install lightgbm" in capsys.readouterr().err


def test_a_model_of_several_targets_with_unlike_classes_is_explained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", "b"])
    known = np.column_stack([X.a > 0, np.digitize(X.b, [-0.5, 0.5])]).astype(int)
    joblib.dump(RandomForestClassifier(5, random_state=0).fit(X, known), "both.joblib")
    X.to_csv("x.csv", index=False)
    command = ["explain", "--table", "x.csv", "--model", "both.joblib", "--trust", "--methods", "kernel_shap"]
    assert cli.main([*command, "--metrics", "none", "--inputs", "0:2", "--background", "5"]) == 0
    assert set(pd.read_csv("results/explain/table/attributions.csv").output) == {"0:0", "0:1", "1:0", "1:1", "1:2"}
