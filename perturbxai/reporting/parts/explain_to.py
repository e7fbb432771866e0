"""explain_to(): the rows of a table of any size, explained block by block into files that are written once."""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perturbxai.calls.arguments import AnyModel, AnySpace, asked
from perturbxai.calls.explain import explain, prepared
from perturbxai.calls.sent_once import sent_once
from perturbxai.calls.workers import check_n_jobs
from perturbxai.core import checks
from perturbxai.core.methods import Explainer
from perturbxai.core.stopping import note
from perturbxai.core.types import Frame, Outputs, Source
from perturbxai.core.wording import quoted
from perturbxai.inputs.spaces import TabularSpace
from perturbxai.models.meters import Meters
from perturbxai.models.predictor import Predictor
from perturbxai.models.progress import Bar
from perturbxai.reporting.manifest import FULL, MANIFEST, SCHEMA, check_place, plainly
from perturbxai.reporting.parts.blocks import Blocks, arrow_parquet, as_blocks, with_numbers
from perturbxai.reporting.parts.identity import digest_of_rows, of_model, of_space, of_what_computes, spelled
from perturbxai.reporting.parts.json_files import read_json, write_json
from perturbxai.reporting.parts.ledger import ANSWERS, Ledger, Part, part_name, roundings
from perturbxai.reporting.parts.lock import alone_in, by
from perturbxai.reporting.parts.part_files import FORMATS, frame_of, schema_of, write_part
from perturbxai.reporting.parts.text_files import MISSING, Spelling

PART_ROWS = 1000
COLUMNS = "columns.json"  # what stands in the columns of the parts
ASKED = 100  # background rows by whose answers a model is known again
KEPT = "what was finished is in"  # begins the note on what stopped a run


def explain_to(
    folder: str | Path,
    methods: str | Explainer | Sequence[str | Explainer],
    predictor: AnyModel,
    space: AnySpace,
    x: Source | Blocks,
    *,
    outputs: Outputs | None = None,
    budget: int | None = None,
    rows: int | None = None,
    tol: float | None = None,
    design: str = "drawn",
    seed: int = 0,
    n_jobs: int | None = None,
    format: str = "parquet",
    part_rows: int = PART_ROWS,
    known_by: Mapping[str, Any] | None = None,
) -> Path:
    """Explain the rows of a table that may not fit in memory, into files, and go on where an earlier run was stopped.

    folder     gets `parts/part-000000.parquet` and so on, each written aside and moved to its place when it is on the disk;
               `manifest.json` last, with the columns' meanings and units and each file's SHA-256. Made if it is not there
    x          a table as `explain` takes it; a path, a folder, a pattern or a list of Parquet files or of text files (.csv,
               .tsv, compressed or not); a pyarrow Dataset; a DataFrame of dask. It is read in blocks. Columns that the
               space does not have, such as ids, are carried along
    format     "parquet" or "csv";  part_rows: rows a part, which is what memory holds and what a kill can cost
    known_by   what else has to be the same for parts of an earlier run to be taken, such as the version of a model
    methods, predictor, space, outputs, budget, rows, tol, design, seed, n_jobs  as of `explain`. Of more than 20 outputs
               those are kept that are highest at the first row

    A line is a row, method and output: `row`, `method`, `output`, `base`, `prediction`, the row's own columns as x_NAME, and
    value_PLAYER, stderr_PLAYER, df, critical. `pandas.read_parquet(folder / "parts")` reads all.

    The same call into the same folder takes the parts that are whole and makes the others: the files are those of a run that
    was never stopped, byte by byte, of a model that answers alike. It is refused, and told why, where the methods, the
    options, the background, the model's answers on it, versions, or the rows differ. What fits are worth is decided once, by
    the model's pace, and kept. While it runs it holds a lock, and another run into the folder is refused.

    Returns the folder. Raises as `explain`; ValueError besides for a folder that holds another run, and x without rows. What
    stops a run carries a note that says how far it came.

    >>> import numpy as np, os, tempfile, perturbxai as px, pandas as pd
    >>> X = np.random.default_rng(0).normal(size=(6, 2))
    >>> model, space = px.Predictor(lambda X: X[:, 0] + X[:, 1]), px.TabularSpace(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = px.explain_to(folder, "kernel_shap", model, space, X, format="csv", part_rows=4)
    ...     sorted(os.listdir(os.path.join(folder, "parts")))
    ['part-000000.csv', 'part-000001.csv']
    """
    checks.one_of("format", format, FORMATS)
    part_rows = checks.whole("part_rows", part_rows, 1, of="rows")
    if format == "parquet":
        arrow_parquet()
    predictor, space = asked(predictor, space)
    if not isinstance(space, TabularSpace):
        raise TypeError(
            f"space is a {type(space).__name__}; explain_to writes the rows of tables. Give explain the pictures, and each "
            "result's to_json()."
        )
    given: dict[str, Any] = {"budget": budget, "rows": rows, "tol": tol, "design": design, "seed": seed}
    blocks = x if isinstance(x, Blocks) else as_blocks(x, spelling(space), space.columns.names)
    first = features(space, next(blocks.of(1)))
    check_n_jobs(n_jobs)
    prepared(methods, predictor, space, first, outputs=outputs, **given)
    check_place(folder, "folder=")
    place = Path(folder).resolve()
    with alone_in(place) as left_by:
        if left_by is not None:
            warnings.warn(
                StaleLock(f"an earlier run{by(left_by)}, ended without a word; its parts are taken."), stacklevel=2
            )
        run = _Run(Ledger(place), blocks, methods, predictor, space, given, n_jobs, format, part_rows)
        run.begin(first, outputs, known_by)
        with explained_disk(place), sent_once():
            run.go()
            run.finish()
    return place


