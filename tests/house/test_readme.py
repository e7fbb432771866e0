"""The README's examples run, and its commands are what continuous integration calls."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perturbxai import assets

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = dict(zip(("table", "photo"), re.findall(r"```python\n(.*?)```", README, re.DOTALL), strict=True))


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_example_runs_as_it_stands(example, tmp_path, monkeypatch, capsys):
    if example == "photo":
        pytest.importorskip("efficientnet_lite_pytorch", reason="the quickstart extra is not installed")
        photo = assets.photo
        monkeypatch.setattr(
            assets, "photo", lambda name: photo(name, size=96)
        )  # what a network of 224 takes, five times as fast
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(EXAMPLES[example], f"README.md, {example}", "exec"), names)
    summary = names["table"].summary()
    assert set(names["results"]) <= set(summary.index)
    if example == "photo":
        assert (tmp_path / "results" / "cat" / "manifest.json").stat().st_size > 0
    else:
        assert "kernel_shap" in capsys.readouterr().out


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_about_ten_lines(example):
    assert len([line for line in EXAMPLES[example].splitlines() if line.strip()]) <= 11


def test_both_commands_are_one_line_each_and_ci_runs_the_second():
    commands = re.findall(r"^python3\.11 -m venv .*$", README, re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("perturbxai run configs/quickstart.toml") and commands[1].endswith("pytest -n 2")
    (wanted,) = re.findall(r"s/\^\\\((.*?)\\\)\$", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert re.fullmatch(wanted, commands[1]) and not re.fullmatch(wanted, commands[0])


def test_every_public_function_that_the_readme_calls_exists():
    import perturbxai as px

    called = set(re.findall(r"\bpx\.(\w+)\(", README))
    assert called and called <= set(px.__all__)
