"""Arrays by what they mean, and objects of heavy packages that a module names without loading them.

The letters of shapes are the same everywhere: n rows, D columns, M coalitions, P players, K outputs, B background rows,
H x W pixels with C channels.

Annotations name pandas' tables (`Frame`), and matplotlib's Figure and Axes, without loading them. Who evaluates annotations
says what these are: `typing.get_type_hints(px.read_csv, localns={"pd": pandas})`.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]
"""Numbers in double precision, as every solve takes them."""
Ints: TypeAlias = NDArray[np.int64]
"""Counts, sizes, and numbers of rows, players and columns."""
Bools: TypeAlias = NDArray[np.bool_]
"""Yes or no."""
Singles: TypeAlias = NDArray[np.float32]
"""Numbers in single precision, where pixels make them many."""
Ints32: TypeAlias = NDArray[np.int32]
"""Numbers of rows and places, where there are many."""
Bytes: TypeAlias = NDArray[np.uint8]
"""(..., H, W, C) pixels from 0 to 255, as files hold them."""

Presence: TypeAlias = NDArray[np.bool_]
"""(M, P) coalitions, always called z: whether a player is present."""
Values: TypeAlias = NDArray[np.float64]
"""(M, K) what each of M questions is worth by output, in units of the model's output; of groups of rows (M, G, K)."""
PlayerValues: TypeAlias = NDArray[np.float64]
"""(P, K) what a method gives each player by output, in the same units; and the errors of it."""
PerOutput: TypeAlias = NDArray[np.float64]
"""(K,) one number for each output."""
BySize: TypeAlias = NDArray[np.float64]
"""(P + 1,) one number for each size of a coalition, from nothing to everything."""
Codes: TypeAlias = NDArray[np.float64]
"""(n, D) rows of a table as numbers, as the columns' codecs write them, or (D,) a single one; NaN is a missing value."""
Weights: TypeAlias = NDArray[np.float64]
"""(n,) how much each row counts beside the others, none below 0."""
Words: TypeAlias = NDArray[np.uint64]
"""(n,) names of rows: equal rows have equal names, and others almost never."""
Names: TypeAlias = NDArray[np.uint32]
"""(M,) names of coalitions: equal ones have equal names, and others almost never."""
Owners: TypeAlias = NDArray[np.int32]
"""(D,) the number of the active player that a column belongs to, -1 where it is always present."""
Bins: TypeAlias = NDArray[np.int16] | NDArray[np.int32]
"""(n, D) the number of the bin or level that a value lies in."""
Picture: TypeAlias = NDArray[np.float32]
"""(H, W, C), or several (n, H, W, C), as a model takes them."""
Masks: TypeAlias = NDArray[np.float32]
"""(M, H, W) how much of each pixel is shown, from 0 to 1."""
Labels: TypeAlias = NDArray[np.int32]
"""(H, W) the number of the superpixel, or of a layer's cell, that a pixel lies in."""
Module: TypeAlias = Any
"""A torch.nn.Module."""
Frame: TypeAlias = "pd.DataFrame"
"""A table of pandas, which loads where one is made."""
MaybeFrame: TypeAlias = "pd.DataFrame | None"
"""The same where there may be none."""
Objects: TypeAlias = NDArray[np.object_]
"""Things of any kinds, as cells of a table are."""


class TellsRows(Protocol):
    """Tells what coded rows of a table have at each player, in the table's own terms."""

    def tell(self, codes: Codes) -> Objects:
        """(n, P) of rows (n, D): numbers, words, truth values, moments; None or NaN where a value is missing."""


# ------------------------------------------------------------------------------------------------ what users hand in


class HasColumns(Protocol):
    """A table: of pandas or polars, of Arrow, or of what narwhals reads."""

    @property
    def columns(self) -> Any: ...


class HasBatches(Protocol):
    """A dataset of pyarrow's, which is read in batches."""

    @property
    def to_batches(self) -> Callable[..., Any]: ...


class HasPixels(Protocol):
    """A PIL picture, which type checkers do not know as an array."""

    @property
    def __array_interface__(self) -> Any: ...


class Predicts(Protocol):
    """A fitted estimator of scikit-learn, or a booster."""

    @property
    def predict(self) -> Callable[..., Any]: ...


class ScoresSamples(Protocol):
    """A fitted density of scikit-learn."""

    @property
    def score_samples(self) -> Callable[..., Any]: ...


class Runs(Protocol):
    """A session of ONNX Runtime."""

    @property
    def run(self) -> Callable[..., Any]: ...


class Foreign(Protocol):
    """An object of a library that is not loaded for its types, and that has what its own documentation says."""

    def __getattr__(self, name: str, /) -> Any: ...


class TorchDevice(Protocol):
    """A torch.device."""

    @property
    def type(self) -> str: ...


Model: TypeAlias = Callable[..., Any] | Predicts | ScoresSamples | Runs
"""What `Predictor` takes; a torch.nn.Module is a callable too."""
Device: TypeAlias = str | int | TorchDevice
"""Where a torch.nn.Module runs."""
Data: TypeAlias = ArrayLike | HasColumns | Sequence[Any]
"""Rows of a table."""
Source: TypeAlias = Data | Path | HasBatches
"""Rows of a table in memory, in files, or in parts."""
Photo: TypeAlias = ArrayLike | HasPixels
"""One picture: an array, a tensor or a PIL picture."""
Inputs: TypeAlias = Data | Photo
"""What is explained: rows of a table, one picture, or several."""
Column: TypeAlias = Hashable
"""The name of a column, which pandas lets be anything, or its number."""
Features: TypeAlias = Column | Iterable[Column]
"""Columns or superpixels: one or several, a tuple of two for a pair; or a mask of truth values."""
Grid: TypeAlias = int | Mapping[Any, int | ArrayLike | Sequence[Any]]
"""How many bins, or for a column by name how many or which points."""
Outputs: TypeAlias = str | int | Iterable[str | int]
"""Names or numbers of a model's outputs."""
Fill: TypeAlias = str | Photo | Sequence[Photo] | Callable[..., Any]
"""What a hidden superpixel shows; see `ImageSpace`."""
Cut: TypeAlias = str | ArrayLike | Callable[..., Any]
Segments: TypeAlias = Cut | Mapping[str, Cut]
"""Which pixels are a player; see `ImageSpace`."""
Layer: TypeAlias = str | Module
"""A layer of a network, or its name."""
