"""The design as a test: arrows point one way, each heavy package has its owner, and only one module calls a model."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest

import perturbxai as px
from perturbxai.core import catalogue

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "perturbxai"

# From the ground up. A folder may import those of lower floors that its row names; a new file edits nothing here.
FLOORS: tuple[dict[str, str], ...] = (
    {"core": ""},
    {"sampling": "core", "inputs": "core", "models": "core", "results": "core"},
    {"game": "models inputs core", "estimation": "sampling core", "metrics": "results core", "assets": "inputs core"},
    {
        "explainers": "estimation sampling core",
        "baseline_methods": "game models inputs core",
        "peers": "game models inputs core",
    },
    {"calls": "explainers baseline_methods peers game estimation metrics sampling inputs models results core"},
    {"reporting": "calls metrics models inputs results core"},
    {"command": "reporting calls explainers game inputs models results core assets"},
    {"__main__": "command"},
)
FLOOR = {name: number for number, rooms in enumerate(FLOORS) for name in rooms}
MAY = {name: set(row.split()) for rooms in FLOORS for name, row in rooms.items()}

# Who may import a package that is not numpy, and whether at the top of its file.
OWNERS = {
    "numba": {"core"},
    "narwhals": {"core"},
    "polars": {"core"},
    "pyarrow": {"core", "reporting"},
    "torch": {"models", "baseline_methods"},
    "xgboost": {"models"},
    "onnxruntime": {"models"},
    "tqdm": {"models"},
    "zennit": {"baseline_methods"},
    "skimage": {"inputs", "baseline_methods"},
    "PIL": {"inputs", "models", "assets", "reporting", "command"},
    "sklearn": {"inputs", "results", "estimation", "explainers", "assets", "peers", "command"},
    "pandas": {"core", "inputs", "models", "results", "calls", "reporting", "command", "assets"},
    "scipy": {"sampling", "inputs", "results", "estimation", "metrics", "peers", "calls", "reporting"},
    "lime": {"peers"},
    "shap": {"peers"},
    "threadpoolctl": {"calls"},
    "matplotlib": {"reporting"},
    "plotly": {"reporting"},
    "jinja2": {"reporting"},
    "filelock": {"reporting"},
    "joblib": {"calls", "reporting", "command"},
    "cloudpickle": {"calls"},
    "distributed": {"calls"},
    "pydantic": {"command"},
    "tifffile": {"command"},
}
AT_THE_TOP = {
    "numba": {"core"}, "torch": {"baseline_methods"}, "pandas": {"inputs"}, "pydantic": {"command"},
    "distributed": {"calls"},
}  # fmt: skip
LIGHT = {"numpy", "scipy", "threadpoolctl", "perturbxai", *sys.stdlib_module_names}

FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")
SOURCE = "".join(path.read_text("utf-8") for path in FILES)


def unit(path: Path) -> str:
    """The module, or the folder it lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> list[tuple[str, bool, bool]]:
    """(module, at the top of the file, for type checkers only) of every import."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "perturbxai" else [module]
        found += [(name, node in tree.body, id(node) in typing_only) for name in names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_arrows_point_one_way(path):
    mine = unit(path)
    for name, *_ in imports(path):
        package, _, rest = name.partition(".")
        if package == "perturbxai" and (theirs := rest.partition(".")[0]) != mine:
            assert theirs in MAY[mine], (
                f"{mine}/ imports {name}; it may import {sorted(MAY[mine])}. Move what both need "
                "to a room that both may import, or take it as an argument from calls/"
            )


def test_the_floors_are_floors():
    assert {unit(path) for path in FILES} == set(MAY)
    for room, row in MAY.items():
        assert all(FLOOR[below] < FLOOR[room] for below in row), room


def test_the_docs_show_the_floors():
    house = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert {room: int(floor) for floor, room in re.findall(r"^\| (\d) \| `(\w+)/?` \|", house, re.MULTILINE)} == {
        room: floor + 1 for room, floor in FLOOR.items()
    }


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_each_heavy_package_has_its_owner_and_loads_when_it_is_needed(path):
    mine = unit(path)
    for name, top, typing_only in imports(path):
        package = name.partition(".")[0]
        if package in LIGHT and package not in OWNERS:
            continue
        assert mine in OWNERS[package], (
            f"{mine} imports {package}, which {sorted(OWNERS[package])} have; "
            "let one of them do that part, or say it in NumPy"
        )
        if top and not typing_only and package not in LIGHT:
            assert mine in AT_THE_TOP.get(package, ()), (
                f"{mine} imports {package} at the top of its file; import it in the function that needs it"
            )


def test_one_room_draws_with_plotly():
    users = {
        path.parent
        for path in FILES
        for name, _, typing_only in imports(path)
        if name.startswith("plotly") and not typing_only
    }
    assert users == {PACKAGE / "reporting" / "interactive"}


def test_only_models_calls_a_model():
    calls = re.compile(r"\.(predict|predict_proba|decision_function|forward)\(")
    callers = {unit(path) for path in FILES if calls.search(path.read_text("utf-8"))}
    assert callers == {"models"}


def test_no_module_touches_global_random_state():
    # no numpy.random function of the old kind, no torch or Python seed: randomness comes as a Generator, or as a RandomState
    # of its own where the rows are to be those that scikit-learn draws
    touch = re.compile(r"np\.random\.(?!default_rng|Generator|RandomState\()\w+|torch\.manual_seed|\brandom\.seed")
    # lime and shap draw from it: the one module that loads them saves it, seeds it, and puts it back
    guard = PACKAGE / "peers" / "packages.py"
    assert [path for path in FILES if touch.search(path.read_text("utf-8"))] == [guard]


def test_nothing_on_disk_is_unpickled_but_models_that_the_user_trusts():
    # a module that is named in quotes is not used; tests/command/test_model_files.py has the one file that asks for trust
    used = r"\bpickle\b(?!\")"
    danger = re.compile(used + r"|weights_only=False|(torch|joblib|yaml)\.load\(|allow_pickle|(?<!\.)\b(eval|exec)\(")
    assert {path.name for path in FILES for m in danger.finditer(path.read_text("utf-8"))} == {"model_files.py"}


def test_modules_stay_readable():
    long = {path.name: n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > 350}
    assert not long


def test_importing_the_package_loads_numpy_at_most():
    heavy = [*OWNERS, "numpy"]
    code = f"import sys, perturbxai; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() in ("[]", "['numpy']")


def test_public_names_load_no_torch():
    code = "import sys, perturbxai as px; [getattr(px, name) for name in px.__all__]; print('torch' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "False"


def test_explaining_a_table_loads_no_torch_and_no_plots():
    code = (
        "import sys, numpy as np, perturbxai as px\n"
        "px.explain(['lime', 'kernel_shap', 'pdp', 'ice', 'ale'], px.Predictor(lambda X: X.sum(axis=1)),"
        " px.TabularSpace(np.eye(4)), np.ones((1, 4)))\n"
        "print([m for m in ('torch', 'matplotlib', 'skimage', 'sklearn', 'shap', 'lime') if m in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


# ------------------------------------------------------------------------------------------------ names


def test_every_public_name_exists_and_is_documented():
    for name in px.__all__:
        assert (getattr(px, name).__doc__ or "").strip(), name


def test_no_folder_takes_the_name_of_a_function():
    assert not {path.name.removesuffix(".py") for path in PACKAGE.iterdir()} & set(px.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'permutation_shap'"):
        _ = px.permutation_shap


@pytest.mark.parametrize("name", [*catalogue.EXPLAINERS, *catalogue.BASELINES])
def test_a_class_is_the_camel_case_of_its_string_and_exported(name):
    found = catalogue.load(catalogue.EXPLAINERS | catalogue.BASELINES, name)
    assert found.__name__ == {"lime_tabular": "TabularLime"}.get(name, name.title().replace("_", ""))
    assert getattr(px, found.__name__) is found
    assert catalogue.key_of(found()) == name


@pytest.mark.parametrize("name", [*catalogue.EXPLAINERS, *catalogue.BASELINES])
def test_every_option_is_read_somewhere_and_explained(name):
    found = catalogue.load(catalogue.EXPLAINERS | catalogue.BASELINES, name)
    for option in fields(found):
        assert re.search(rf"(self|lime|method|one)\.{option.name}\b", SOURCE), option.name
        assert re.search(rf"^\s*{option.name}\s", found.__doc__, re.MULTILINE), option.name


def test_every_name_in_the_catalogue_has_a_line_of_help():
    rows = catalogue.EXPLAINERS, catalogue.BASELINES, catalogue.METRICS, catalogue.FILLS, catalogue.SEGMENTERS
    assert all(catalogue.ABOUT[name] for names in rows for name in names)
    assert len(catalogue.ABOUT) == sum(map(len, rows))  # no name stands for two things
