"""Arguments are checked in one place: no module but core/checks.py tells whole numbers and known words by hand."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "perturbxai"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "core" / "checks.py")

# numbers are told from truth values: isinstance(x, bool) beside isinstance(x, int), in one condition
TRUTH, NUMBER = {"bool", "bool_"}, {"int", "float", "integer", "number", "Integral", "Real"}
WORDS = re.compile(r"is not known; expected (one of )?\{")
# the command's readers of TOML are told the key by pydantic, and a fill is more than words
OTHERWISE = {"command/values.py", "inputs/fills.py"}


def kinds(call: ast.AST) -> tuple[str, set[str]]:
    """What an isinstance asks of, and the names of the types."""
    if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "isinstance"):
        return "", set()
    types = call.args[1].elts if isinstance(call.args[1], ast.Tuple) else [call.args[1]]
    return ast.unparse(call.args[0]), {getattr(node, "id", getattr(node, "attr", "")) for node in types}


def by_hand(source: str) -> list[str]:
    """Conditions that tell whole numbers by hand, and messages that list the known words by hand."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BoolOp):
            asked = [kinds(inner) for inner in ast.walk(node)]
            truths = {what for what, types in asked if types & TRUTH and not types & NUMBER}
            found += [ast.unparse(node) for what, types in asked if what in truths and types & NUMBER]
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Call) and len(node.comparators) == 1:
            call = node.left  # int(x) != x
            if getattr(call.func, "id", "") == "int" and ast.unparse(call.args[0]) == ast.unparse(node.comparators[0]):
                found.append(ast.unparse(node))
        if isinstance(node, ast.JoinedStr) and WORDS.search(ast.unparse(node)):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_checks_an_argument_by_hand(path):
    found = by_hand(path.read_text("utf-8"))
    if path.relative_to(PACKAGE).as_posix() in OTHERWISE:
        found = [one for one in found if not WORDS.search(one)]
    assert not found, "take core/checks.py"


@pytest.mark.parametrize(
    "source",
    [
        "if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1: pass",
        "whole = isinstance(self.n, numbers.Integral) and not isinstance(self.n, (bool, np.bool_))",
        "ok = not isinstance(given, bool) and isinstance(given, (int, float, np.number)) and 0 < given < 1",
        "if int(self.grid) != self.grid: pass",
        """raise ValueError(f"how={how!r} is not known; expected one of {', '.join(KNOWN)}.")""",
        """raise ValueError(f"how={how!r} is not known; expected {KNOWN}.")""",
    ],
)
def test_a_check_by_hand_is_seen(source):
    assert by_hand(source)
