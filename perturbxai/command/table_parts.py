"""`perturbxai explain --out`: rows of a table of any size, from files into files, a block at a time."""

import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.calls.workers import travelling
from perturbxai.command.as_written import HEAD, as_written, marks_of_several
from perturbxai.command.config import BOOSTED, Config, Naming, TableConfig
from perturbxai.command.table import Table, left_out_of, numbers_of, read_table
from perturbxai.command.table_files import NEEDED, dated, numbered, read_file
from perturbxai.command.table_part import (
    model_of,
    model_of_name,
    one_of_two,
    predictor_and_space,
    taken,
    told_of,
    with_features,
)
from perturbxai.command.user_model import Made, tell
from perturbxai.core.types import Foreign, Frame, Ints
from perturbxai.game.game import Game
from perturbxai.reporting.parts.blocks import Blocks, as_blocks, files_of, of_files, with_numbers
from perturbxai.reporting.parts.explain_to import StaleLock, explain_to, features
from perturbxai.reporting.parts.lock import by, holder, running
from perturbxai.reporting.parts.text_files import Spelling

SAMPLED = 50_000  # rows of which the background is drawn where there are more
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
MOST_LEVELS = 1000  # of a column of words, a row of each of which is among these


@dataclass(frozen=True)
class Target:
    """Where and how the parts are written, and the files of the table where the command names several."""

    out: str
    format: str
    part_rows: int
    files: tuple[str, ...]


def explain_parts(config: Config, target: Target, progress: bool, naming: Naming) -> Path:
    """Explain the rows of a section's table into files, and go on where an earlier run was stopped. Returns the folder.

    The table is read in blocks. Of more than 50,000 rows as many drawn ones are held, of which the background is taken, and
    all of them while a model is made that asks for them. Raises as `explain_to`, in the user's own words.
    """
    section = config.table
    assert section is not None  # the command saw to that
    section, told = written(section, target, naming)
    source = _Source(section, target, naming)
    blocks = source.blocks
    model, facts, of_model = source.model()
    predictor, space = predictor_and_space(section, model, source.sample(config.seed), config.seed, progress, naming)
    section, of_outputs = one_of_two(section, model, predictor, naming)
    if section.inputs is not None:
        blocks = blocks.only(numbers_of(section, blocks.n_rows, naming))
        blocks = replace(blocks, told=dict(blocks.told) | {"inputs": section.inputs})
    first = features(space, next(blocks.of(1)))
    methods, left_out = taken(section, Game(predictor, space, first, section.outputs), config.seed)
    if not methods:
        raise ValueError("; ".join(f"{name}: {why}" for name, why in left_out.items()))
    if progress:
        tell([*told, *of_model, *of_outputs, *told_of(left_out)])
    # workers do not find a model's module by its name where it lies in the current folder alone
    with travelling(os.getcwd()) if section.jobs else nullcontext(), warnings.catch_warnings():
        warnings.simplefilter("ignore", StaleLock)
        if (left_by := holder(Path(target.out))) and progress and not running(Path(target.out)):
            print(f"perturbxai: an earlier run{by(left_by)}, ended without a word; its parts are taken", file=sys.stderr)
        return explain_to(
            target.out, methods, predictor, space, blocks, outputs=section.outputs, budget=section.budget, seed=config.seed,
            n_jobs=section.jobs, format=target.format, part_rows=target.part_rows, known_by=facts.get("model", {}),
        )  # fmt: skip


def written(section: TableConfig, target: Target, naming: Naming) -> tuple[TableConfig, list[str]]:
    """The section with what its one file says of how it is written; of several, the marks that all of them show."""
    files = target.files or (section.data,)
    if len(files) == 1 and Path(files[0]).is_file():
        return as_written(section, naming)
    try:
        return marks_of_several(section, files_of(list(files)), naming)
    except ValueError:  # which is told when they are read
        return section, []


