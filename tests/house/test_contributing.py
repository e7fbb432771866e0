"""What CONTRIBUTING.md promises of the tests, the checks and the tools is so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
OTHERS = {"browser", "house", "coverage", "cuda", "experiments", "support"}  # beside the rooms of the package
CHECK, RUN, CONTRIBUTING = (ROOT / name for name in ("check", ".ci/run", "CONTRIBUTING.md"))


def named(path):
    """(name by name) what a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT / "tests").as_posix())
def test_no_test_imports_a_test(path):
    assert not [name for name in named(path) for part in name.split(".") if part == "tests" or part.startswith("test_")]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT / "tests").as_posix())
def test_a_test_lies_in_the_room_that_it_is_about(path):
    room, *rest = path.relative_to(ROOT / "tests").parts
    if room == "conftest.py":
        return
    assert len(rest) == 1, "a folder a room, and none inside"
    assert room in OTHERS or (ROOT / "perturbxai" / room / "__init__.py").is_file()
    assert rest[0].startswith("test_") == (room != "support")


def test_ruff_is_one_version():
    (wanted,) = re.findall(r"ruff==(\S+)", (ROOT / "setup.cfg").read_text("utf-8"))
    assert f"rev: v{wanted} " in (ROOT / ".pre-commit-config.yaml").read_text("utf-8")


def test_one_command_holds_all_checks_and_continuous_integration_runs_them():
    parts = set(re.findall(r"^    (\w+)\) (?!\")", CHECK.read_text("utf-8"), re.MULTILINE))
    (every,) = re.findall(r'all\) "\$0" (.*) ;;', CHECK.read_text("utf-8"))
    assert set(every.split()) == parts
    (asked,) = re.findall(r"^\./check (.*)$", RUN.read_text("utf-8"), re.MULTILINE)
    assert set(asked.split()) == parts - {"tests"}  # which the README's command runs
    assert "./check" in CONTRIBUTING.read_text("utf-8")


@pytest.mark.parametrize("fault", ["import os\n", "x = {  }\n"], ids=["lint", "format"])
def test_style_that_fails_fails_the_check(fault, tmp_path):
    pytest.importorskip("ruff")
    for name in ("check", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"))
    (tmp_path / "one.py").write_text("x = 1\n")
    bare = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    assert subprocess.run(["bash", "check", "style"], cwd=tmp_path, env=bare, capture_output=True).returncode == 0
    (tmp_path / "one.py").write_text(fault)
    assert subprocess.run(["bash", "check", "style"], cwd=tmp_path, env=bare, capture_output=True).returncode != 0


def test_what_it_names_is_there():
    text = CONTRIBUTING.read_text("utf-8")
    places = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"`((?:perturbxai|tests|docs)/[\w/.]*)`", text)
    assert places
    for place in places:
        assert (ROOT / place).exists(), place
