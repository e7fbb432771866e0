"""Links that lead out of docs/ on the repository's site lead, on the built one, to the page that shows the same file."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

SHOWN = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    up = "../" * name.count("/")

    def shown(found: re.Match[str]) -> str:
        return f"]({up or './'}{SHOWN[found[1]]}"

    source[0] = re.sub(rf"\]\({re.escape('../' + up)}({'|'.join(map(re.escape, SHOWN))})", shown, source[0])


def _included(_app: Sphinx, _path: object, _name: str, source: list[str]) -> None:
    text = re.sub(r"\]\(docs/([^)]+)\)", r"](\1)", source[0])
    source[0] = re.sub(rf"\]\(({'|'.join(map(re.escape, SHOWN))})", lambda found: f"]({SHOWN[found[1]]}", text)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _read)
    app.connect("include-read", _included)
    return {"parallel_read_safe": True}