class _Source:
    """The table of a section: in blocks, a sample of it, and all of it where a model is made of that."""

    def __init__(self, section: TableConfig, target: Target, naming: Naming) -> None:
        self.section, self.files, self.naming = section, target.files or (section.data,), naming
        self.left_out: list[str] = []

    @cached_property
    def blocks(self) -> Blocks:
        """Raises ValueError for files that cannot be read, and columns that are not there."""
        section, key = self.section, self.naming("table.data")
        if len(self.files) > 1 and (section.data == "diabetes" or _is_workbook(self.files)):
            raise ValueError(f"{key} names {len(self.files)} files, but several are of Parquet or text; give one workbook.")
        words = {*section.text, *section.category, *([section.label] if section.label else [])}
        spelling = Spelling(
            frozenset(section.text), None, frozenset(words), frozenset(),
            section.separator, section.decimal or ".", section.encoding or "utf-8",
        )  # fmt: skip
        if section.data == "diabetes":
            found = as_blocks(self._ready.X)
        elif _is_workbook(self.files):  # which is no large table
            found = as_blocks(read_file(section, self.naming))
        else:
            found = self._of_files(key, spelling)
        known = [str(name) for name in found.like.columns]
        # pandas' name for an index without one
        self.left_out = [*left_out_of(section, known, self.naming), *filter(UNNAMED_INDEX.fullmatch, known)]
        return found

    def _of_files(self, key: str, spelling: Spelling) -> Blocks:
        try:
            paths = files_of(list(self.files))
        except ValueError as error:
            raise ValueError(f"{key}: {str(error).removeprefix('x=')}") from error
        heads = [read_file(self.section.model_copy(update={"data": str(path)}), self.naming, HEAD) for path in paths]
        carried = {*self.section.drop, *([self.section.label] if self.section.label else [])} & set(heads[0].columns)
        try:
            return self._with_text(of_files(paths, replace(spelling, text=spelling.text | carried)))
        except ValueError as error:
            told = str(error)
            raise ValueError(f"{key}: {told[2:].lstrip()}" if told[:2] in ("x=", "x:") else f"{key}: {told}") from error

    def _with_text(self, found: Blocks) -> Blocks:
        """The same with the columns that are to be text as text, also where a file has numbers; dates and numbers."""
        text = [name for name in self.section.text if name in found.types]
        dates = [name for name in self.section.date if name in found.like.columns]
        numbers = [name for name in self.section.number if name in found.like.columns]
        if not (text or dates or numbers):
            return found

        def spelt(frame: Frame) -> Frame:
            new = {name: frame[name].map(str, na_action="ignore") for name in text}
            key, of_number = self.naming("table.date"), self.naming("table.number")
            new |= {name: dated(frame[name], f"{key} = {name!r}") for name in dates}
            new |= {name: numbered(frame[name], self.section.decimal, f"{of_number} = {name!r}") for name in numbers}
            return frame.assign(**new)

        types = {name: kind for name, kind in found.types.items() if name not in (*text, *dates, *numbers)}
        return replace(found, read=lambda: map(spelt, found.read()), types=types)

    @cached_property
    def _ready(self) -> Table:
        """The table that comes with a target of its own."""
        return read_table(self.section, self.naming)

    def whole(self) -> tuple[Frame, Foreign | None]:
        """X and y, all of them; no y where nothing is called the target."""
        import pandas as pd

        if self.section.data == "diabetes":
            return self._ready.X.copy(), self._ready.y
        frame, target = pd.concat(self.blocks.read(), ignore_index=True), self.section.target
        return self._columns(frame), None if target is None else frame[target]

    def _columns(self, frame: Frame) -> Frame:
        """The columns that are explained."""
        return with_numbers(frame.drop(columns=self.left_out)).astype(dict.fromkeys(self.section.category, "category"))

    def sample(self, seed: int) -> Frame:
        """Rows of which the background is drawn: all, or so many at random and one of each word of a column of words."""
        import pandas as pd

        n_rows = self.blocks.n_rows
        if n_rows <= SAMPLED:
            return self._columns(pd.concat(self.blocks.of(SAMPLED)))
        drawn = np.random.default_rng(seed).choice(n_rows, SAMPLED, replace=False)
        wanted = np.union1d(drawn, self._first_rows())
        return self._columns(pd.concat(self.blocks.only(wanted).of(SAMPLED)))

    def _first_rows(self) -> Ints:
        """Numbers of the rows in which a word of a column first stands, so that the space knows it."""
        known: dict[str, set[Any]] = {}
        found: list[Ints] = []
        for block in self.blocks.of(SAMPLED):
            for name, column in block.drop(columns=self.left_out).items():
                seen = known.setdefault(str(name), set())
                if column.dtype.kind in "biufmM" or len(seen) > MOST_LEVELS:
                    continue
                new = column[~column.duplicated() & ~column.isin(seen)]
                seen.update(new)
                found.append(new.index.to_numpy())
        return np.concatenate([np.empty(0, dtype=np.int64), *found])

    def model(self) -> Made:
        """The model, made of all rows where it wants them."""
        wanted = _WhenWanted(self)
        if self.section.model != BOOSTED:
            return model_of_name(self.section, wanted, self.naming)
        whole = with_features(self.section, Table(wanted["X"], wanted.get("y"), wanted["X"]), self.naming)
        self.left_out += [name for name in wanted["X"] if name not in whole.X]
        made = model_of(self.section, whole.X, whole.y, self.naming)
        return made._replace(told=(*whole.told, *made.told))


def _is_workbook(files: Sequence[str]) -> bool:
    return any(NEEDED.get(Path(one).suffix.lower(), "pyarrow") != "pyarrow" for one in files)


class _WhenWanted(Mapping[str, Any]):
    """X and y, read whole when a model's factory takes them."""

    def __init__(self, source: _Source) -> None:
        self.source = source

    def __iter__(self) -> Iterator[str]:
        section = self.source.section
        return iter(("X",) if section.target is None and section.data != "diabetes" else ("X", "y"))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, name: str) -> Any:
        return self._whole[name]

    @cached_property
    def _whole(self) -> dict[str, Any]:
        return dict(zip(("X", "y"), self.source.whole(), strict=True))
