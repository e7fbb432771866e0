"""The command line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from perturbxai.command import cli
from perturbxai.core import catalogue

PHOTO = """
results = "{results}"
[photo]
model = "toy_photo:make"
image = "chelsea"
size = 32
outputs = ["warm"]
segments = "grid"
n_segments = 4
fills = ["mean", 0]
methods = ["lime", "kernel_shap"]
baselines = []
budget = 16
"""
TABLE = """
seed = 3
results = "{results}"
[table]
data = "{data}"
target = "y"
model = "toy_table:make"
inputs = 2
background = 5
methods = ["kernel_shap", "pdp"]
"""
FACTORIES = """
import torch

class Net(torch.nn.Module):
    def forward(self, x):
        return torch.stack([x[:, 0].mean((1, 2)), x[:, 2].mean((1, 2))], dim=1)

def make():
    return Net(), lambda pictures: pictures / 255, ["warm", "cold"]
"""
TABLE_FACTORY = """
from sklearn.linear_model import LinearRegression

def make(X, y):
    return LinearRegression().fit(X, y)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["explain", "--help"], ["list"], []])
def test_help_and_list_import_nothing_heavy(arguments):
    code = (
        "import sys\nfrom perturbxai.command.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'torch', 'pandas', 'pydantic', 'matplotlib', 'sklearn', 'numba', 'tqdm'} & set(sys.modules)\n"
        "sys.stderr.write(','.join(sorted(heavy)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "perturbxai" in done.stdout or "kernel_shap" in done.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["explain", "--help"]])
def test_the_help_says_that_a_config_can_run_code(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 0
    assert "package.module:factory runs that code" in " ".join(capsys.readouterr().out.split())


def test_list_has_a_line_for_every_name(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in catalogue.ABOUT:
        assert any(line.split() and line.split()[0] == name and len(line.split()) > 2 for line in lines), name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[photo]\nbudgte = 3\n", "unknown key 'photo.budgte'"),
        ("[photo]\nmodel = 'nowhere:make'\n", "photo.model = 'nowhere:make' cannot be imported"),
        ("[photo]\nmodel = 'resnet'\n", "expected a name of ours, 'package.module:factory', or a file (.joblib"),
        ("[photo]\nimage = 'dog.png'\n", "photo.image = 'dog.png' is no file"),
        ("[photo]\nimage = 'dog'\n", "picture 'dog' is not in the scikit-image wheel"),
        ("[table]\ndata = 'no.csv'\ntarget = 'y'\n", "table.data = 'no.csv' cannot be read as CSV"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(text, told, tmp_path, capsys):
    (tmp_path / "bad.toml").write_text(text)
    assert cli.main(["run", str(tmp_path / "bad.toml"), "--results", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert not (tmp_path / "out").exists()


def test_a_config_that_is_not_there_is_said_so(capsys):
    assert cli.main(["run", "no/such.toml"]) == 2
    assert capsys.readouterr().err == "perturbxai: no/such.toml is not there\n"


def test_a_missing_package_is_told_with_the_pip_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    (tmp_path / "photo.toml").write_text("[photo]\n")
    assert cli.main(["run", str(tmp_path / "photo.toml"), "--results", str(tmp_path / "out")]) == 2
    assert 'pip install "perturbxai[quickstart]"' in capsys.readouterr().err


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder with two factories and a CSV file; returns a function that runs a config in it."""
    (tmp_path / "toy_photo.py").write_text(FACTORIES)
    (tmp_path / "toy_table.py").write_text(TABLE_FACTORY)
    lines = [f"{a},{b},{2 * a - b}" for a in range(6) for b in range(0, 9, 2)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *lines]))
    monkeypatch.syspath_prepend(tmp_path)

    def run(text, *options):
        filled = text.format(results=tmp_path / "out", data=tmp_path / "rows.csv")
        (tmp_path / "toy.toml").write_text(filled)
        return cli.main(["run", str(tmp_path / "toy.toml"), *options]), tmp_path / "out"

    return run


def test_a_run_on_a_photo_writes_every_fill_and_a_manifest(toy, capsys):
    pytest.importorskip("torch")
    code, out = toy(PHOTO)
    assert code == 0
    shown = capsys.readouterr()
    assert "lime@constant 0" in shown.out
    assert f"files: {out.resolve()}" in shown.out
    assert shown.out.rstrip().splitlines()[-1] == str(out.resolve() / "photo" / "index.html")
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["parts"]["photo"]["plan"]["batch_size"] == 8
    assert {file["name"] for file in manifest["files"]} == {
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and path.parent != out
    }


@pytest.mark.usefixtures("undrawn")
def test_a_run_on_a_table_lists_the_exact_values_of_a_linear_model(toy, capsys):
    import pandas as pd

    code, out = toy(TABLE, "--quiet")
    assert (code, *capsys.readouterr()) == (0, "", "")
    found = pd.read_csv(out / "table" / "attributions.csv")
    assert set(found.method) == {"kernel_shap", "pdp", "exact"}
    assert set(found.row) == {0, 1}
    wide = found.pivot(index=["row", "feature"], columns="method", values="value")
    assert abs(wide["exact"] - wide["pdp"]).max() < 1e-9  # on a linear model they agree
    assert json.loads((out / "manifest.json").read_text())["config"]["seed"] == 3


@pytest.mark.usefixtures("undrawn")
def test_results_goes_elsewhere_when_told(toy, tmp_path):
    code, out = toy(TABLE, "--quiet", "--results", str(tmp_path / "other"))
    assert code == 0
    assert not out.exists()
    assert (tmp_path / "other" / "table" / "summary.csv").stat().st_size > 0


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "perturbxai", "list"], capture_output=True, text=True, check=True)
    assert "kernel_shap" in done.stdout


@pytest.mark.parametrize("words", [["list"], []])
def test_a_reader_that_has_enough_ends_what_is_printed_without_a_word(words):
    command = [sys.executable, "-m", "perturbxai", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


@pytest.mark.parametrize("groups", [("metrics",), ("fills", "segments")])
def test_names_are_listed_by_group(groups, capsys):
    assert cli.main(["list", *(f"--{group}" for group in groups)]) == 0
    heads = [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines() if line and not line.startswith(" ")]
    assert heads == list(groups)
