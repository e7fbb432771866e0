"""Names of rows, and the memo of what was asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai import memo
from perturbxai.memo import RowMemo, distinct, hash_cells, hash_rows, hash_values

FEW = settings(max_examples=60, deadline=None)
CODES = st.one_of(
    st.integers(-3, 300).map(float), st.floats(width=64), st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324])
)


def rows_of(n_columns, least=1):
    return st.lists(st.lists(CODES, min_size=n_columns, max_size=n_columns), min_size=least, max_size=8).map(np.array)


def same(a, b):
    return ((a == b) | (np.isnan(a) & np.isnan(b))).all()


@FEW
@given(rows_of(3))
def test_two_rows_have_one_name_if_and_only_if_they_are_equal(rows):
    names = hash_rows(rows)
    for i in range(len(rows)):
        for j in range(len(rows)):
            assert (names[i] == names[j]).all() == same(rows[i], rows[j])


def test_minus_zero_is_zero_and_every_nan_is_one_nan():
    other_nan = np.array([0xFFF8000000000123], dtype=np.uint64).view(np.float64)[0]
    plain, signed = hash_rows(np.array([[0.0, np.nan], [-0.0, other_nan]]))
    assert plain.tolist() == signed.tolist()


@FEW
@given(rows_of(4), st.integers(0, 3), CODES)
def test_a_changed_cell_gives_another_name(rows, column, value):
    changed = rows.copy()
    changed[:, column] = value
    kept = np.array([same(a, b) for a, b in zip(rows, changed, strict=True)])
    np.testing.assert_array_equal((hash_rows(rows) == hash_rows(changed)).all(axis=1), kept)
    np.testing.assert_array_equal((hash_rows(rows) == hash_rows(changed)).any(axis=1), kept)  # both words move


def test_columns_are_not_interchangeable():
    names = hash_rows(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0], [2.0, 2.0]]))
    assert len(np.unique(names[:, 0])) == len(np.unique(names[:, 1])) == 4


def test_a_million_neighbouring_whole_numbers_have_a_million_first_words():
    # columns of counts and levels are the common case; one collision would have a chance of 3e-8
    rows = np.stack(np.divmod(np.arange(1_000_000.0), 1000.0), axis=1)
    assert len(np.unique(hash_rows(rows)[:, 0])) == 1_000_000


@pytest.mark.parametrize("n_rows", [0, 1, 9, 10, 21])
def test_names_do_not_depend_on_the_blocks_in_which_they_are_made(monkeypatch, n_rows):
    rows = np.random.default_rng(0).standard_normal((n_rows, 3))
    whole = hash_rows(rows)
    monkeypatch.setattr(memo, "BLOCK", 31)  # ten rows
    np.testing.assert_array_equal(hash_rows(rows), whole)
    assert whole.shape == (n_rows, 2)


def test_naming_leaves_the_codes_as_they_are():
    codes = np.array([[-0.0, np.nan]])
    codes.setflags(write=False)
    hash_rows(codes)
    assert np.signbit(codes[0, 0])


def test_a_cell_of_the_background_alone_has_the_name_of_its_row():
    bases = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, -0.0]])
    names = hash_cells(np.zeros((1, 3), dtype=bool), np.full(3, 9.0), np.arange(3, dtype=np.int32), hash_values(bases))
    np.testing.assert_array_equal(names, hash_rows(bases))


@FEW
@given(rows_of(2))
def test_distinct_lists_each_name_once_and_leads_back_to_every_row(rows):
    words = hash_rows(rows)
    names, first, place = distinct(words)
    assert len({tuple(name) for name in names.tolist()}) == len(names)
    np.testing.assert_array_equal(names[place], words)
    np.testing.assert_array_equal(words[first], names)
    np.testing.assert_array_equal(first[place] <= np.arange(len(rows)), True)  # the first row that has the name


def test_distinct_tells_names_apart_that_share_their_first_word():
    words = np.array([[5, 1], [5, 2], [5, 1], [3, 9]], dtype=np.uint64)
    names, first, place = distinct(words)
    assert names.tolist() == [[3, 9], [5, 1], [5, 2]]
    assert (first.tolist(), place.tolist()) == ([3, 0, 1], [1, 2, 1, 0])


@FEW
@given(st.integers(0, 10**6), st.lists(st.integers(1, 30), max_size=5))
def test_the_memo_finds_the_values_of_every_name_that_it_stored(seed, sizes):
    known = RowMemo(2)
    words = hash_rows(np.random.default_rng(seed).standard_normal((sum(sizes) + 3, 2)))
    values = np.arange(2.0 * len(words)).reshape(-1, 2)
    start = 0
    for size in sizes:
        order = start + np.argsort(words[start : start + size, 0])
        known.add(words[order], values[order])
        start += size
    at = known.find(words[:start])
    np.testing.assert_array_equal(known.values[at], values[:start])
    assert (known.find(words[start:]) == -1).all()


def test_an_empty_memo_finds_nothing():
    assert RowMemo(3).find(hash_rows(np.ones((2, 2)))).tolist() == [-1, -1]


def test_a_name_with_a_known_first_word_only_is_not_known():
    known = RowMemo(1)
    known.add(np.array([[5, 1], [7, 1]], dtype=np.uint64), np.array([[1.0], [2.0]]))
    asked = np.array([[5, 1], [5, 2], [6, 1], [7, 1], [9, 1]], dtype=np.uint64)
    assert known.find(asked).tolist() == [0, -1, -1, 1, -1]


@pytest.mark.parametrize("batches", [[30], [4, 4, 4, 4], [9, 9]])
def test_the_memo_is_bounded_and_the_oldest_names_stay_known(monkeypatch, batches):
    monkeypatch.setattr(memo, "MEMO_BYTES", 10 * (16 + 8 * 2))
    known = RowMemo(2)
    words = np.stack([np.arange(1, 31), np.arange(1, 31)], axis=1).astype(np.uint64)
    values = np.arange(60.0).reshape(30, 2)
    start = 0
    for size in batches:
        known.add(words[start : start + size], values[start : start + size])
        start += size
    assert known.words.nbytes + known.values.nbytes <= memo.MEMO_BYTES
    np.testing.assert_array_equal(known.find(words[:start]) >= 0, np.arange(start) < 10)


def test_the_memo_keeps_a_copy_of_the_values():
    known = RowMemo(1)
    words, values = np.array([[1, 1]], dtype=np.uint64), np.array([[3.0]])
    known.add(words, values)
    values[:], words[:] = 0.0, 0
    assert known.values.tolist() == [[3.0]] and known.find(np.array([[1, 1]], dtype=np.uint64)).tolist() == [0]
