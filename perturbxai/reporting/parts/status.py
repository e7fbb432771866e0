"""How a run in a folder is getting on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perturbxai.reporting.manifest import MANIFEST, named
from perturbxai.reporting.parts.json_files import read_json
from perturbxai.reporting.parts.ledger import RUN, read_parts
from perturbxai.reporting.parts.lock import holder, running
from perturbxai.reporting.parts.steps import STEPS, WHOLE, left_over, read_head, whole_files


@dataclass(frozen=True)
class Status:
    """What is done and left of a run: parts, rows of its table, and the seconds that parts took.

    finished  whether the manifest names these parts;  runs: whether somebody is at work on it, None if that cannot be told
    holder    who is, or was and ended without a word
    """

    folder: Path
    n_parts: int
    of_parts: int
    n_rows: int
    of_rows: int
    seconds: float
    model_rows: int
    finished: bool
    runs: bool | None
    holder: dict[str, Any] | None

    @property
    def rows_a_second(self) -> float:
        return self.n_rows / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the speed so far; None before there is one."""
        return (self.of_rows - self.n_rows) / self.rows_a_second if self.rows_a_second else None

    def __str__(self) -> str:
        share = 100 * self.n_rows // self.of_rows if self.of_rows else 100
        lines = [
            f"done: {self.n_rows:,} of {self.of_rows:,} rows ({share} %), in {self.n_parts:,} of {self.of_parts:,} parts"
        ]
        if self.seconds:
            speed = f"{self.rows_a_second:,.3g} rows a second, {self.model_rows / self.seconds:,.3g} of the model's"
            lines.append(f"speed: {speed}; {_duration(self.seconds)} so far")
        if self.finished:
            lines.append(f"finished: {self.folder / MANIFEST} lists all parts")
        elif self.seconds_left is not None:
            lines.append(f"left: {self.of_rows - self.n_rows:,} rows, about {_duration(self.seconds_left)}")
        return "\n".join([*lines, *_at_work(self.runs, self.holder, self.finished)])


def status(folder: str | Path) -> Status:
    """How far the run in a folder is. Raises ValueError for a folder in which `explain_to` began none."""
    place = Path(folder)
    told = read_json(place / RUN) or {}
    of_rows, part_rows = told.get("rows_of_x"), told.get("part_rows")
    if not (isinstance(of_rows, int) and isinstance(part_rows, int) and of_rows > 0 and part_rows > 0):
        what = f"it has no {RUN} of a run in parts" if place.is_dir() else "there is no such folder"
        raise ValueError(f"{str(folder)!r}: {what}. Give the folder that --out, explain_to or --results named.")
    parts = [part for part in read_parts(place) if _is_there(place / part.name, part.bytes)]
    listed = {(one["name"], one["sha256"]) for one in named(place)}
    finished = sum(part.n_rows for part in parts) == of_rows and listed == {(part.name, part.sha256) for part in parts}
    return Status(
        place, len(parts), -(-of_rows // part_rows), sum(part.n_rows for part in parts), of_rows,
        sum(part.seconds for part in parts), sum(part.model_rows for part in parts), finished, running(place), holder(place),
    )  # fmt: skip


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def told(folder: str | Path) -> str:
    """How far a run is: one into parts, or one that reports and keeps what it found until all is there.

    Raises ValueError where neither was begun.
    """
    place = Path(folder)
    runs, who, reported = running(place), holder(place), (place / MANIFEST).is_file()
    found = sorted(path for path in (place / STEPS).glob("*") if path.is_dir())
    sections = [one for one in found if not reported or _changed(one / RUN) > _changed(place / MANIFEST)]
    if (place / RUN).exists() or not (found or runs or who or reported):
        return str(status(folder))
    finished = reported and not sections
    lines = [_of_section(one) for one in sections]
    lines += [f"finished: {place / MANIFEST} lists all files"] if finished else []
    lines += [left] if finished and (left := left_over(place)) else []
    return "\n".join([*lines, *_at_work(runs, who, finished)])


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.is_file() else 0.0


def _of_section(folder: Path) -> str:
    """What a section of a run has kept so far and what is left, and at what speed it asked its model."""
    name = folder.name.rpartition("-")[0]
    if (folder / WHOLE).exists():
        return f"{name}: reported"
    kept = [read_head(path) for path in whole_files(folder)]
    kept = [one for one in kept if _is_a_step(one)]
    planned = (read_json(folder / RUN) or {}).get("planned")
    planned = planned if isinstance(planned, dict) and all(type(n) is int for n in planned.values()) else None
    rows, asked = sum(one["meters"][0] for one in kept), sum(one["meters"][2] for one in kept)
    speed = f", {rows / asked:,.3g} a second" if asked else ""
    return f"{name}: {_of_steps(planned, kept)}; {rows:,} of the model's rows{speed}"


def _is_a_step(head: Mapping[str, Any]) -> bool:
    meters, seconds = head.get("meters"), head.get("seconds", 0.0)
    numbers = [*meters[:3], seconds] if isinstance(meters, list) and len(meters) > 2 else [None]
    return all(type(one) in (int, float) for one in numbers)


def _of_steps(planned: Mapping[str, int] | None, kept: Sequence[Mapping[str, Any]]) -> str:
    """How many steps of those planned, by kind, are kept, and how long the others take at the pace of their kind."""
    seconds: dict[str, list[float]] = {}
    for one in kept:
        seconds.setdefault(str(one.get("step")).partition(" ")[0], []).append(float(one.get("seconds", 0.0)))
    so_far = sum(map(sum, seconds.values()))
    if not planned:
        return f"{len(kept):,} steps done"
    last, mean = list(planned)[-1], so_far / max(len(kept), 1)
    # of methods that were to be tried some may not work: where the last kind has begun, of the others none is left
    left = {
        kind: max(0, n - len(seconds.get(kind, ()))) for kind, n in planned.items() if kind == last or last not in seconds
    }
    to_come = sum(n * (sum(own) / len(own) if (own := seconds.get(kind)) else mean) for kind, n in left.items())
    n_left = sum(left.values())
    share = int(100 * so_far / (so_far + to_come)) if so_far else 0
    told = f"{len(kept):,} of {len(kept) + n_left:,} steps done ({share} %)"
    return told + (f", about {_duration(to_come)} left" if so_far and n_left else "")


def _at_work(runs: bool | None, who: dict[str, Any] | None, finished: bool) -> list[str]:
    """Whether somebody is at work, and what to do where nobody is."""
    if runs or runs is None:
        return [f"running: {_who(who)}" if runs else "whether it is running cannot be told: the folder is somebody else's"]
    if finished:
        return []
    left_by = f"not running: {_who(who)} ended without a word" if who else "not running"
    return [f"{left_by}; the same command goes on from here"]


def _who(who: dict[str, Any] | None) -> str:
    who = who or {}
    return f"process {who.get('process', '?')} on {who.get('host', '?')}, which began {who.get('began', '?')}"


def _duration(seconds: float) -> str:
    """
    >>> _duration(0.4), _duration(75), _duration(7300), _duration(200_000)
    ('0.4 s', '1 min 15 s', '2 h 1 min', '2 d 7 h')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"
