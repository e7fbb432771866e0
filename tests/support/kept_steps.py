"""Steps in memory, for tests of what goes on where it was stopped."""

from __future__ import annotations

import numpy as np

import perturbxai as px


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
