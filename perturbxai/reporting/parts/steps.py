"""What a run has found so far, a file a step, from which the same run goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.calls.steps import Kept
from perturbxai.core.jsonable import DamagedError, decode, encode
from perturbxai.core.types import Floats
from perturbxai.models.meters import Meters
from perturbxai.models.predictor import Predictor
from perturbxai.reporting.manifest import ASIDE, MANIFEST, describe_file, named, plainly
from perturbxai.reporting.parts.json_files import read_json, write_json
from perturbxai.reporting.parts.ledger import RUN, roundings
from perturbxai.results.explanation import Attribution, Explanation

ANSWERS = "answers"
STEPS = ".steps"  # where steps are kept while a run goes on, a folder a section
HEAD = 1 << 16  # characters of a file that hold all that it says before its results
WHOLE = "whole.json"  # of a section that is reported


class Steps:
    """Results of a run by step: what is there is taken, what is not is worked for and then kept.

    place      the run's folder, in which that of the files is made with the first;  name: of the section
    predictor  what is asked, whose meters go on;  told: what has to be the same for a file to be taken. Runs that differ in
               it keep apart what they find
    planned    how many steps there will be, by the word that their names begin with, for who asks how far it is
    asked_row  the question that a result's `prediction` answers: a model is known again by that of the first result

    `told` says what was taken, and why not;  kept: whether there is something to go on from
    """

    def __init__(
        self, place: Path, name: str, predictor: Predictor, told: Mapping[str, Any], asked_row: Callable[[Explanation], Any],
        planned: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.predictor, self.asked_row, self.planned = predictor, asked_row, dict(planned)
        self.same = json.loads(json.dumps(told, default=plainly))
        by = hashlib.sha256(json.dumps(self.same, sort_keys=True).encode()).hexdigest()[:12]
        self.folder = place / STEPS / f"{name}-{by}"
        if not self.folder.resolve().is_relative_to(place.resolve()):
            raise ValueError(f"{place / STEPS} leads outside the folder {place}; remove the link, or give another folder.")
        self.told: list[str] = []
        self.taken = 0

    @property
    def kept(self) -> bool:
        return bool(whole_files(self.folder))

    def begin(self) -> None:
        """Say what is to be done."""
        self._keep(self.folder / RUN, {"planned": self.planned, "known_by": self.same})

    def leave(self) -> None:
        """Take the folder away if nothing was kept in it."""
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)
            with suppress(OSError):  # it holds what others have kept
                self.folder.parent.rmdir()

    def __call__(self, name: str, work: Callable[[], dict[str, Kept]], /) -> dict[str, Kept]:
        """What `work` finds, or found before under this name: results, or answers of the model."""
        path = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
        kept = self._take(path, name)
        if kept is not None:
            return kept
        before, began = self.predictor.meters, time.perf_counter()
        found = work()
        texts = _texts(found)
        if texts is not None:
            meters = list(self.predictor.since(before))
            seconds = time.perf_counter() - began
            said = {"step": name, "meters": meters, "pace": self.predictor.pace, "seconds": seconds, "results": texts}
            self._keep(path, said | {"sha256": _sum(said)})
        return found

    def _keep(self, path: Path, said: Mapping[str, Any]) -> None:
        """Write a file. A disk that is full stops no run."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(path, said)
        except OSError as error:
            told = f"not all that was found could be kept until the end: {error.strerror}"
            self.told += [told] if told not in self.told else []

    def finish(self, facts: Mapping[str, Any], report: Path) -> None:
        """Keep that all is found and reported, in a folder with a manifest."""
        self._keep(self.folder / WHOLE, {"facts": facts, "manifest": _digest(report / MANIFEST)})

    def finished(self, report: Path) -> dict[str, Any] | None:
        """What `finish` was told of it, if the report is still there; else None."""
        kept = read_json(self.folder / WHOLE)
        if kept is None or not isinstance(kept.get("facts"), dict) or kept.get("manifest") != _digest(report / MANIFEST):
            return None
        if not all(_is_there(report, one) for one in named(report)):
            return None
        self.told.append("it was finished and reported before the run was stopped")
        return dict(kept["facts"])

    def _take(self, path: Path, name: str) -> dict[str, Any] | None:
        kept = read_json(path)
        try:
            if kept is None or kept["step"] != name or kept.pop("sha256") != _sum(kept):
                return None
            found = {key: _read(text) for key, text in kept["results"].items()}
            meters, pace = Meters(*kept["meters"]), float(kept["pace"])
        except (DamagedError, KeyError, TypeError, ValueError, AttributeError):
            return None
        results = {key: one for key, one in found.items() if isinstance(one, Attribution)}
        if not self.taken and not results:  # by which the model is known again
            return None
        if not self.taken and not self._same_model(results):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.begin()
            self.told.append(
                "what an earlier run had found until it was stopped was not taken, for the model's answers are others (a "
                "factory that trains a model has to fix its seed)"
            )
            return None
        if not self.taken:
            self.told.append("it went on from what an earlier run had found until it was stopped")
        self.taken += 1
        self.predictor.account(meters)
        self.predictor.keep_pace(pace)
        return found

    def _same_model(self, found: Mapping[str, Attribution]) -> bool:
        parts = [one for result in found.values() for one in result if self._on_our_scale(one)]
        if not parts:  # maps of another score alone
            return True
        values = self.predictor(self.asked_row(parts[0]))
        now = values[0, self.predictor.select(list(parts[0].outputs), values.shape[1])]
        known = np.array([end for one in parts for end in (one.prediction, one.base) if one.outputs == parts[0].outputs])
        return bool((np.abs(now - parts[0].prediction) <= roundings(known, self.predictor.kind)).all())

    def _on_our_scale(self, one: Explanation) -> bool:
        """Whether a result's ends are what the predictor says of its rows, and no other score of the network's."""
        return bool(one.meta.get("scale") == self.predictor.output == one.meta.get("score", self.predictor.output))


