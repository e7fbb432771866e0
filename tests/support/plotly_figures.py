"""What an interactive figure shows, read back from its JSON: traces by type, and words as a reader sees them."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import numpy as np


def traces(figure: Any, kind: str = "", **has: Any) -> list[dict[str, Any]]:
    """Traces of a type (of every type of ""), and with these settings."""
    every = json.loads(figure.to_json())["data"]
    return [one for one in every if kind in ("", one["type"]) and all(one.get(key) == value for key, value in has.items())]


def numbers(values: Any) -> Any:
    return np.array([np.nan if value is None else value for value in values], dtype=float)


def read(words: str) -> str:
    """What is shown of words: lines joined, entities resolved."""
    return unescape(words.replace("<br>", " ")).replace("\xa0", " ")


def about(figure: Any) -> str:
    return read(figure.layout.title.text)


def heads(figure: Any) -> list[str]:
    """What stands over the panels."""
    return [read(one.text) for one in figure.layout.annotations]


def names(figure: Any, axis: str = "yaxis") -> list[str]:
    """What the lines of a panel are called."""
    return [read(one) for one in figure.layout[axis].ticktext]


def told(figure: Any) -> list[str]:
    """All that stands under the mouse anywhere."""
    found: list[Any] = [one.get("hovertext") for one in traces(figure)]
    flat: list[str] = []
    while found:
        one = found.pop()
        flat += [read(one)] if isinstance(one, str) else []
        found += one if isinstance(one, list) else []
    return flat


def every_text(value: Any) -> list[str]:
    """Every string of a figure's JSON but its template and pictures."""
    if isinstance(value, dict):
        return [one for key, inner in value.items() if key not in ("template", "source") for one in every_text(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in every_text(inner)]
    return [value] if isinstance(value, str) else []
