"""Where the command looks for modules: installed packages first, the current folder for the named model alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HOSTILE = "import pathlib\npathlib.Path(__file__).with_suffix('.ran').write_text('x')\n"
NAMES = ("pandas", "numpy", "torch", "sklearn", "matplotlib", "jinja2", "bottleneck", "numexpr", "IPython", "pyarrow",
         "narwhals", "json", "csv", "statistics", "cupy", "tqdm", "pydantic", "scipy", "threadpoolctl", "numba",
         "psutil", "rich", "uvloop", "dask", "distributed")  # fmt: skip
CONFIG = """
[table]
data = "rows.csv"
target = "y"
model = "{model}"
inputs = 1
methods = ["kernel_shap"]
metrics = ["spearman"]
background = 5
"""
MODEL = """
from sklearn.linear_model import LinearRegression

def make(X, y):
    import sibling
    return Wrapped(sibling.fit(LinearRegression(), X, y))

class Wrapped:
    def __init__(self, model):
        self.model = model
    def __call__(self, rows):
        import late
        from neighbours import inner
        return late.predict(self.model, rows) + inner.nothing()
"""
SIBLINGS = {
    "sibling.py": "def fit(model, X, y):\n    return model.fit(X, y)\n",
    "late.py": "def predict(model, rows):\n    import later\n    return later.predict(model, rows)\n",
    "later.py": "def predict(model, rows):\n    return model.predict(rows)\n",
    "neighbours/__init__.py": "",
    "neighbours/inner.py": "def nothing():\n    return 0.0\n",
}


@pytest.fixture
def folder(tmp_path):
    """A folder with a table, a model in several files, and files that are called as packages are."""
    lines = "\n".join(f"{i % 7},{i % 5},{2 * (i % 7) - (i % 5)}" for i in range(40))
    (tmp_path / "rows.csv").write_text(f"a,b,y\n{lines}\n")
    (tmp_path / "mymodel.py").write_text(MODEL)
    for name, text in SIBLINGS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


def command(folder, model, *flags, start=("-m", "perturbxai")):
    (folder / "run.toml").write_text(CONFIG.format(model=model))
    done = subprocess.run(
        [sys.executable, *flags, *start, "run", "run.toml", "--quiet", "--results", "out"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "MPLBACKEND": "agg"},
    )  # fmt: skip
    return done, sorted(path.stem for path in folder.glob("*.ran"))


SCRIPT = (
    "-c",
    "import sys; sys.path.remove(''); from perturbxai.command.cli import main; raise SystemExit(main(sys.argv[1:]))",
)


def test_where_the_model_is_installed_no_file_of_the_folder_is_run(folder):
    done, ran = command(folder, "sklearn.linear_model:LinearRegression")  # made, and refused because it is not fitted
    assert done.returncode == 2 and "not fitted" in done.stderr
    assert ran == []


def store(folder):
    """Two models whose classes lie in files of their own, one stored by joblib and one by pickle, and what loads both."""
    for writer in ("joblib", "pickle"):
        (folder / f"of_{writer}.py").write_text(
            "class Sum:\n    def __call__(self, rows):\n        return rows.sum(axis=1)\n"
            f"if __name__ == '__main__':\n    import {writer}, of_{writer}\n"
            f"    {writer}.dump(of_{writer}.Sum(), open('sum.{writer}', 'wb'))\n"
        )
    (folder / "stored.py").write_text(
        "import joblib, pickle\ndef both():\n    with open('sum.pickle', 'rb') as file:\n"
        "        unpickled = pickle.load(file)\n    loaded = joblib.load('sum.joblib')\n"
        "    return lambda rows: loaded(rows) + unpickled(rows)\n"
    )
    for name in ("numpy", "statistics", "json", "csv"):
        (folder / f"{name}.py").unlink()  # they would be found before what is installed by the scripts themselves
    for writer in ("joblib", "pickle"):
        subprocess.run([sys.executable, f"of_{writer}.py"], cwd=folder, check=True)
    for path in folder.glob("*.ran"):  # by those scripts, whose folder comes first
        path.unlink()


@pytest.mark.parametrize(
    ("flags", "start", "model"),
    [
        ((), ("-m", "perturbxai"), "mymodel:make"),
        (("-P",), ("-m", "perturbxai"), "package.inner:make"),
        ((), SCRIPT, "stored:both"),
        ((), ("-m", "perturbxai"), "boosted"),  # of ours: however it is started, no module of the folder is asked for
    ],
    ids=["python -m, a file", "python -P -m, in a package", "script, stored in files of their own", "a model of ours"],
)
def test_a_model_finds_its_classes_and_a_file_that_is_called_as_a_package_is_not_run(folder, flags, start, model):
    """Each start with a model of the folder, whose import looks there: the hardest case of each."""
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("")
    (folder / "package" / "inner.py").write_text("from mymodel import make\n")
    if model == "stored:both":
        store(folder)
    done, ran = command(folder, model, *flags, start=start)
    assert (done.returncode, done.stderr) == (0, "")
    assert ran == []
    assert (folder / "out" / "manifest.json").is_file()


def test_a_model_that_is_called_as_an_installed_module_is_told_to_be_renamed(folder):
    (folder / "statistics.py").write_text(MODEL)
    done, _ = command(folder, "statistics:make")
    assert done.returncode == 2
    assert "which is installed, and not in" in done.stderr and "rename that file" in done.stderr


def test_only_code_of_the_folder_finds_its_neighbours_afterwards(folder, monkeypatch):
    from perturbxai.command.user_model import make_model

    monkeypatch.chdir(folder)
    kept = list(sys.path), list(sys.meta_path), set(sys.modules)
    try:
        import pandas as pd

        X = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 2.0]})
        made = make_model("mymodel:make", "--model", {"X": X, "y": X["a"]})
        assert sys.path == kept[0]
        with pytest.raises(ModuleNotFoundError):
            import bottleneck  # noqa: F401
        assert list(made.model(X).round(9)) == [0.0, 1.0, 2.0]
    finally:
        sys.meta_path[:] = kept[1]
        for name in set(sys.modules) - kept[2]:
            del sys.modules[name]
