"""How far a run in a folder came: what it is, a line for each part that is done, and a lock while it goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.reporting.manifest import MANIFEST, plainly
from perturbxai.reporting.parts.json_files import read_json, write_json

PARTS = "parts"  # the folder of the part files, which readers of Parquet take as one table
RUN, DONE = "run.json", "progress.jsonl"
SHOWN = 4  # differences in an error
ANSWERS = "answers"
SINGLE, DOUBLE = 1e-5, 1e-9  # of the spread of a model's answers: rounding of networks and functions, and of estimators
FINEST = 1e-6  # of the largest answer: where all answers are alike there is no spread


@dataclass(frozen=True)
class Part:
    """A part that is done.

    rows  (first, behind the last) of those asked;  x: digest of them;  pace: seconds a row of the model, as fits saw it
    said  (K,) what the model said of the first of them
    """

    number: int
    name: str
    rows: tuple[int, int]
    bytes: int
    sha256: str
    x: str
    model_rows: int
    model_seconds: float
    seconds: float
    pace: float
    said: tuple[float, ...]

    @property
    def n_rows(self) -> int:
        return self.rows[1] - self.rows[0]

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        return cls(**{**told, "rows": tuple(told["rows"]), "said": tuple(told["said"])})


def part_name(number: int, ending: str) -> str:
    """Where a part lies in its run's folder.

    >>> part_name(7, "parquet")
    'parts/part-000007.parquet'
    """
    return f"{PARTS}/part-{number:06d}.{ending}"


class Ledger:
    """The book of a run in a folder: `run.json` says what it is, `progress.jsonl` which parts are whole.

    A part counts once its line is on the disk, which is after its file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parts: dict[int, Part] = {}

    def begin(self, told: Mapping[str, Any]) -> None:
        """Say what the run is; or, where one is begun here, see that it is this one, and take what it has done.

        told  what has to be the same; `answers` are numbers of the model's, which are compared but for rounding
        Raises ValueError that tells what differs.
        """
        told = json.loads(json.dumps(told, default=plainly))
        known = read_json(self.folder / RUN)
        self._check_place(known)
        if known is None:
            write_json(self.folder / RUN, told)
            (self.folder / PARTS).mkdir(exist_ok=True)
            return
        differ = [*differences(_but_answers(known), _but_answers(told)), *_of_answers(known, told)]
        if differ:
            raise ValueError(
                f"folder={str(self.folder)!r} holds parts of another run: {'; '.join(differ[:SHOWN])}"
                + (f"; and {len(differ) - SHOWN} more" if len(differ) > SHOWN else "")
                + ". Give another folder, or remove this one to begin anew."
            )
        self._take()

    def _check_place(self, known: Mapping[str, Any] | None) -> None:
        """Refuse a folder that holds something else, and links that lead out of it."""
        place = f"folder={str(self.folder)!r}"
        if known is None and ((self.folder / MANIFEST).exists() or read_parts(self.folder)):
            raise ValueError(f"{place} holds a report, or parts of which nothing says what they are; give another folder.")
        if not (self.folder / PARTS).resolve().is_relative_to(self.folder):
            raise ValueError(f"{place}: {PARTS} leads outside the folder; remove the link, or give another folder.")

    def _take(self) -> None:
        """Parts that are whole; the line that was being written when it ended is cut off."""
        (self.folder / PARTS).mkdir(exist_ok=True)
        path = self.folder / DONE
        if path.is_file():
            whole = path.read_bytes()
            with path.open("r+b") as file:
                file.truncate(whole.rfind(b"\n") + 1)
        self.parts = {p.number: p for p in read_parts(self.folder) if intact(self.folder, p)}

    def add(self, part: Part) -> None:
        """Note a part as done, its file being in its place."""
        with (self.folder / DONE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(part)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.parts[part.number] = part


def read_parts(folder: Path) -> list[Part]:
    """The parts that lines tell of, each once, in order. A line that is no whole one is left out."""
    found: dict[int, Part] = {}
    with contextlib.suppress(FileNotFoundError):
        for line in (folder / DONE).read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError):
                part = Part.read(json.loads(line))
                found[part.number] = part
    return [found[number] for number in sorted(found)]


def intact(folder: Path, part: Part) -> bool:
    """Whether a part's file is the one that its line tells of, and lies where parts lie."""
    path = folder / part.name
    try:
        if part.name != part_name(part.number, path.suffix[1:]):
            return False
        if path.stat().st_size != part.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == part.sha256
    except OSError:
        return False


def _but_answers(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != ANSWERS}


def _of_answers(known: Any, told: Any) -> Iterator[str]:
    """By how much the model's answers are others, if it is more than rounding in single precision."""
    before, now = (np.asarray(one.get(ANSWERS), dtype=np.float64) for one in (known, told))
    if before.shape == now.shape and before.size and known.get("background") == told.get("background"):
        furthest = np.abs(before - now).max(axis=0)
        if (furthest > roundings(before, told.get("plan", {}).get("kind", ""))).any():
            yield (
                f"the model's answers at the background rows are others, by up to {furthest.max():.3g} (a factory that "
                "trains a model has to fix its seed)"
            )


def roundings(answers: Floats, kind: str) -> Floats:
    """(K,): by how much a model of a kind may answer otherwise on another machine, by its answers (B, K)."""
    spread = np.maximum(np.ptp(answers, axis=0), FINEST * np.abs(answers).max(axis=0))
    return np.asarray((DOUBLE if kind == "estimator" else SINGLE) * spread)


def differences(known: Any, told: Any, key: str = "") -> Iterator[str]:
    """What two runs are told apart by, a dotted key each."""
    if isinstance(known, dict) and isinstance(told, dict):
        for name in [*known, *(name for name in told if name not in known)]:
            yield from differences(known.get(name), told.get(name), f"{key}.{name}" if key else name)
    elif known != told:
        yield f"{key} is {_short(known)} there and {_short(told)} here"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
