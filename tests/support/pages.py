"""Markdown pages as tests read them: their blocks of code, and where their links lead."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MADE = {"_build", "_figures", "gallery", "generated"}  # folders that a build of the site leaves
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """The pages of docs/ that somebody wrote, in order of their names."""
    return sorted(page for page in DOCS.rglob("*.md") if not MADE & set(page.relative_to(DOCS).parts))


def blocks(text: str, language: str = "python") -> list[str]:
    """What stands in the fenced blocks of a language, from the top."""
    return [code for spoken, code in BLOCK.findall(text) if spoken == language]


def links(text: str) -> list[str]:
    """Where links and pictures lead within the repository, without anchors; what lies in code is none."""
    prose = re.sub(r"`[^`\n]*`", "", re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL))
    found = re.findall(r"\]\(<?([^)>\s]+)>?\)", prose) + re.findall(r"""(?:src|href)=["']([^"']+)""", prose)
    return [place for link in found if ":" not in link and (place := link.partition("#")[0])]
