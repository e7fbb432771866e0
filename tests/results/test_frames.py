"""The tidy table of many inputs has the lines of each input's own, in kind and to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import perturbxai as px


def one(number, n_players=3, n_outputs=2, **changes):
    """An explanation of numbers of its own, with as many degrees of freedom as its number is."""
    rng = np.random.default_rng(number)
    values, stderr = rng.normal(size=(2, n_players, n_outputs))
    pairs = rng.normal(size=(n_players, n_players, n_outputs))
    made = px.Explanation(
        values, np.abs(stderr), np.full(n_outputs, 2.5), float(number) if number else np.inf, rng.normal(size=n_outputs),
        values.sum(axis=0), tuple(f"part {p}" for p in range(n_players)), tuple(f"class {k}" for k in range(n_outputs)),
        number, np.arange(n_players, dtype=float), px.Lime(), interactions=pairs, interactions_stderr=np.abs(pairs),
    )  # fmt: skip
    return replace(made, **changes)


def told(n_players, number, kind):
    return {"rule": np.array([f"x < {p}" for p in range(n_players)], dtype=kind), "slope": np.full(n_players, number + 0.5)}


RESULTS = {
    "alike": [one(n) for n in range(4)],
    "one": [one(1)],
    "of other sizes": [one(1), one(2, n_players=5), one(0, n_players=1)],
    "of other outputs": [one(1), one(2, outputs=("a", "b"))],
    "some with a background": [one(1), one(2, stderr_background=np.ones((3, 2)))],
    "all with a background": [one(n, stderr_background=np.full((3, 2), float(n))) for n in (1, 2)],
    "columns": [one(n, columns=told(3, n, object)) for n in (1, 2)],
    "columns of whole numbers and of floats": [
        one(1, columns={"of": np.arange(3)}),
        one(2, columns={"of": np.ones((3, 2))}),
    ],
    "columns of text of other lengths": [one(1, columns=told(3, 1, str)), one(2, n_players=12, columns=told(12, 2, str))],
    "labels": [one(1, label=("r", 1)), one(2, label="x"), one(3, label=pd.Timestamp("2020-01-01")), one(4, label=None)],
    "without players": [one(1), one(2, n_players=0)],
    "names that are no text": [one(1), one(2, names=(1, None, "x"))],
}


def expected(made):
    """Line by line, from the numbers."""
    lines = []
    for e in made:
        low, high = e.interval()
        for p, name in enumerate(e.names):
            for k, output in enumerate(e.outputs):
                line = {"method": "Lime", "row": e.label, "feature": name, "output": output, "value": e.values[p, k]}
                line |= {"stderr": e.stderr[p, k], "low": low[p, k], "high": high[p, k]}
                line |= {"base": e.base[k], "prediction": e.prediction[k]}
                if e.stderr_background is not None:
                    line["stderr_background"] = e.stderr_background[p, k]
                for column, own in e.columns.items():
                    shown = np.reshape(own, (len(e.names), -1))
                    line[column] = shown[p, min(k, shown.shape[1] - 1)]
                lines.append(line)
    return lines


@pytest.mark.parametrize("made", RESULTS.values(), ids=RESULTS)
def test_a_table_has_the_lines_of_its_inputs(made):
    found = px.Attribution(tuple(made)).to_frame()
    lines = expected(made)
    assert len(found) == len(lines)
    for line, own in zip(lines, found.to_dict("records"), strict=True):
        assert all(own[name] == value or (own[name] is None and value is None) for name, value in line.items())
        assert all(np.isnan(own[name]) for name in own.keys() - line.keys())


@pytest.mark.parametrize("what", ["to_frame", "interactions_frame"])
@pytest.mark.parametrize("made", RESULTS.values(), ids=RESULTS)
def test_a_table_is_the_tables_of_its_inputs_one_after_another(made, what):
    found = getattr(px.Attribution(tuple(made)), what)()
    whole = pd.concat([getattr(e, what)() for e in made], ignore_index=True)
    whole.insert(0, "method", "Lime")
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert found["row"].dtype == object


def test_a_table_of_nothing_is_refused():
    with pytest.raises(ValueError, match="holds no explanation"):
        px.Attribution(()).to_frame()