class StaleLock(UserWarning):
    """An earlier run into the folder ended without a word, as one does that is killed."""


def spelling(space: TabularSpace) -> Spelling:
    """How a text file is read so that its columns are what the space has: words, also where they read as numbers; dates."""
    import pandas as pd

    by_name = dict(zip(space.columns.names, space.columns.codecs, strict=True))
    words = {name: [one for one in codec.levels if not pd.isna(one)] for name, codec in by_name.items()
             if codec.stored_as == "levels"}  # fmt: skip
    text = [name for name, levels in words.items() if levels and all(isinstance(one, str) for one in levels)]
    return Spelling(
        frozenset(text), frozenset(space.columns.names), frozenset(name for name in text if set(words[name]) & set(MISSING)),
        frozenset(name for name, codec in by_name.items() if codec.stored_as == "moments"),
    )  # fmt: skip


def features(space: TabularSpace, block: Frame) -> Any:
    """The columns of a block that the model takes, under the names that the space has for them. Raises ValueError."""
    by_name = {str(name): name for name in block.columns}
    if missing := [name for name in space.columns.names if name not in by_name]:
        way = "" if space.columns.frame else " The space is of an array; build it from a table with these names."
        raise ValueError(f"x lacks the feature(s) {quoted(missing, 8)}; it has {quoted(list(by_name), 12)}.{way}")
    if len(by_name) < block.shape[1]:
        twice = next(name for name in map(str, block.columns) if [str(one) for one in block.columns].count(name) > 1)
        raise ValueError(f"x has the column {twice!r} twice; column names must be unique.")
    found = with_numbers(block[[by_name[name] for name in space.columns.names]])
    return found.set_axis(list(space.columns.labels), axis=1) if space.columns.frame else found.to_numpy()


