"""The design as a test: arrows point one way, each heavy package has its owner, and only one module calls a model."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import perturbxai as px
from perturbxai import registry

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "perturbxai"

# From the ground up: a module imports from lower layers, or from its own folder.
LAYERS = (
    {"frames", "labels", "csv_files", "text_options", "stopping", "options"},
    {"bare", "chance", "ending", "inputs"},
    {"registry", "kernels", "laws", "bilinear", "tables", "pictures", "device", "models"}
    | {"lending", "segment", "codecs", "progress", "versions", "outputs", "jsonable", "notebook", "native", "readings"},
    {"serial", "axes", "effect", "copies", "transforms", "batches"},
    {"explanation", "grid_tables", "passes"},
    {"importance", "pick"},
    {"strata", "contrasts"},
    {"networks", "memo", "plan", "sampling", "looks", "neighbourhoods", "walks", "fills", "codes"},
    {"streams", "spaces", "predictor", "additive", "masks", "grids", "opacity_rows"},
    {"table_asker", "image_asker"},
    {"game"},
    {"explainers", "baselines", "metrics", "peers"},
    {"driving", "inside", "grid_jobs", "opacity_effects"},
    {"call", "grid_once"},
    {"api"},
    {"heatmaps", "effects", "scoring", "reference", "exchange", "averaging", "layer_grid"},
    {"comparison", "h_statistic"},
    {"report"},
    {"assets", "config", "current_folder"},
    {"table_files", "photos", "command_options"},
    {"loading"},
    {"photo_run"},
    {"running", "command_explain"},
    {"cli"},
    {"__main__"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Who may import a package that is not numpy, and whether at the top of its file.
OWNERS = {
    "numba": {"kernels"},
    "torch": {"plan", "masks", "networks", "predictor", "device", "baselines", "lending"}
    | {"copies", "passes", "chance", "transforms"},
    "sklearn": {"sampling", "serial", "explainers", "assets", "peers"},
    "skimage": {"segment", "fills", "baselines"},
    "PIL": {"transforms", "pictures", "assets", "photos"},
    "narwhals": {"frames"},
    "polars": {"frames"},
    "pyarrow": {"frames"},
    "tifffile": {"photos"},
    "pandas": {"assets", "codes", "codecs", "models", "jsonable", "explanation", "importance", "pick", "comparison"}
    | {"report", "loading", "table_files", "effect", "h_statistic", "frames", "csv_files"},
    "scipy": {"laws", "neighbourhoods", "explanation", "effect", "importance", "explainers", "metrics", "report", "peers"}
    | {"fills", "h_statistic"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "zennit": {"baselines"},
    "xgboost": {"native"},
    "lime": {"peers"},
    "shap": {"peers"},
    "tqdm": {"progress"},
    "pydantic": {"config"},
    "threadpoolctl": {"driving"},
    "joblib": {"report"},
}
AT_THE_TOP = {"numba": {"kernels"}, "torch": {"baselines"}, "pandas": {"codes", "codecs"}, "pydantic": {"config"}}
LIGHT = {"numpy", "scipy", "threadpoolctl", "perturbxai", *sys.stdlib_module_names}

FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def unit(path: Path) -> str:
    """The module, or the folder it lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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
        if package == "perturbxai":
            theirs = rest.partition(".")[0]
            assert theirs in RANK, f"{theirs} stands in no layer"
            own_folder = theirs == mine and path.parent != PACKAGE
            assert own_folder or RANK[theirs] < RANK[mine], f"{mine} imports {theirs}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_each_heavy_package_has_its_owner_and_loads_when_it_is_needed(path):
    mine = unit(path)
    for name, top, typing_only in imports(path):
        package = name.partition(".")[0]
        if package in LIGHT and package not in OWNERS:
            continue
        assert mine in OWNERS[package], f"{mine} imports {package}"
        if top and not typing_only and package not in LIGHT:
            assert mine in AT_THE_TOP.get(package, ()), f"{mine} imports {package} at the top of its file"


@pytest.mark.parametrize("path", sorted((PACKAGE / "explainers").glob("*.py")), ids=lambda p: p.name)
def test_explainers_know_only_laws_tables_and_the_sampler(path):
    known = {"laws", "bilinear", "tables", "options", "axes", "grid_tables"}
    known |= {"sampling", "neighbourhoods", "walks", "additive"}
    for name, *_ in imports(path):
        if name.startswith("perturbxai."):
            assert name.split(".")[1] in known | {"explainers"}, name


def test_only_models_calls_a_model():
    calls = re.compile(r"\.(predict|predict_proba|decision_function|forward)\(")
    callers = {unit(path) for path in FILES if calls.search(path.read_text("utf-8"))}
    assert callers <= {"models", "networks", "native"}


def test_no_module_touches_global_random_state():
    # no numpy.random function of the old kind, no torch or Python seed: randomness comes as a Generator, or as a RandomState
    # of its own where the rows are to be those that scikit-learn draws
    touch = re.compile(r"np\.random\.(?!default_rng|Generator|RandomState\()\w+|torch\.manual_seed|\brandom\.seed")
    # lime and shap draw from it: the one module that loads them saves it, seeds it, and puts it back
    guard = PACKAGE / "peers" / "packages.py"
    assert [path for path in FILES if touch.search(path.read_text("utf-8"))] == [guard]


def test_nothing_on_disk_is_unpickled():
    # a module that is named in quotes is not used
    used = r"\bpickle\b(?!\")"
    danger = re.compile(used + r"|weights_only=False|(torch|joblib|yaml)\.load\(|allow_pickle|(?<!\.)\b(eval|exec)\(")
    assert not [(path.name, m.group()) for path in FILES for m in danger.finditer(path.read_text("utf-8"))]


def test_modules_stay_readable():
    long = {path.name: n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > 350}
    assert not long


def test_importing_the_package_loads_numpy_at_most():
    heavy = [*OWNERS, "numpy"]
    code = f"import sys, perturbxai; print([m for m in {heavy} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() in ("[]", "['numpy']")


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


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'permutation_shap'"):
        _ = px.permutation_shap


@pytest.mark.parametrize("name", [*registry.EXPLAINERS, *registry.BASELINES])
def test_a_class_is_the_camel_case_of_its_string_and_exported(name):
    found = registry.load(registry.EXPLAINERS | registry.BASELINES, name)
    assert found.__name__ == {"lime_tabular": "TabularLime"}.get(name, name.title().replace("_", ""))
    assert getattr(px, found.__name__) is found
    assert registry.key_of(found()) == name


@pytest.mark.parametrize("name", [*registry.EXPLAINERS, *registry.BASELINES])
def test_every_option_is_read_somewhere_and_explained(name):
    found = registry.load(registry.EXPLAINERS | registry.BASELINES, name)
    source = "".join(path.read_text("utf-8") for path in FILES)
    for option in fields(found):
        assert re.search(rf"(self|lime|method|one)\.{option.name}\b", source), option.name
        assert re.search(rf"^\s*{option.name}\s", found.__doc__, re.MULTILINE), option.name


def test_every_name_in_the_registry_has_a_line_of_help():
    assert set(registry.ABOUT) == {*registry.EXPLAINERS, *registry.BASELINES, *registry.METRICS}
