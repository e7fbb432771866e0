"""Figures that were written as files, on the page itself."""

import base64
from collections.abc import Iterable
from pathlib import Path

from perturbxai.reporting.html.markup import Html, element, join


def embedded(paths: Iterable[Path], said: str) -> Html:
    """PNG files, one below the other; said: what they show, for who cannot see them."""
    return join(_one(path, said) for path in paths)


def _one(path: Path, said: str) -> Html:
    source = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
    return element("figure", element("img", src=source, alt=f"{path.stem}: {said}"), class_="drawn")
