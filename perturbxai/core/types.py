"""Arrays by what they mean, and objects of heavy packages that a module names without loading them.

The letters of shapes are the same everywhere: n rows, D columns, M coalitions, P players, K outputs, B background rows,
H x W pixels with C channels.

Annotations name pandas as `pd` without loading it: `typing.get_type_hints(px.read_csv, localns={"pd": pandas})`.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
"""Numbers in double precision, as every solve takes them."""
Ints: TypeAlias = NDArray[np.int64]
"""Counts, sizes, and numbers of rows, players and columns."""
Bools: TypeAlias = NDArray[np.bool_]
"""Yes or no; of coalitions (M, P): whether a player is present."""
Words: TypeAlias = NDArray[np.uint64]
"""(n,) names of rows: equal rows have equal names, and others almost never."""
Picture: TypeAlias = NDArray[np.float32]
"""(H, W, C) a picture as a model takes it."""
Masks: TypeAlias = NDArray[np.float32]
"""(M, H, W) how much of each pixel is shown, from 0 to 1."""
Labels: TypeAlias = NDArray[np.int32]
"""(H, W) the number of the superpixel that a pixel lies in."""
Tensor: TypeAlias = Any
"""A torch.Tensor, which is not named here: torch need not be there."""
Module: TypeAlias = Any
"""A torch.nn.Module."""
