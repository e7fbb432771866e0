"""Reading an experiment's config: validated, and what is wrong told in a sentence each."""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Kind = TypeVar("Kind", bound=BaseModel)
One = TypeVar("One")


def parser_of(about: str | None) -> argparse.ArgumentParser:
    """Of an experiment that has a config with scales; about: its docstring."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, help="a TOML file, such as one of configs/")
    parser.add_argument("--scale", help="one of the scales that the config has, instead of the one that it names")
    parser.add_argument("--out", type=Path, help="where results go, instead of the folder that the config names")
    return parser


def validated(path: Path, kind: type[Kind]) -> Kind:
    """The config of a file. Raises SystemExit with a sentence for each thing that is wrong."""
    try:
        return kind.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SystemExit(f"{path}: {error}") from error
    except ValidationError as error:
        raise SystemExit("\n".join([f"{path}:", *map(_told, error.errors())])) from error


def _told(fault: Any) -> str:
    """What is wrong with one entry, or, where it is no single one, with all together."""
    entry = ".".join(map(str, fault["loc"]))
    return f"{entry} = {fault['input']!r}: {fault['msg']}" if entry else str(fault["msg"])


def chosen(path: Path, scales: dict[str, One], name: str) -> One:
    """The scale of that name. Raises SystemExit if the config has none."""
    if name not in scales:
        raise SystemExit(f"scale {name!r} is not in {path}; it has {', '.join(scales)}.")
    return scales[name]