@dataclass
class _Run:
    """One call: what it is about, and the work on the parts that are not there yet.

    first  the first row;  options: of `explain`, without outputs and workers
    """

    ledger: Ledger
    blocks: Blocks
    methods: Any
    predictor: Predictor
    space: TabularSpace
    options: dict[str, Any]
    n_jobs: int | None
    format: str
    part_rows: int

    def begin(self, first: Any, outputs: Outputs | None, known_by: Mapping[str, Any] | None) -> None:
        """Ask the model what it says of the background and of the first row, by which it is known again."""
        said = self.predictor(self.space.columns.decode(self.space.background[:ASKED]))
        call = prepared(self.methods, self.predictor, self.space, first, outputs=outputs, **self.options)
        self.outputs = list(call.game.outputs)
        self.told = {
            "schema": SCHEMA, "methods": {key: spelled(method) for key, method in call.named.items()},
            "outputs": self.outputs, **self.options, "format": self.format, "part_rows": self.part_rows,
            "rows_of_x": self.blocks.n_rows, "x": dict(self.blocks.told), **of_space(self.space),
            **of_model(self.predictor), "known_by": dict(known_by or {}), ANSWERS: said,
            "versions": of_what_computes(["pyarrow", self.predictor.library]),
        }  # fmt: skip
        self.ledger.begin(self.told)
        self.apart = self.predictor.apart()
        if self.ledger.parts:
            self.apart.keep_pace(next(iter(self.ledger.parts.values())).pace)

    def go(self) -> None:
        """Make the parts that are not there. Raises ValueError if rows are not those that a part was made of."""
        bar = Bar(self.predictor.progress, "explain_to")
        bar.expect(self.blocks.n_rows)
        try:
            last = max(self.ledger.parts, default=None)
            for number, block in enumerate(self.blocks.of(self.part_rows)):
                x, done = digest_of_rows(block), self.ledger.parts.get(number)
                if done is None:
                    self._make(number, block, x)
                elif done.x != x:
                    raise ValueError(
                        f"x: rows {block.index[0]:,} to {block.index[-1]:,} are not those that {done.name} was made "
                        "of. Give the same rows, or another folder."
                    )
                elif number == last:
                    self._check_model(done, block)
                bar.advance(len(block))
        except BaseException as error:
            n_done = sum(part.n_rows for part in self.ledger.parts.values())
            note(
                error, f"{KEPT} {self.ledger.folder}: {n_done:,} of {self.blocks.n_rows:,} rows; the same call goes on there"
            )
            raise
        finally:
            bar.close()

    def _check_model(self, done: Part, block: Frame) -> None:
        """Refuse a model that says something else of a row that was explained."""
        values = self.predictor(features(self.space, block.iloc[:1]))
        chosen = self.predictor.select(self.outputs, values.shape[1])
        now = values[0, chosen]
        if (np.abs(now - done.said) > roundings(self.told[ANSWERS], self.predictor.kind)[chosen]).any():
            raise ValueError(
                f"the model says {now.tolist()} of row {block.index[0]:,}, and said {list(done.said)} when {done.name} was "
                "made. Give the model of then, or another folder."
            )

    def _make(self, number: int, block: Frame, x: str) -> None:
        began, before, folder = time.perf_counter(), self.apart.meters, self.ledger.folder
        asked = features(self.space, block)
        try:
            found = explain(
                self.methods, self.apart, self.space, asked, outputs=self.outputs, n_jobs=self.n_jobs, **self.options
            )  # fmt: skip
        finally:
            self._count(before)
        lines, said = frame_of(block, found), next(iter(found.values())).prediction[0]
        columns = schema_of(lines, self.predictor.output, self.blocks.types)
        (folder / MANIFEST).unlink(missing_ok=True)  # which named a part that was not whole
        write_json(folder / COLUMNS, {"columns": columns})
        name = part_name(number, self.format)
        made = write_part(lines, folder / name, columns, self.blocks.types)
        after, start = self.apart.meters, number * self.part_rows
        self.ledger.add(Part(
            number, name, (start, start + len(block)), **made, x=x, model_rows=after.rows - before.rows,
            model_seconds=round(after.seconds - before.seconds, 6), seconds=round(time.perf_counter() - began, 6),
            pace=self.apart.pace, said=tuple(said.tolist()),
        ))  # fmt: skip

    def _count(self, before: Meters) -> None:
        """What was asked since then, on the caller's own meters."""
        self.predictor.account(self.apart.since(before))

    def finish(self) -> None:
        """Write the manifest, by which the whole is known to be there."""
        folder, parts = self.ledger.folder, [self.ledger.parts[number] for number in sorted(self.ledger.parts)]
        told = {key: value for key, value in self.told.items() if key != ANSWERS} | (read_json(folder / COLUMNS) or {})
        manifest = told | {
            "pace": parts[0].pace, "model_rows": sum(part.model_rows for part in parts),
            "model_seconds": round(sum(part.model_seconds for part in parts), 3),
            "seconds": round(sum(part.seconds for part in parts), 3),
            "files": [{"name": part.name, "rows": part.rows, "bytes": part.bytes, "sha256": part.sha256} for part in parts],
        }  # fmt: skip
        if read_json(folder / MANIFEST) != json.loads(json.dumps(manifest, default=plainly)):
            write_json(folder / MANIFEST, manifest)


@contextlib.contextmanager
def explained_disk(place: Path) -> Iterator[None]:
    """Says of a disk that is full what can be done."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        told = "the part could not be written; those before it are there. Free some space, and call again"
        found = OSError(error.errno, f"{error.strerror}: {told}", str(place))
        for one in getattr(error, "__notes__", ()):
            note(found, one)
        raise found from error
