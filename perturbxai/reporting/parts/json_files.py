"""Files that are whole or not there: down to the disk, and then in their place."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturbxai.reporting.manifest import ASIDE, plainly


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, None where there is none, or none that is whole."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, said: Mapping[str, Any]) -> None:
    """Write a JSON object whole or not at all."""
    half = path.with_name(f"{ASIDE}{path.name}")
    try:
        half.write_text(json.dumps(said, indent=2, default=plainly, ensure_ascii=False) + "\n", encoding="utf-8")
        sync(half)
        os.replace(half, path)
        sync(path.parent)
    finally:
        half.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """See that a file, or a folder's list of files, is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:  # a folder, where folders cannot be opened
        return
    try:
        os.fsync(handle)
    except OSError:  # a disk that has no such thing
        if path.is_file():
            raise
    finally:
        os.close(handle)
