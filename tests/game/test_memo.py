"""Names of rows, and the memo of what was asked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturbxai.game import row_memo
from perturbxai.game.row_memo import RowMemo
from perturbxai.inputs import row_names
from perturbxai.inputs.row_names import distinct, hash_cells, hash_rows, hash_values

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
    monkeypatch.setattr(row_names, "BLOCK", 31)  # ten rows
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


def test_names_that_crowd_at_the_end_of_the_table_go_on_at_its_front():
    last = np.uint64(2**64 - 1)
    words = np.stack([np.full(40, last), np.arange(40, dtype=np.uint64)], axis=1)
    known = RowMemo(1)
    known.add(words[:20], np.arange(20.0)[:, None])
    np.testing.assert_array_equal(known.find(words), [*range(20), *[-1] * 20])


def test_an_empty_memo_finds_nothing():
    assert RowMemo(3).find(hash_rows(np.ones((2, 2)))).tolist() == [-1, -1]


def test_a_name_with_a_known_first_word_only_is_not_known():
    known = RowMemo(1)
    known.add(np.array([[5, 1], [7, 1]], dtype=np.uint64), np.array([[1.0], [2.0]]))
    asked = np.array([[5, 1], [5, 2], [6, 1], [7, 1], [9, 1]], dtype=np.uint64)
    assert known.find(asked).tolist() == [0, -1, -1, 1, -1]


def bounded(monkeypatch, room, n_outputs=2):
    """A memo with room for so many names."""
    monkeypatch.setattr(row_memo, "MEMO_BYTES", room * (37 + 8 * n_outputs))
    monkeypatch.setattr(row_memo, "LEAST_ROWS", 1)
    return RowMemo(n_outputs)


def numbered(numbers):
    """(U, 2) names, sorted, and (U, 2) values that tell which they are."""
    numbers = np.sort(np.asarray(numbers, dtype=np.int64))
    return np.stack([numbers, numbers], axis=1).astype(np.uint64), np.stack([numbers, -numbers], axis=1).astype(float)


@pytest.mark.parametrize("batches", [[30], [4, 4, 4, 4], [9, 9], [1] * 40])
def test_the_memo_is_bounded(monkeypatch, batches):
    known = bounded(monkeypatch, 10)
    for number, size in enumerate(batches):
        known.add(*numbered(100 * number + np.arange(size)))
        held = [part for part in vars(known).values() if isinstance(part, np.ndarray)]
        assert sum(part.nbytes for part in held) <= row_memo.MEMO_BYTES
    assert 1 <= known.n_rows <= 10


@pytest.mark.parametrize("n_names", [7, 20, 21, 35, 100])
def test_a_full_memo_knows_at_least_the_newest_half(monkeypatch, n_names):
    known = bounded(monkeypatch, 20)
    for number in range(n_names):
        known.add(*numbered([number]))
    assert (known.find(numbered(np.arange(max(0, n_names - 10), n_names))[0]) >= 0).all()


def test_a_memo_of_many_outputs_has_room_all_the_same():
    assert RowMemo(10_000).room == row_memo.LEAST_ROWS


def test_a_full_memo_knows_the_names_that_are_asked_for_again_and_again(monkeypatch):
    known = bounded(monkeypatch, 20)
    often = numbered([3, 5, 8])
    known.add(*often)
    for number in range(100, 300, 4):
        at = known.find(often[0])
        np.testing.assert_array_equal(known.values[at], often[1])
        known.add(*numbered(number + np.arange(4)))


@FEW
@given(st.integers(0, 10**6), st.integers(1, 40), st.lists(st.integers(1, 25), max_size=12))
def test_what_a_full_memo_still_knows_is_right(seed, room, sizes):
    """Against a dictionary that forgets nothing: the same values, or none."""
    rng = np.random.default_rng(seed)
    everything = rng.permutation(10**6)[: sum(sizes)]
    with pytest.MonkeyPatch.context() as patch:
        known = bounded(patch, room)
    told: dict[int, int] = {}
    for size in sizes:
        batch = everything[len(told) : len(told) + size]
        known.add(*numbered(batch))
        told |= {int(number): 1 for number in batch}
        asked = rng.choice(10**6, 10).tolist() + rng.choice(list(told), 10).tolist()
        words, values = numbered(asked)
        at = known.find(words)
        np.testing.assert_array_equal(known.values[at[at >= 0]], values[at >= 0])
        assert all(int(word) in told for word in words[at >= 0, 0])


def test_the_memo_keeps_a_copy_of_the_values():
    known = RowMemo(1)
    words, values = np.array([[1, 1]], dtype=np.uint64), np.array([[3.0]])
    known.add(words, values)
    values[:], words[:] = 0.0, 0
    assert known.values.tolist() == [[3.0]] and known.find(np.array([[1, 1]], dtype=np.uint64)).tolist() == [0]


@FEW
@given(st.integers(0, 10**6), st.lists(st.integers(0, 25), max_size=8), st.sampled_from([25, 60, 1000]))
def test_entering_is_looking_up_one_after_the_other_and_numbering_what_is_new(seed, sizes, room):
    """Against a dictionary: a name stands in one place, new ones last, in the order in which they first come."""
    rng = np.random.default_rng(seed)
    known, told = RowMemo(1, room=room), dict[int, float]()
    for size in sizes:
        asked = rng.integers(0, 40, size)
        words = np.stack([asked, asked], axis=1).astype(np.uint64)
        before = set(known.words[:, 0].tolist())
        places, first = known.enter(words)
        stayed = set(known.words[: known.n_rows - len(first), 0].tolist())
        assert stayed <= before  # some may have been forgotten
        fresh = [number for number in dict.fromkeys(asked.tolist()) if number not in stayed]
        assert asked[first].tolist() == fresh == known.words[known.n_rows - len(first) :, 0].tolist()
        np.testing.assert_array_equal(known.words[places], words)
        told |= {number: rng.random() for number in fresh}
        known.values[known.n_rows - len(first) :] = np.array([told[number] for number in fresh]).reshape(-1, 1)
        np.testing.assert_array_equal(known.values[:, 0], [told[int(word)] for word in known.words[:, 0]])


def test_names_that_are_dropped_are_not_known_and_the_others_are():
    known = RowMemo(1)
    words, values = numbered(np.arange(10))
    known.add(words[:4], values[:4, :1])
    known.enter(words[4:])
    known.drop(5)
    known.values[4] = 7.0
    np.testing.assert_array_equal(known.find(words), [0, 1, 2, 3, 4, *[-1] * 5])
    assert known.enter(words[5:])[0].tolist() == [5, 6, 7, 8, 9]


def test_more_names_than_there_is_room_for_are_refused():
    with pytest.raises(ValueError, match="11 names are more than the 10"):
        RowMemo(1, room=10).enter(numbered(np.arange(11))[0])


@FEW
@given(st.integers(0, 10**6), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 15)), max_size=8))
def test_rows_are_counted_once_a_question_and_once_a_user(seed, questions):
    rng = np.random.default_rng(seed)
    known, used = RowMemo(1), Counter[int]()
    known.enter(numbered(np.arange(20))[0])
    by_user: dict[int, set[int]] = {}
    for size, users in questions:
        places, number = rng.integers(0, 20, size), known.question()
        seen: set[int] = set()
        for part in np.array_split(places, 3):  # as windows come
            fresh = known.count(part, number, users, used).tolist()
            assert fresh == [place for place in dict.fromkeys(part.tolist()) if place not in seen]
            seen |= set(fresh)
        for bit in row_names.bits(users):
            by_user.setdefault(bit, set()).update(places.tolist())
    assert {bit: n for bit, n in used.items() if n} == {bit: len(own) for bit, own in by_user.items() if own}
