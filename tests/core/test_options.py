"""Options are checked whatever way their kind is written: as the type, as a union, or as the words of either."""

from typing import Optional, Union

import numpy as np
import pandas as pd
import pytest

from perturbxai.core.options import options

WRITTEN = [float, "float", float | None, "float | None", Optional[float], Union[int, float], "int | float"]  # noqa: UP007, UP045


def declared(kind):
    return options(type("Mine", (), {"__annotations__": {"width": kind}, "width": 1.0}))


@pytest.mark.parametrize("kind", WRITTEN, ids=str)
def test_a_value_of_another_kind_is_refused(kind):
    with pytest.raises(TypeError, match=r"Mine\(width='wide'\): expected .*number"):
        declared(kind)(width="wide")


@pytest.mark.parametrize("kind", WRITTEN, ids=str)
def test_a_value_of_the_kind_is_taken(kind):
    assert declared(kind)(width=2.5).width == 2.5
    assert declared(kind)(width=10**20).width == 1e20  # beyond 64 bits, where floats are taken


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (int, 2.5, "a whole number"), ("int | None", 2.5, "a whole number"), (int, float("nan"), "a whole number"),
        (int, np.float32(2.5), "a whole number"), (int, True, "a whole number"), (int, None, "a whole number"),
        (float, True, "a number"), (float, None, "a number"), (float, np.True_, "a number"), (str, None, "text"),
        (bool, None, "True or False"), (bool, 1, "True or False"), (str | None, False, "text"),
        ("float|None", "2", "a number"),
    ],
    ids=str,
)  # fmt: skip
def test_fractions_truth_values_and_none_are_taken_only_where_they_are_declared(kind, value, words):
    with pytest.raises(TypeError, match=rf"^Mine\(width=.*{str(value)[:1]}.*\): expected {words};"):
        declared(kind)(width=value)


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (int, 2.0, 2), (int, np.float32(3.0), 3), (int | float, 2.5, 2.5), (float, 2, 2), (bool, np.True_, True),
        ("int|None", None, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_number_is_kept_as_the_kind_that_is_declared(kind, value, kept):
    found = declared(kind)(width=value).width
    assert found == kept and type(found) is type(kept)


def test_the_own_check_of_a_method_which_knows_its_bounds_has_the_first_word():
    def check(self):
        if not 1 <= self.width <= 9 or self.width % 1:
            raise ValueError(f"width={self.width}: from 1 to 9")

    own = options(type("Mine", (), {"__annotations__": {"width": int}, "width": 1, "__post_init__": check}))
    with pytest.raises(ValueError, match=r"width=2\.5: from 1 to 9"):
        own(width=2.5)


@pytest.mark.parametrize("kind", [list[int], "list[int]", tuple[int, ...] | None], ids=str)
def test_kinds_that_are_not_plain_take_any_value_that_is_not_missing(kind):
    assert declared(kind)(width=[1]).width == [1]
    with pytest.raises(TypeError, match="expected a value"):
        declared(kind)(width=pd.NA)
