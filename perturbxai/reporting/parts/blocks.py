"""Rows of a table of any size, block by block: from memory, from files, from the partitions of a cluster."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perturbxai.core import frames
from perturbxai.core.checks import as_given
from perturbxai.core.types import Bools, Frame, Ints
from perturbxai.core.wording import quoted
from perturbxai.reporting.parts.text_files import PLAIN, Spelling, TextFiles, is_text

if TYPE_CHECKING:
    import pyarrow

PARQUET = (".parquet", ".pq")
READ_AT_ONCE = 8192  # rows that are decoded together: enough to be fast, few beside what explaining them takes


@dataclass(frozen=True, eq=False)
class Blocks:
    """A table that is read anew as often as it is needed, and never held whole.

    read     gives its rows from the first to the last, as DataFrames of any length with the same columns
    n_rows   how many there are;  like: the table without its rows
    told     what the manifest says of the source;  types: Arrow's types by column, where it is Arrow's
    chosen   numbers of the rows that are meant, None for all
    """

    read: Callable[[], Iterator[Frame]]
    n_rows: int
    like: Frame
    told: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, pyarrow.DataType] = field(default_factory=dict)
    chosen: Ints | range | None = None

    def of(self, size: int) -> Iterator[Frame]:
        """Blocks of `size` rows, the last with what is left; the index numbers the rows of the whole table."""
        import pandas as pd

        waiting: list[Frame] = []
        for frame in self._numbered():
            waiting.append(frame)
            while (held := sum(map(len, waiting))) >= size:
                whole = pd.concat(waiting) if len(waiting) > 1 else waiting[0]
                yield whole.iloc[:size]
                waiting = [whole.iloc[size:]] if held > size else []
        if waiting:
            yield pd.concat(waiting)

    def _numbered(self) -> Iterator[Frame]:
        start = 0
        for frame in self.read():
            numbers = np.arange(start, start + len(frame))
            start += len(frame)
            frame = frame.set_axis(numbers, axis=0)
            if self.chosen is not None:
                if numbers[0] > self.chosen[-1]:
                    return
                frame = frame[_among(numbers, self.chosen)]
            if len(frame):
                yield frame

    def only(self, numbers: Sequence[int] | Ints) -> Blocks:
        """Some of the rows, by their numbers in the table, in its order."""
        chosen = (numbers if numbers.step > 0 else numbers[::-1]) if isinstance(numbers, range) else np.unique(numbers)
        return replace(self, chosen=chosen, n_rows=len(chosen))


def _among(numbers: Ints, chosen: Ints | range) -> Bools:
    """Which of some numbers that follow each other are chosen."""
    if isinstance(chosen, range):
        inside = (numbers >= chosen.start) & (numbers <= chosen[-1])
        return np.asarray(inside & ((numbers - chosen.start) % chosen.step == 0))
    first, behind = np.searchsorted(chosen, (numbers[0], numbers[-1] + 1))
    found = np.zeros(len(numbers), dtype=bool)
    found[chosen[first:behind] - numbers[0]] = True
    return found


def as_blocks(x: Any, spelling: Spelling = PLAIN, names: Sequence[str] = ()) -> Blocks:
    """What `explain_to` takes for rows, as blocks.

    spelling  of text files;  names: of the columns of an array, where it has as many
    Raises ValueError for what has no rows and for files that cannot be read, TypeError for what is no table.
    """
    if isinstance(x, (str, Path)) or (isinstance(x, (list, tuple)) and x and all(isinstance(p, (str, Path)) for p in x)):
        return of_files(files_of(x), spelling)
    if frames.is_kind(x, "pyarrow.dataset", "Dataset"):
        return _of_dataset(x)
    if all(hasattr(x, name) for name in ("npartitions", "partitions", "columns")):  # of dask, which is not imported for that
        return _checked(
            lambda: (_own(x.partitions[i].compute()) for i in range(x.npartitions)), {"partitions": x.npartitions}
        )
    table = frames.named_table(x)
    if table is None:
        found = np.asarray(x)
        if found.ndim != 2:
            raise TypeError(
                f"x={as_given(x)} is no table. Give a DataFrame, an array (N, D), a path or pattern of Parquet or text "
                "files, a pyarrow Dataset, or a DataFrame of dask."
            )
        table = _framed(found, names)
    elif not frames.is_kind(table, "pandas", "DataFrame"):
        table = frames.read_columns(table, "x")
    return _of_frame(table)


def _framed(array: Any, names: Sequence[str]) -> Frame:
    import pandas as pd

    plain = [f"x{d}" for d in range(array.shape[1])]
    return pd.DataFrame(array, columns=list(names) if len(names) == len(plain) else plain)


def _own(frame: Frame) -> Frame:
    """A table whose index, if it has a name, is a column: it names the rows."""
    named = [name for name in frame.index.names if name is not None]
    if twice := [name for name in named if name in frame.columns]:
        raise ValueError(f"x has a column {twice[0]!r} and an index of that name; rename one, or reset_index(drop=True).")
    return frame.reset_index(drop=not named)


def _of_frame(frame: Frame) -> Blocks:
    if any(name is not None for name in frame.index.names):
        frame = _own(frame)
    elif not frame.index.equals(_range(len(frame))):
        frame = frame.reset_index(names="index" if "index" not in frame.columns else "index of x")  # it names the rows
    if not len(frame):
        raise ValueError("x has no rows; give at least one row to explain.")
    return Blocks(lambda: iter([frame]), len(frame), frame.iloc[:0])


def _range(n: int) -> Any:
    import pandas as pd

    return pd.RangeIndex(n)


def _checked(read: Callable[[], Iterator[Frame]], told: Mapping[str, Any]) -> Blocks:
    """Blocks of what does not say how long it is: read through once."""
    n_rows, first = 0, None
    for frame in read():
        first = frame.iloc[:0] if first is None else first
        n_rows += len(frame)
    if first is None or not n_rows:
        raise ValueError("x has no rows; give at least one row to explain.")
    return Blocks(lambda: (one.reset_index(drop=True) for one in read() if len(one)), n_rows, first, told)


# ------------------------------------------------------------------------------------------------------------------ files


def files_of(x: Any) -> list[Path]:
    """The files that a path, a folder, a pattern, or a list of them means, by name."""
    found: list[Path] = []
    for one in [x] if isinstance(x, (str, Path)) else x:
        path = Path(one)
        if path.is_dir():
            own = [p for p in _tables(path) if p.parent == path]
            if deeper := [p for p in _tables(path) if p.parent != path]:
                raise ValueError(
                    f"x={str(one)!r} has tables in folders of its own, such as {deeper[0].parent.name!r}. Give a pattern, "
                    f"'{path.name}/**/*{deeper[0].suffix}', or a pyarrow Dataset, which reads what their names say."
                )
            if not own:
                raise ValueError(f"x={str(one)!r} is a folder without a Parquet or text file.")
            found += own
        elif path.is_file():
            found.append(path)
        elif matched := sorted(p for p in map(Path, glob.glob(str(one), recursive=True)) if p.is_file()):
            found += matched
        else:
            raise ValueError(f"x={str(one)!r}: there is no such file, and no file of that pattern.")
    return found


def _tables(folder: Path) -> list[Path]:
    """Parquet and text files in a folder and those in it, but for hidden ones and marks such as _SUCCESS."""
    found = sorted(p for p in folder.rglob("*") if p.is_file() and (p.suffix.lower() in PARQUET or is_text(p)))
    return [p for p in found if not any(name.startswith((".", "_")) for name in p.relative_to(folder).parts)]


def of_files(paths: Sequence[Path], spelling: Spelling = PLAIN) -> Blocks:
    """Blocks of Parquet files, or of text files as pandas reads them; all of one kind, with the same columns."""
    kinds = {path.suffix.lower() in PARQUET for path in paths}
    if len(kinds) > 1:
        raise ValueError(f"x: mixes Parquet and other files: {quoted([p.name for p in paths], 6)}; give one kind.")
    if kinds == {False}:
        if other := [path.name for path in paths if not is_text(path)]:
            raise ValueError(
                f"x={other[0]!r} is neither Parquet nor text (.csv, .tsv, .txt, compressed or not); save it so."
            )
        return of_text(TextFiles(tuple(paths), spelling))
    return _of_parquet(paths)


def told_of(paths: Sequence[Path]) -> dict[str, Any]:
    return {"files": [{"name": path.name, "bytes": path.stat().st_size} for path in paths]}


def of_text(files: TextFiles) -> Blocks:
    """Blocks of text files, which are read through once to find what their columns hold."""
    found = files.surveyed()
    return Blocks(lambda: found.read(READ_AT_ONCE), found.n_rows, found.like, told_of(files.paths))


def _of_parquet(paths: Sequence[Path]) -> Blocks:
    parquet, n_rows, schemas = arrow_parquet(), 0, []
    for path in paths:
        try:
            with parquet.ParquetFile(path) as file:
                schemas.append(file.schema_arrow.remove_metadata())
                n_rows += file.metadata.num_rows
        except (OSError, ValueError) as error:  # pyarrow's own are of these kinds
            raise ValueError(f"x={str(path)!r} cannot be read as Parquet: {error}.") from error
        _check_same(path, schemas[-1].names, paths[0], schemas[0].names)
    if not n_rows:
        raise ValueError("x has no rows; give at least one row to explain.")
    schema = _one_schema(paths, schemas)
    like = _plain_frame(schema.empty_table())
    return Blocks(lambda: _parquet_frames(paths, schema), n_rows, like, told_of(paths), _plain(schema))


def _one_schema(paths: Sequence[Path], schemas: Sequence[Any]) -> Any:
    """The types that hold what all files have: numbers become wider, and what is missing throughout one becomes anything."""
    import pyarrow

    for path, schema in zip(paths, schemas, strict=True):
        for name in schemas[0].names:
            kinds = [pyarrow.schema([one.field(name)]) for one in (schemas[0], schema)]
            try:
                pyarrow.unify_schemas(kinds, promote_options="permissive")
            except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError) as error:
                raise ValueError(
                    f"x: the column {name!r} is {kinds[0].field(0).type} in {paths[0].name} and {kinds[1].field(0).type} in "
                    f"{path.name}; save it as one kind."
                ) from error
    return pyarrow.unify_schemas(list(schemas), promote_options="permissive")


def first_rows(path: Path, most: int) -> Frame:
    """The first rows of a Parquet file, with the index that pandas kept."""
    import pyarrow

    with arrow_parquet().ParquetFile(path, pre_buffer=False) as file:
        batches = list(itertools.islice(file.iter_batches(batch_size=most), 1))
        found: Frame = pyarrow.Table.from_batches(batches, schema=file.schema_arrow).to_pandas()
    return found


def _check_same(path: Path, names: Sequence[str], first: Path, known: Sequence[str]) -> None:
    if set(names) != set(known):
        differ = sorted(set(names) ^ set(known))
        raise ValueError(
            f"{path.name} and {first.name} have not the same columns: {quoted(differ, 6)}; give files of one table."
        )


def _parquet_frames(paths: Sequence[Path], schema: Any) -> Iterator[Frame]:
    for path in paths:
        # page by page: a group of rows may be the whole file
        with arrow_parquet().ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=READ_AT_ONCE, columns=schema.names):
                yield _plain_frame(batch, schema)


def _of_dataset(dataset: Any) -> Blocks:
    n_rows = dataset.count_rows()
    if not n_rows:
        raise ValueError("x has no rows; give at least one row to explain.")

    def read() -> Iterator[Frame]:
        for batch in dataset.to_batches(batch_size=READ_AT_ONCE, batch_readahead=1, fragment_readahead=1):
            if batch.num_rows:
                yield _plain_frame(batch)

    told = {"files": [{"name": str(name)} for name in getattr(dataset, "files", [])]}
    return Blocks(read, n_rows, _plain_frame(dataset.schema.empty_table()), told, _plain(dataset.schema))


def _plain_frame(batch: Any, schema: Any = None) -> Frame:
    """A batch as pandas has it, without an index: what pandas kept as one is a column.

    Whole numbers beside missing ones stay whole: they are objects.
    """
    import pyarrow

    table = pyarrow.Table.from_batches([batch]) if isinstance(batch, pyarrow.RecordBatch) else batch
    if schema is not None:
        table = table.select(schema.names).cast(schema)
    found: Frame = table.replace_schema_metadata(None).to_pandas(integer_object_nulls=True)
    return found


def with_numbers(frame: Frame) -> Frame:
    """A table whose columns of whole numbers beside missing ones, which are objects, are floats, as pandas reads them."""
    import pandas as pd

    holed = [name for name, column in frame.items() if column.dtype == object and column.isna().any()]
    numbers = [name for name in holed if pd.api.types.infer_dtype(frame[name], skipna=True) == "integer"]
    return frame.astype(dict.fromkeys(numbers, float)) if numbers else frame


def arrow_parquet() -> Any:
    """pyarrow's module of Parquet. Raises ImportError, with the way out, where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            'the package pyarrow is not installed: pip install "perturbxai[parquet]"; or give text files, and format="csv".'
        ) from error
    return pyarrow.parquet


# ------------------------------------------------------------------------------------------------------------------ types


def _plain(schema: Any) -> dict[str, Any]:
    """Arrow types by column; a dictionary is what it holds."""
    return {one.name: one.type.value_type if hasattr(one.type, "value_type") and _is_dictionary(one.type) else one.type
            for one in schema}  # fmt: skip


def _is_dictionary(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_dictionary(kind))
