"""What a user's type checker knows, from the package as a wheel has it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "tests" / "support" / "client.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment of its own with the files of the wheel, beside the libraries that are there already."""
    place = tmp_path_factory.mktemp("client")
    venv.create(place / "env", symlinks=True)
    site = next((place / "env").glob("lib/python*/site-packages"))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    build = [sys.executable, "-c", "from setuptools import setup; setup()", "--quiet", "build_py", "--build-lib", site]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return place / "env"


def test_a_type_checker_knows_arguments_and_results(installed, request):
    cache = request.config.cache.mkdir("mypy")  # of numpy and pandas; a second run is short
    command = [sys.executable, "-m", "mypy", "--python-executable", installed / "bin" / "python", "--cache-dir", cache]
    mine = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run([*command, "--config-file=", CLIENT], cwd=installed, env=mine, capture_output=True, text=True)
    told: dict[int, list[str]] = {}
    for line, kind, text in re.findall(r"client\.py:(\d+): (error|note): (.*)", done.stdout):
        told.setdefault(int(line), []).append(f"{'E' if kind == 'error' else 'R'}: {text}")
    assert told, done.stdout + done.stderr
    wrong = []
    for number, line in enumerate(CLIENT.read_text("utf-8").splitlines(), 1):
        said, expected = " ".join(told.get(number, [])), re.search(r"# ([ER]): (.*)", line)
        kind, text = expected.groups() if expected else ("", "")
        if said[:1] != kind or text not in said or (kind != "E" and "E:" in said):
            wrong.append(f"{line}\n  {said}")
    assert not wrong, "\n".join(wrong)
