"""Arrays are named once, by what they mean: no module but core/types.py spells an array of a type of numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "perturbxai"
TYPES = PACKAGE / "core" / "types.py"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != TYPES)
ALIAS = re.compile(r"^(\w+)(?:: TypeAlias)? = ", re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_module_spells_an_array_of_numbers_of_its_own(path):
    assert "NDArray[np." not in path.read_text("utf-8"), "take a name of core/types.py, or give it one"


def test_every_name_of_a_type_is_used_and_says_what_it_is():
    source = TYPES.read_text("utf-8")
    elsewhere = "\n".join(path.read_text("utf-8") for path in FILES)
    for alias in ALIAS.finditer(source):
        name, (_, _, rest) = alias[1], source[alias.start() :].partition("\n")
        assert re.search(rf"\b{name}\b", elsewhere) or len(re.findall(rf"\b{name}\b", source)) > 1, name
        assert rest.startswith('"""') or name == "Cut", name
