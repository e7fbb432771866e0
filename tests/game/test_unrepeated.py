"""Rows that no other question of a call holds are found without a look at them, and are asked once all the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import perturbxai as px
from perturbxai.core.methods import Asking
from perturbxai.core.questions import Cells, Coalitions, Rows, Unanswered
from perturbxai.estimation.intervals import independent, no_players
from perturbxai.game import table_asker, unrepeated
from perturbxai.game.game import Game
from perturbxai.game.unrepeated import Unrepeated

FEW = settings(max_examples=80, deadline=None)


def built(space, one, z, base):
    """The coded row of a coalition of active players on a background row."""
    shown = np.append(z, True)[one.player]  # -1: always present
    return np.where(shown, one.codes, space.background[base])


def everything(space, inputs, asked):
    """All rows of a call: the background, the inputs, and what is asked of each input. By input and line: its rows."""
    rows = Counter(map(bytes, space.background + 0.0))
    rows.update(bytes(one.codes + 0.0) for one in inputs)
    of_line = {}
    for number, (one, z) in enumerate(zip(inputs, asked, strict=True)):
        for m, coalition in enumerate(z):
            of_line[number, m] = [bytes(built(space, one, coalition, b) + 0.0) for b in range(len(space.background))]
            rows.update(of_line[number, m])
    return rows, of_line


@FEW
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 5), st.integers(1, 4), st.sampled_from([2, 4, 40, 1000]),
    st.booleans(), st.sampled_from([0, unrepeated.MOST_PAIRS]),
)  # fmt: skip
def test_what_is_said_to_be_unrepeated_is(seed, n_columns, n_base, n_inputs, n_values, grouped, pairs):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, n_values, (n_base, n_columns)).astype(float)
    X[rng.random(X.shape) < 0.1] = np.nan
    x = rng.integers(0, n_values, (n_inputs, n_columns)).astype(float)
    groups = {"first": [0, 1]} if grouped and n_columns > 2 else None
    space = px.TabularSpace(X, background="all", groups=groups)
    inputs = space.players(x)
    asked = [np.unique(rng.random((8, len(one.active))) < 0.5, axis=0) for one in inputs]
    rows, of_line = everything(space, inputs, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unrepeated, "MOST_PAIRS", pairs)
        rule = Unrepeated(space, inputs)
        for number, z in enumerate(asked):
            for m in np.flatnonzero(rule.lines(number, z, single=False)):
                assert all(rows[row] == 1 for row in of_line[number, m])


@FEW
@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(1, 5), st.integers(1, 3), st.sampled_from([2, 4, 40, 1000]))
def test_single_cells_that_are_said_to_be_unrepeated_are(seed, n_columns, n_base, n_inputs, n_values):
    rng = np.random.default_rng(seed)
    space = px.TabularSpace(rng.integers(0, n_values, (n_base, n_columns)).astype(float), background="all")
    inputs = space.players(rng.integers(0, n_values, (n_inputs, n_columns)).astype(float))
    rows = Counter(map(bytes, space.background))
    rows.update(bytes(one.codes) for one in inputs)
    asked = []
    for one in inputs:
        z = rng.random((8, len(one.active))) < 0.5
        cells = [
            bytes(built(space, one, own, b)) for own, b in zip(z, rng.integers(0, len(space.background), 8), strict=True)
        ]
        rows.update(cells)
        asked.append((z, cells))
    rule = Unrepeated(space, inputs)
    for number, (z, cells) in enumerate(asked):
        assert all(rows[cells[m]] == 1 for m in np.flatnonzero(rule.lines(number, z, single=True)))


def test_of_real_numbers_all_but_nothing_everything_and_single_players_is_unrepeated():
    rng = np.random.default_rng(0)
    space = px.TabularSpace(rng.standard_normal((40, 8)), background="all")
    inputs = space.players(rng.standard_normal((3, 8)))
    z = ((np.arange(256)[:, None] >> np.arange(8)) & 1).astype(bool)
    for number in range(3):
        apart = Unrepeated(space, inputs).lines(number, z, single=False)
        np.testing.assert_array_equal(apart, (z.sum(axis=1) > 0) & (z.sum(axis=1) < 8))


def test_an_input_that_comes_twice_is_looked_up():
    space = px.TabularSpace(np.random.default_rng(0).standard_normal((9, 4)), background="all")
    inputs = space.players(np.ones((2, 4)))
    assert not Unrepeated(space, inputs).lines(0, np.eye(4, dtype=bool), single=False).any()


@pytest.mark.parametrize("method", ["kernel_shap", "lime", "banzhaf", "occlusion"])
def test_no_name_is_made_of_a_row_that_is_unrepeated(monkeypatch, method):
    rng = np.random.default_rng(1)
    named = []
    hash_cells = table_asker.hash_cells
    monkeypatch.setattr(table_asker, "hash_cells", lambda z, *rest: (named.append(len(z)), hash_cells(z, *rest))[1])
    space = px.TabularSpace(rng.standard_normal((20, 12)), background="all")
    predictor = px.Predictor(lambda rows: rows.sum(axis=1))
    found = px.explain(method, predictor, space, rng.standard_normal((4, 12)), budget=300)[method]
    assert sum(named) <= 4 * 2  # nothing and everything
    assert predictor.rows == found.meta["rows"] > 900


@pytest.mark.parametrize("method", ["permutation_shap", "partition_shap"])
def test_of_a_last_question_those_rows_alone_are_named_that_come_again(monkeypatch, method):
    rng = np.random.default_rng(1)
    named, asked = [], []
    hash_cells = table_asker.hash_cells
    monkeypatch.setattr(table_asker, "hash_cells", lambda z, *rest: (named.append(len(z)), hash_cells(z, *rest))[1])
    space, x = px.TabularSpace(rng.standard_normal((20, 12)), background="all"), rng.standard_normal((4, 12))
    predictor = px.Predictor(lambda rows: (asked.extend(map(bytes, rows)), np.sin(rows).sum(axis=1))[1])
    found = px.explain(method, predictor, space, x, budget=300)[method]
    assert sum(named) < 4 * 300 / 3
    assert predictor.rows == found.meta["rows"] == len(set(asked)) == len(asked) > 900
    before = len(asked)
    beside = px.explain(["lime", method], predictor, space, x, budget=300)[method]  # where others ask, all are looked up
    np.testing.assert_array_equal(beside.values, found.values)
    assert beside.meta["rows"] == found.meta["rows"] and len(set(asked[before:])) == len(asked[before:])


@pytest.mark.parametrize("in_turn", [False, True])
def test_a_method_of_two_questions_asks_no_row_twice_whatever_is_last(in_turn):
    @dataclass(frozen=True, kw_only=True)
    class Twice(Asking):
        name: str = ""
        asks: ClassVar[str] = "coalitions"

        def least(self, players):  # noqa: ARG002
            return 2

        def ask(self, players, budget, rng):  # noqa: ARG002
            z = np.eye(players.n_players, dtype=bool)
            if not len(z):
                return no_players(1)
            if in_turn:
                yield [Coalitions(z[::-1].copy())]
                (one,) = yield [Coalitions(z, last=True)]
            else:
                one, _ = yield [Coalitions(z, last=True), Coalitions(z[::-1].copy(), last=True)]
            return independent(one, np.abs(one), np.inf)

    predictor, space = px.Predictor(lambda rows: rows.sum(axis=1)), px.TabularSpace(np.zeros((1, 5)), background="all")
    x = np.array([[1.0, 2, 3, 4, 5], [0, 0, 0, 0, 0]])[: 1 if in_turn else 2]
    found = px.explain([Twice()], predictor, space, x, budget=20)["Twice"]
    assert predictor.rows == found.meta["rows"] == 7  # five players, nothing and everything


def test_after_a_failure_only_the_very_question_is_answered_from_the_last_replies():
    rng = np.random.default_rng(2)
    space = px.TabularSpace(rng.standard_normal((20, 6)), background="all")
    game = Game(px.Predictor(lambda rows: np.nan_to_num(rows).sum(axis=1)), space, rng.standard_normal((2, 6)))
    z, base = rng.random((5, 6)) < 0.5, rng.integers(0, 20, 5)
    codes = np.where(rng.random((4, 6)) < 0.3, np.nan, rng.standard_normal((4, 6)))
    cells, fresh = Cells(z, base), Rows(codes, fresh=True)
    asked = game.ask([(0, cells), (0, fresh)], once=True)
    game.offline()
    again = game.ask([(0, Cells(z.copy(), base.copy())), (1, Rows(codes.copy(), fresh=True))])
    for one, other in zip(asked, again, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert one.rows == other.rows
    for other in (Cells(z, (base + 1) % 20), Cells(~z, base), Rows(codes + 1.0, fresh=True)):
        with pytest.raises(Unanswered):
            game.ask([(0, other)])
