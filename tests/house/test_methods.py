"""What methods declare are attributes with defaults: none is read by a string, none misspelt, and none asked who it is."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import perturbxai as px
from perturbxai.baseline_methods import kinds
from perturbxai.core import catalogue, methods
from perturbxai.peers.task import Peer

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "perturbxai").rglob("*.py"))
HOMES = catalogue.EXPLAINERS | catalogue.BASELINES | catalogue.PEERS
BASES = [*vars(methods).values(), *vars(kinds).values(), Peer]
BASES = [one for one in BASES if inspect.isclass(one) and issubclass(one, methods.Method)]
DECLARED = {n for base in BASES for n in (*vars(base), *inspect.get_annotations(base)) if not n.startswith("_")}
# what is not ours, and may have attributes of the same names
FOREIGN = {"explanation", "function", "value.tzinfo", "setting"}
CONCRETE = {entry.attribute for entry in HOMES.values()}


def calls(path, *names):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_flag_of_a_method_is_read_by_a_string(path):
    for node in calls(path, "getattr", "hasattr"):
        of, name = ast.unparse(node.args[0]), node.args[1]
        if isinstance(name, ast.Constant):
            assert not re.search(r"\bmethods?\b(?!\()", of), ast.unparse(node)
            assert name.value not in DECLARED or of in FOREIGN, ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nobody_asks_which_method_it_is(path):
    for node in calls(path, "isinstance", "issubclass"):
        classes = {part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name)}
        assert not classes & CONCRETE, ast.unparse(node)


@pytest.mark.parametrize("name", HOMES)
def test_what_a_class_declares_is_known_to_its_base(name):
    found = catalogue.load(HOMES, name)
    assert issubclass(found, (methods.Explainer, kinds.Baseline, Peer))
    flags = {flag for flag, kind in inspect.get_annotations(found).items() if str(kind).startswith("ClassVar")}
    flags |= {
        flag for flag, value in vars(found).items()
        if isinstance(value, property) and not (flag.startswith("_") or (value.__doc__ or "").startswith("Old name of"))
    }  # fmt: skip
    known = {flag for base in found.__mro__[1:] for flag in (*vars(base), *inspect.get_annotations(base))}
    assert flags <= known


MISSPELT = [
    ("perturbxai.core.methods", "FromCoalitions", "wants_spred"),
    ("perturbxai.core.methods", "Explainer", "of_curve"),
    ("perturbxai.core.methods", "Asking", "ask_s"),
    ("perturbxai.core.methods", "OfCurves", "acumulates"),
    ("perturbxai.baseline_methods.kinds", "Baseline", "differentiate"),
    ("perturbxai.baseline_methods.kinds", "OfLayer", "asks"),
    ("perturbxai.peers.task", "Peer", "own_budgets"),
]


def test_a_misspelt_flag_is_a_type_error(tmp_path, request):
    lines = [f"from {where} import {kind}\n\ndef of_{kind}(m: {kind}) -> object:\n    return m.name, m.{flag}\n"
             for where, kind, flag in MISSPELT]  # fmt: skip
    file = tmp_path / "misspelt.py"
    file.write_text("\n".join(lines))
    cache = request.config.cache.mkdir("mypy_house")
    command = [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", "--cache-dir", cache, file]
    found = subprocess.run(command, cwd=ROOT, env=os.environ | {"MYPYPATH": str(ROOT)}, capture_output=True, text=True)
    told = re.findall(r'misspelt\.py:\d+: error: "(\w+)" has no attribute "(\w+)"', found.stdout)
    assert told == [(kind, flag) for _, kind, flag in MISSPELT], found.stdout + found.stderr


# ------------------------------------------------------------------------------------------------ a user's own


@dataclass(frozen=True, kw_only=True)
class Alone(methods.FromCoalitions):
    """What a player adds to nothing, times a factor."""

    factor: float = 1.0
    name: str = ""

    def law(self, n_players):
        return px.Inclusion().law(n_players)

    def estimate(self, table):
        found = px.Inclusion().estimate(table)
        return type(found)(self.factor * found.values, found.stderr, found.critical, found.df)


@dataclass(frozen=True, kw_only=True)
class Duck:
    """The same without saying what it is."""

    name: str = ""
    law, estimate = Alone.law, Alone.estimate


def explained(*given, call=None, model=None):
    space = px.TabularSpace(np.zeros((1, 3)))
    model = model or px.Predictor(lambda X: X[:, 0] * X[:, 1] + X[:, 2])
    return (call or px.explain)(list(given), model, space, np.ones((1, 3)))


def test_a_method_of_ones_own_is_explained_beside_ours():
    found = explained("inclusion", Alone(factor=2.0), Alone(name="mine"))
    assert list(found) == ["inclusion", "Alone", "mine"]
    np.testing.assert_array_equal(found["Alone"].values, 2.0 * found["inclusion"].values)
    np.testing.assert_array_equal(found["mine"].values, found["inclusion"].values)
    assert "by Alone:" in repr(found["Alone"]) and "by mine:" in repr(found["mine"])
    px.plot(found)


@pytest.mark.parametrize(
    ("call", "given", "base"),
    [
        (px.explain, Duck(), "perturbxai.core.methods.Explainer"),
        (px.explain, px.GradCam(), "perturbxai.core.methods.Explainer"),
        (px.explain, px.Lime, "perturbxai.core.methods.Explainer"),
        (px.effects, Alone(), "perturbxai.estimation.curves.grid_tables.FromGrid"),
        (px.baselines, Alone(), "perturbxai.baseline_methods.kinds.Baseline"),
    ],
)
def test_an_object_that_does_not_say_what_it_is_is_refused_by_name_before_the_model_is_asked(call, given, base):
    def model(_X):
        raise AssertionError("the model was asked")

    name = given.__name__ if inspect.isclass(given) else type(given).__name__
    with pytest.raises(TypeError, match=rf"methods: .*{name}.*inherits from {base}"):
        explained(given, call=call, model=px.Predictor(model))


@pytest.mark.parametrize("kind", [methods.FromCoalitions, methods.Asking, kinds.OfRow, kinds.OfLayer, kinds.OfPixels])
def test_what_a_method_has_to_have_is_said_when_it_is_made(kind):
    with pytest.raises(TypeError, match="abstract method"):
        type("Mine", (kind,), {})()


def test_a_method_whose_law_is_of_other_inputs_is_refused():
    picture_alone = type("OfPictures", (Alone,), {"law_on": ("image",)})
    with pytest.raises(ValueError, match="OfPictures takes no table"):
        explained(picture_alone())


class Vandal(Alone):
    """Writes into the answers that the methods beside it read too."""

    def estimate(self, table):
        table.values[:] = 0.0
        return super().estimate(table)


def test_a_method_that_writes_into_what_it_is_given_is_stopped_and_changes_no_other():
    with pytest.raises(ValueError, match="read-only"):
        explained("inclusion", Vandal(name="mine"))


@dataclass(frozen=True, kw_only=True)
class Smudge(kinds.OfPicture):
    """Writes into the picture."""

    name: str = ""

    def heat(self, picture):
        picture -= picture.mean()
        return picture.mean(axis=2)


@dataclass(frozen=True, kw_only=True)
class Rectifier(kinds.OfLayer):
    """Writes into the gradients, which other maps read."""

    name: str = ""

    def cells(self, seen, fill):  # noqa: ARG002
        seen.gradients[:] = np.maximum(seen.gradients, 0.0)
        return (seen.gradients * seen.activations).sum(axis=1)


@pytest.mark.parametrize("method", [Smudge(), Rectifier()], ids=["picture", "gradients"])
def test_a_map_that_writes_into_what_it_is_given_is_stopped_and_changes_no_other(method):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    space = px.ImageSpace(segments="grid", n_segments=4, fill="mean")
    photo = np.random.default_rng(0).random((12, 12, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="read-only"):
        px.baselines(["grad_cam", method], px.Predictor(net, device="cpu"), space, photo)
