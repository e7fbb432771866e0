"""What an earlier report left in a folder: known by its manifest, and taken away only where it is still what was written."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
BEGUN = "manifest.json.part"  # while files change places it names all of them, and there is no manifest
ENDINGS = (".csv", ".png", ".html", ".json")  # of what a report writes
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_alone = threading.Lock()


def describe_file(path: Path, folder: Path) -> dict[str, Any]:
    """Name within the folder, bytes and SHA-256."""
    data = path.read_bytes()
    name = path.relative_to(folder).as_posix()
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def named(place: Path) -> list[dict[str, Any]]:
    """Every file that the manifests in a folder name, also that of a report which broke off: name, bytes and SHA-256."""
    found = []
    for path in (place / MANIFEST, place / BEGUN):
        with contextlib.suppress(OSError, ValueError):  # none, or not one of ours: then nothing is known
            told = None if path.is_symlink() else json.loads(path.read_text("utf-8"))
            entries = told.get("files") if isinstance(told, dict) else None
            found += [one for one in entries if _is_entry(one)] if isinstance(entries, list) else []
    return found


def _is_entry(one: object) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(key), str) for key in ("name", "sha256"))


def remove(place: Path, entry: Mapping[str, Any]) -> bool:
    """Delete a file that a manifest names, if it is still the one that a report wrote there; whether it did.

    Anyone may have written a manifest: a name that leads out of the folder or over a link, one that no report gives, and a
    file that is another by now are left alone.
    """
    parts = entry["name"].split("/")
    if len(parts) > 2 or not all(map(NAME.fullmatch, parts)) or not parts[-1].endswith(ENDINGS):
        return False
    path = place.joinpath(*parts)
    try:
        if path.parent.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            return False
        if describe_file(path, place)["sha256"] != entry["sha256"]:
            return False
        path.unlink()
    except OSError:  # gone already, or not ours to delete
        return False
    if len(parts) > 1:
        with contextlib.suppress(OSError):  # a section's folder goes once it is empty
            path.parent.rmdir()
    return True


@contextlib.contextmanager
def alone(place: Path) -> Iterator[None]:
    """Nobody else puts files in their places in this folder meanwhile: no thread of ours, and where locks are no process."""
    with _alone:
        handle = None
        try:
            import fcntl

            handle = os.open(place, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except (ImportError, OSError):  # other systems, and disks without locks
            pass
        try:
            yield
        finally:
            if handle is not None:
                os.close(handle)
