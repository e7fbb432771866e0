"""A folder that nothing is written outside of, and the manifest that is written last: it is there, so all is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
SCHEMA = 1


class Folder:
    """A results folder: makes names harmless, refuses every path outside, remembers what was written.

    An old manifest is taken away first, so that a run which breaks off leaves none.
    Raises ValueError if the place is a file.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = Path(place).resolve()
        if self.place.exists() and not self.place.is_dir():
            raise ValueError(f"folder={str(place)!r} is a file; give a folder, which is made if it is not there.")
        self.place.mkdir(parents=True, exist_ok=True)
        self.written: list[Path] = []
        (self.place / MANIFEST).unlink(missing_ok=True)

    def new(self, name: str, ending: str) -> Path:
        """A path in the folder for a file of this name, which may be anything a user called a method or a fill."""
        stem = plain(name)
        taken = {path.name for path in self.written}
        number = 1
        while f"{stem}{ending}" in taken:
            number += 1
            stem = f"{plain(name)}_{number}"
        path = self.place / f"{stem}{ending}"
        self._check(path)
        self.written.append(path)
        return path

    def inner(self, name: str) -> Path:
        """A folder in this one. Raises ValueError if a link of that name leads elsewhere."""
        path = self.place / plain(name)
        self._check(path)
        return path

    def _check(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.place):
            raise ValueError(f"{path} leads outside the folder {self.place}; remove the link, or choose another folder.")

    def files(self) -> list[dict[str, Any]]:
        """Name, size and SHA-256 of every file written, by name."""
        return [describe_file(path, self.place) for path in sorted(self.written)]

    def finish(self, facts: Mapping[str, Any]) -> Path:
        """Write the manifest whole or not at all."""
        written = {"schema": SCHEMA, **facts, "files": self.files()}
        path = self.place / MANIFEST
        half = self.new(MANIFEST, ".part")
        half.write_text(json.dumps(written, indent=2, default=plainly, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(half, path)
        return path


def plain(name: str) -> str:
    """A file name of letters, digits, dots, dashes and underscores that starts with none of the signs.

    >>> plain("../../x<script>")
    'x_script'
    """
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")
    return kept[:80] or "unnamed"


def describe_file(path: Path, folder: Path) -> dict[str, Any]:
    """Name within the folder, bytes and SHA-256."""
    data = path.read_bytes()
    name = path.relative_to(folder).as_posix()
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def facts(results: Mapping[str, Any], compared: Any = None, config: Any = None) -> dict[str, Any]:
    """What the results themselves know of their making: versions, seeds, plan, rows and seconds."""
    metas = {name: one.meta for name, one in results.items()}
    versions: dict[str, str] = {}
    for meta in metas.values():
        versions |= meta.get("versions", {})
    for package in ("matplotlib", "pandas", "perturbxai"):
        versions.setdefault(package, _version(package))
    told: dict[str, Any] = {
        "versions": versions,
        "seeds": sorted({meta["seed"] for meta in metas.values() if meta.get("seed") is not None}),
        "config": config,
        "plan": next((meta["plan"] for meta in metas.values() if meta.get("plan")), None),
        "methods": {name: _cost(meta) for name, meta in metas.items()},
    }
    if compared is not None:
        told["compare"] = dict(compared.call)
    return told


def _cost(meta: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "rows", "seconds", "rows_shared_with", "fill", "background", "segments", "score", "layer", "listed", "outputs_kept",
    )  # fmt: skip
    return {key: meta[key] for key in kept if key in meta}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def plainly(value: Any) -> Any:
    """numpy's numbers and arrays, tuples of them, sets and paths, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)
