"""What results cost: their rows, less what their call asks once whatever it has of methods, inputs and columns."""

from __future__ import annotations


def once_a_call(one):
    """How many of a result's rows are asked once a call."""
    return sum(one.meta["rows_once_a_call"].values())


def own_rows(one):
    """A result's rows but for those that are asked once a call."""
    return one.meta["rows"] - once_a_call(one)
