"""Options are checked whatever way their kind is written: as the type, as a union, or as the words of either."""

from typing import Optional, Union

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


@pytest.mark.parametrize("kind", [list[int], "list[int]", tuple[int, ...] | None], ids=str)
def test_kinds_that_are_not_plain_take_any_value_that_is_not_missing(kind):
    assert declared(kind)(width=[1]).width == [1]
    with pytest.raises(TypeError, match="expected a value"):
        declared(kind)(width=pd.NA)
