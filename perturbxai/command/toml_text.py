"""A configuration as the text of a TOML file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturbxai.command.config import Config


def write_toml(config: Config, place: str, naming: str) -> Path:
    """Write what was given of a configuration, so that `load_config` reads the same. Returns the path.

    Raises ValueError for a file that is there already, and OSError for one that cannot be written. naming: the option.
    """
    path = Path(place)
    if path.exists():
        raise ValueError(f"{naming} = {place!r} is there already; remove it, or give another name.")
    path.write_text(as_toml(config.model_dump(mode="json", exclude_unset=True)), encoding="utf-8")
    return path


def as_toml(data: Mapping[str, Any]) -> str:
    """The text of a mapping of values, lists, and sections of these.

    >>> print(as_toml({"seed": 1, "table": {"data": "a.csv", "drop": ["id"]}}), end="")
    seed = 1
    <BLANKLINE>
    [table]
    data = "a.csv"
    drop = ["id"]
    """
    sections = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    lines = [f"{key} = {_value(value)}" for key, value in data.items() if key not in sections and value is not None]
    for name, section in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in section.items() if value is not None)]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value as TOML has it: its strings, numbers, truth values and lists are those of JSON."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