@contextmanager
def begun(sections: Collection[Steps]) -> Iterator[None]:
    """A context for a run: its folders say from the beginning what is to be done, and stay only if something is kept."""
    for one in sections:
        one.begin()
    try:
        yield
    finally:
        for one in sections:
            one.leave()


def _texts(found: Mapping[str, Attribution | Floats]) -> dict[str, str] | None:
    """What was found as JSON; None where something cannot come back as it is."""
    try:
        return {
            key: one.to_json() if isinstance(one, Attribution) else json.dumps({ANSWERS: encode(one, key)})
            for key, one in found.items()
        }
    except TypeError:
        return None


def _read(text: str) -> Any:
    """What a text of `_texts` says. Raises DamagedError, or another ValueError, for others."""
    if text.startswith(f'{{"{ANSWERS}"'):
        return decode(json.loads(text)[ANSWERS], ANSWERS)
    return Attribution.from_json(text)


def whole_files(folder: Path) -> list[Path]:
    """The files of a section in which something is kept; a kill may have left another half written."""
    return [path for path in folder.glob("*.json") if path.name != RUN and not path.name.startswith(ASIDE)]


def read_head(path: Path) -> dict[str, Any]:
    """What a step's file says before its results, which are large; {} if it says none."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(HEAD)
        found = json.loads(text.partition(',\n  "results"')[0] + "}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _is_there(folder: Path, entry: Mapping[str, Any]) -> bool:
    """Whether a file is there as a manifest has it."""
    path = folder / entry["name"]
    return path.is_file() and bool(describe_file(path, folder)["sha256"] == entry["sha256"])


def _sum(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=plainly).encode()).hexdigest()


def clear_empty(place: Path) -> None:
    """Take away what runs left that were stopped before anything was kept."""
    for folder in (place / STEPS).glob("*"):
        if folder.is_dir() and not whole_files(folder):
            shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # it holds what other runs have kept
        (place / STEPS).rmdir()


def left_over(place: Path) -> str:
    """What other runs, which were stopped, have kept in a folder; "" for nothing."""
    files = [path for path in (place / STEPS).rglob("*.json") if path.is_file() and path.name != RUN]
    size = sum(path.stat().st_size for path in files) / 1e6
    told = f"{size:,.1f} MB of runs that were stopped are kept in {place / STEPS}; remove it if none is to go on"
    return told if files else ""
