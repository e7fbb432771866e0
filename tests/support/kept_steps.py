"""For tests of what goes on where it was stopped: steps in memory, and what runs reported."""

from __future__ import annotations

import numpy as np
import pandas as pd

import perturbxai as px


def reported(folder):
    """Every CSV without what it took, by name."""
    found = {}
    for path in sorted(folder.rglob("*.csv")):
        frame = px.read_csv(path)
        found[str(path.relative_to(folder))] = frame.drop(columns=[name for name in frame if "seconds" in name])
    return found


def assert_alike(one, other):
    """Of what two runs reported."""
    assert list(one) == list(other) and one
    for name, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True)


class Killed(BaseException):
    """What no code of ours catches, as it catches no kill."""


class Notebook:
    """Steps of which some were kept before. What is kept is copied, as it would be in a file.

    worked: the names of the others, in their order;  killed_at: after how many of them a kill comes
    """

    def __init__(self, kept=(), killed_at=None):
        self.kept, self.worked, self.killed_at = dict(kept), [], killed_at

    def __call__(self, name, work):
        if name not in self.kept:
            found = work()
            self.worked.append(name)
            self.kept[name] = {
                k: np.array(one) if isinstance(one, np.ndarray) else one.to_json() for k, one in found.items()
            }
            if len(self.worked) == self.killed_at:
                raise Killed
        kept = self.kept[name]
        return {key: px.Attribution.from_json(one) if isinstance(one, str) else one.copy() for key, one in kept.items()}

    def first(self, n):
        """What was kept in the first steps alone."""
        return Notebook(list(self.kept.items())[:n])
