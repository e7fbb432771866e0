"""The site that docs/ is built to: docstrings read as they stand, every public name has a page, and what is run is shown."""

from __future__ import annotations

import re
import sys

import pages
import pytest

pytest.importorskip("sphinx", reason="the docs extra is not installed")


@pytest.fixture(autouse=True)
def extensions_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(pages.DOCS / "extensions"))
    yield
    for name in ("plain_docstrings", "executed", "repository_links"):
        sys.modules.pop(name, None)


DOCSTRING = """Values (N, P) of players | signs.

budget  how many, as
        the call says;  share (K,) of each
Raises ValueError for coef_ below 2*P.

>>> 1 + 1
2
"""


def test_a_plain_docstring_becomes_a_list_of_its_options():
    from plain_docstrings import parts

    found = list(parts(DOCSTRING.splitlines()))
    assert [part.kind for part in found] == ["prose", "item", "item", "prose", "example"]
    assert [(part.name, part.text) for part in found[1:3]] == [
        ("budget", "how many, as the call says"),
        ("share (K,)", "of each"),
    ]


def test_signs_of_a_docstring_mean_themselves():
    docutils = pytest.importorskip("docutils.core")
    from plain_docstrings import as_rst

    text = "\n".join(as_rst(DOCSTRING.splitlines()))
    made = docutils.publish_string(
        text, writer_name="pseudoxml", settings_overrides={"halt_level": 2, "report_level": 2}
    ).decode()
    assert "players | signs" in made and "coef_ below 2*P" in made and "<doctest_block" in made


def test_every_public_name_has_a_page_of_the_reference():
    import perturbxai as px

    listed = [
        name
        for page in (pages.DOCS / "api").glob("*.md")
        for name in re.findall(r"^   (\w+)$", page.read_text("utf-8"), re.M)
    ]
    assert sorted(listed) == sorted(px.__all__)


def test_what_a_page_prints_and_draws_follows_its_blocks(tmp_path):
    from executed import run_page

    page = "```python\nimport matplotlib.pyplot as plt\nn = 3\nprint(n)\n```\n\n```python\nplt.figure();\nn + 1\n```\n"
    first, second = run_page(page, "methods/one", tmp_path)
    assert first == {"printed": "3", "figures": []} and second["figures"] == ["methods-one-2-1.png"]
    assert (tmp_path / "methods-one-2-1.png").stat().st_size > 0


def test_links_out_of_docs_lead_to_the_page_that_shows_the_file():
    from repository_links import _included, _read

    page, included = ["[a](../CONTRIBUTING.md#tests) [b](../setup.cfg)"], ["[c](docs/scale.md) [d](CHANGELOG.md)"]
    _read(None, "architecture", page)
    _included(None, None, "contributing", included)
    assert page == ["[a](./contributing.md#tests) [b](../setup.cfg)"] and included == ["[c](scale.md) [d](changelog.md)"]
