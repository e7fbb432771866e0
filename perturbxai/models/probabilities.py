"""Whether what a network returns are probabilities already, of which a second softmax or sigmoid would make others."""

import re
import warnings
from collections.abc import Callable

import numpy as np

from perturbxai.core.types import Floats
from perturbxai.models.torch_types import Tensor

MANY = 100  # different rows between 0 and 1, where nothing else tells a sigmoid's numbers from small scores
ROUNDINGS = 8.0  # of a sum of K numbers, in the network's own type
GATES = {"Sigmoid", "Hardsigmoid", "Softmax", "SafeSoftmax", "Exp"}
OPEN = {"Addmm", "Mm", "Bmm", "Convolution", "Mean", "Sum", "Add", "Sub", "NativeBatchNorm", "NativeLayerNorm", "Relu"}
MOVES = {"View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "ToCopy", "Alias", "Select", "Slice", "T"}


class Ending:
    """Looks at a network's own numbers until it is known whether they are scores or probabilities, and tells of the latter.

    Rows between 0 and 1 that sum to 1 are no chance. Single numbers between 0 and 1 may be: they are probabilities if the
    network's last operation makes such numbers, which is asked with a batch of no rows, or after many different ones.
    """

    def __init__(self) -> None:
        self.known = False
        self._rows: set[bytes] = set()

    def note(self, values: Floats, rounding: float, *, single: bool, last: Callable[[], str]) -> None:
        """Take note of rows (n, K).

        rounding  of one number;  single: each output is a label of its own;  last: () -> the last operation, "" if unknown
        """
        if self.known or not len(values):
            return
        near = ROUNDINGS * values.shape[1] * rounding
        inside = values.min() >= 0.0 and values.max() <= 1.0
        if not inside or not (single or np.abs(values.sum(axis=1) - 1.0).max() <= near):
            self.known = True
            return
        self._rows.update(row.tobytes() for row in values[:MANY])
        if len(self._rows) < 2:  # one row is a coincidence, of a network that gives one number for all too
            return
        kind = last() if single else "Softmax"
        enough = kind in GATES or (kind not in OPEN and len(self._rows) >= MANY)
        self.known = enough or kind in OPEN
        if enough:
            what = "all between 0 and 1" if single else "between 0 and 1, and each row sums to 1"
            made = "sigmoid" if single else "softmax"
            warnings.warn(
                f"the network's own outputs look like probabilities already ({what}): another {made} of them is no "
                "probability of the model's, and flattens what is explained. Give Predictor(output='raw') and "
                f"score='logit', which take them as they are, or take the {made} off the network's end.",
                stacklevel=1,
            )


def last_operation(given: Tensor) -> str:
    """The operation that made a tensor, as autograd calls it, behind what only moves values; "" if autograd kept none."""
    node = given.grad_fn
    while node is not None:
        kind = re.sub(r"Backward\d+$", "", str(node.name()).rpartition("::")[2])
        if kind not in MOVES or not node.next_functions:
            return kind
        node = node.next_functions[0][0]
    return ""
