"""A folder that nothing is written outside of, and the manifest that is written last: it is there, so all is there."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Self

MANIFEST = "manifest.json"
BEGUN = "manifest.json.part"  # while files change places it names all of them, and there is no manifest
ENDINGS = (".csv", ".png", ".html", ".json")  # of what a report writes
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_alone = threading.Lock()
SCHEMA = 1
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # of a disk, of a quota, of a file
ASIDE = ".unfinished-"  # begins the names of what is being written


class Folder:
    """A results folder: makes names harmless, refuses every path outside, and holds one report at a time.

    In a `with` block files are written aside, into a folder of their own in this one. `finish` puts them in their places,
    takes away what an older manifest names and nothing else, and writes the manifest. Until then the older report stays as
    it is, also where the block breaks off. Of two at once the later one stays, whole.
    Raises ValueError if the place is a file.
    """

    def __init__(self, place: str | Path) -> None:
        self.place = Path(place).resolve()
        if self.place.exists() and not self.place.is_dir():
            raise ValueError(f"folder={str(place)!r} is a file; give a folder, which is made if it is not there.")
        self._made = not self.place.exists()
        self.place.mkdir(parents=True, exist_ok=True)
        self.written: list[Path] = []
        self._inner: list[Path] = []
        self._aside: Path | None = None

    def __enter__(self) -> Self:
        self._aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=self.place))
        return self

    def __exit__(self, *failure: object) -> None:
        assert self._aside is not None
        shutil.rmtree(self._aside, ignore_errors=True)
        self._aside = None
        if self._made:
            with contextlib.suppress(OSError):  # it holds something: it stays
                self.place.rmdir()
        error = failure[1]
        if isinstance(error, OSError) and error.errno in FULL:
            raise OSError(
                error.errno,
                f"{error.strerror}: the report could not be written, and an older one is as it was. Free some space there, "
                "or take another folder; the results themselves are still in memory",
                str(self.place),
            ) from error

    def new(self, name: str, ending: str) -> Path:
        """Where to write a file of this name, which may be anything a user called a method or a fill."""
        stem = plain(name)
        taken = {path.name for path in self.written}
        number = 1
        while f"{stem}{ending}" in taken:
            number += 1
            stem = f"{plain(name)}_{number}"
        path = self.place / f"{stem}{ending}"
        self._check(path)
        if path.is_dir():
            raise ValueError(f"{path} is a folder, and a file of that name is to be written; remove it, or choose another.")
        self.written.append(path)
        return self._now(path)

    def clear(self, name: str) -> None:
        """Take away what an earlier report wrote in a folder in this one, as far as it is still that."""
        inner = self.place / plain(name)
        own = [describe_file(inner / MANIFEST, inner)] if (inner / MANIFEST).is_file() else []
        for one in [*named(inner), *own]:
            remove(self.place, one | {"name": f"{inner.name}/{one['name']}"})

    def inner(self, name: str) -> Path:
        """A folder in this one, for a report of its own. Raises ValueError if a link of that name leads elsewhere."""
        path = self.place / plain(name)
        self._check(path)
        self._inner.append(path)
        return path

    def _now(self, path: Path) -> Path:
        return path if self._aside is None else self._aside / path.name

    def now(self, ending: str) -> list[Path]:
        """Where the files of this ending that were written are at this moment, in their order."""
        return [self._now(path) for path in self.written if path.suffix == ending]

    def _check(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.place):
            raise ValueError(f"{path} leads outside the folder {self.place}; remove the link, or choose another folder.")

    def files(self) -> list[dict[str, Any]]:
        """Name, size and SHA-256 of every file written, also by the reports within, by name."""
        own = [describe_file(self._now(path), self._aside or self.place) for path in self.written]
        for folder in self._inner:
            own += [one | {"name": f"{folder.name}/{one['name']}"} for one in named(folder)]
            if (folder / MANIFEST).is_file():
                own.append(describe_file(folder / MANIFEST, self.place))
        return sorted(own, key=lambda one: str(one["name"]))

    def begin(self) -> None:
        """From here on an older manifest does not say what is here: it is kept under another name until `finish`."""
        with alone(self.place):
            self._begin([])

    def _begin(self, more: Sequence[dict[str, Any]]) -> None:
        self._write(BEGUN, {"schema": SCHEMA, "unfinished": True, "files": [*named(self.place), *more]})
        (self.place / MANIFEST).unlink(missing_ok=True)

    def finish(self, facts: Mapping[str, Any]) -> Path:
        """Put all files in their places, take away those that an older manifest names, and write the new one whole."""
        files = self.files()
        with alone(self.place):
            self._begin(files)
            stays = {one["name"] for one in files}
            for one in named(self.place):
                if one["name"] not in stays:
                    remove(self.place, one)
            for path in self.written:
                os.replace(self._now(path), path)
            self._made = False
            path = self._write(MANIFEST, {"schema": SCHEMA, **facts, "files": files})
            (self.place / BEGUN).unlink(missing_ok=True)
        return path

    def _write(self, name: str, said: Mapping[str, Any]) -> Path:
        half = (self._aside or self.place) / f"{ASIDE}{uuid.uuid4().hex}"
        try:
            half.write_text(json.dumps(said, indent=2, default=plainly, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(half, self.place / name)
        finally:
            half.unlink(missing_ok=True)
        return self.place / name


def check_place(place: str | Path, called: str) -> None:
    """Refuse a folder that cannot be written, by writing in it: before work is done for it. Nothing is left there.

    called  how the error calls it, up to its name. Raises ValueError
    """
    if not isinstance(place, (str, Path)) or not str(place):
        raise ValueError(f"{called}{place!r} is no folder; give a path.")
    made: list[Path] = []
    try:
        folder = Path(place).resolve()
        way = [folder, *folder.parents]
        nearest = next(p for p in way if p.exists())
        if not nearest.is_dir():
            raise ValueError(f"{nearest} is a file; give a folder, which is made if it is not there.")
        if (folder / MANIFEST).is_dir():
            raise ValueError(f"{folder / MANIFEST} is a folder, and a file of that name is to be written; remove it.")
        for path in reversed(way[: way.index(nearest)]):
            with contextlib.suppress(FileExistsError):  # another run made it meanwhile
                path.mkdir()
                made.append(path)
        with tempfile.NamedTemporaryFile(prefix=ASIDE, dir=folder) as file:
            file.write(b"0")
            file.flush()
    except (OSError, ValueError) as error:
        why = f"it may not be written to ({error.strerror}); give another folder." if isinstance(error, OSError) else error
        raise ValueError(f"{called}{str(place)!r}: {why}") from error
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # somebody else uses it by now
                path.rmdir()


def plain(name: str) -> str:
    """A file name of letters, digits, dots, dashes and underscores that starts with none of the signs.

    >>> plain("../../x<script>")
    'x_script'
    """
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")
    return kept[:80] or "unnamed"


def facts(results: Mapping[str, Any], call: Mapping[str, Any] | None = None, config: object = None) -> dict[str, Any]:
    """What the results themselves know of their making: versions, seeds, plan, rows and seconds. call: of compare."""
    metas = {name: one.meta for name, one in results.items()}
    versions: dict[str, str] = {}
    for meta in metas.values():
        versions |= meta.get("versions", {})
    for package in ("matplotlib", "pandas", "perturbxai"):
        try:
            versions.setdefault(package, version(package))
        except PackageNotFoundError:
            versions.setdefault(package, "not installed")
    found: dict[str, Any] = {
        "versions": versions,
        "seeds": sorted({meta["seed"] for meta in metas.values() if meta.get("seed") is not None}),
        "config": config,
        "plan": next((meta["plan"] for meta in metas.values() if meta.get("plan")), None),
        "methods": {name: _cost(meta) for name, meta in metas.items()},
    }
    if call is not None:
        found["compare"] = dict(call)
    return found


def _cost(meta: Mapping[str, Any]) -> dict[str, Any]:
    kept = (
        "rows", "seconds", "rows_shared_with", "fill", "background", "segments", "score", "layer", "listed", "outputs_kept",
    )  # fmt: skip
    return {key: meta[key] for key in kept if key in meta}


def plainly(value: object) -> object:
    """numpy's numbers and arrays, tuples of them, sets and paths, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return sorted(value) if isinstance(value, (set, frozenset)) else str(value)


# ---------------------------------------------------------------------------------------------- what an earlier report left


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
            kept = None if path.is_symlink() else json.loads(path.read_text("utf-8"))
            entries = kept.get("files") if isinstance(kept, dict) else None
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
