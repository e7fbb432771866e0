"""Whether two results can be set against each other player by player, and what else than what is asked differs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from perturbxai.core import checks
from perturbxai.core.methods import sees_fill, unnamed
from perturbxai.core.types import Floats, Objects, Picture
from perturbxai.core.wording import count, own_value, quoted, word
from perturbxai.results.explanation import Attribution
from perturbxai.results.taking import lacks_some

SHOWN = 6
BACKGROUND = ("background", "choose", "space_seed")
TOLD = {"budget": "budgets", "seed": "seeds", "fill": "fills"}


def two_names(names: Sequence[str]) -> tuple[str, str]:
    """What the two are called. Raises ValueError for what are not two texts that differ."""
    given = [] if isinstance(names, str) else checks.several("names", names, "two texts, such as ('before', 'after')")
    if len(given) != 2 or not all(isinstance(one, str) and one.strip() for one in given) or len(set(map(word, given))) < 2:
        raise ValueError(f"names={checks.as_given(names)} must be two texts that differ, such as ('before', 'after').")
    return given[0], given[1]


def common_names(a: Mapping[str, Attribution], b: Mapping[str, Attribution]) -> list[str]:
    """Of two mappings, in the order of a. Raises TypeError for what holds no Attribution, ValueError for none in common."""
    for side, mapping in (("a", a), ("b", b)):
        for name, one in mapping.items():
            if not isinstance(one, Attribution):
                raise TypeError(f"{side}[{name!r}] is {type(one).__name__}; expected an Attribution.")
    found = [name for name in a if name in b]
    if not found:
        raise ValueError(
            f"a has {quoted(list(a), SHOWN) or 'nothing'} and b {quoted(list(b), SHOWN) or 'nothing'}, with no name in "
            "common; give two Attributions, difference(a[...], b[...])."
        )
    return found


def check(a: Attribution, b: Attribution, called: tuple[str, str]) -> None:
    """Raises ValueError for two that have no common players and outputs to compare, or no common method or unit."""
    for name, one in zip(called, (a, b), strict=True):
        if not len(one):
            raise ValueError(f"{name!r} holds no explained input; give at least one of each.")
        _ = one.names  # which tells of inputs that differ in players
        if not all(np.isfinite(e.values).all() for e in one):
            raise ValueError(f"{name!r} has values that are not finite, of which there is no difference; leave them out.")
    _same_method(a, b, called)
    for key, what in (("scale", "scale"), ("score", "score"), ("space", "kind of space")):
        if a.meta.get(key) != b.meta.get(key):
            raise ValueError(
                f"{called[0]!r} has the {what} {a.meta.get(key)!r} and {called[1]!r} {b.meta.get(key)!r}, whose values are "
                "in other units; explain both alike, with Predictor(..., output=...) where it is their scale."
            )
    for what, own, other in (("outputs", a.outputs, b.outputs), ("features", a.names, b.names)):
        if len(set(own)) < len(own) or sorted(own) != sorted(other):
            only = [[one for one in x if one not in y] for x, y in ((own, other), (other, own))]
            raise ValueError(
                f"{what} must be the same by name, each once: only {called[0]!r} has {quoted(only[0], SHOWN) or 'none'}, "
                f"only {called[1]!r} has {quoted(only[1], SHOWN) or 'none'}. Take what both have"
                f"{', a[:, [...]]' if what == 'features' else ' with outputs=[...] when explaining'}."
            )


def _same_method(a: Attribution, b: Attribution, called: tuple[str, str]) -> None:
    first, second = unnamed(a.method), unnamed(b.method)
    if type(first) is not type(second) or repr(first) != repr(second):
        raise ValueError(
            f"{called[0]!r} is by {checks.as_given(first)} and {called[1]!r} by {checks.as_given(second)}: a difference of "
            "methods is none of models or groups. Give results of one method and options; compare() is for methods."
        )


# ------------------------------------------------------------------------------------------------ the same inputs, or others


def of_pairs(a: Attribution, b: Attribution, paired: bool | None, called: tuple[str, str]) -> bool:
    """Whether both are of the same inputs. Raises ValueError for some in common, for what `paired` denies, for photos."""
    own, other = _keys(a, b)
    same = own == other
    if np.ndim(a[0].input) > 1:
        _check_photos(a, b, same, called)
    if same and paired is not False:
        return True
    common = set(own) & set(other)
    labels = [e.label for e in a]
    if paired:
        in_order = len(own) == len(other) and len(common) == len(set(own)) == len(set(other))
        way = (
            f"they are the same in another order; give {called[1]!r} in that of {called[0]!r}, b[[...]]"
            if in_order
            else "explain the same inputs by both, or leave paired= out for two groups"
        )
        raise ValueError(f"paired=True, but the inputs of {called[0]!r} and {called[1]!r} are not the same: {way}.")
    if common and (paired is None or _cases(a, own) & _cases(b, other)):
        there = [labels[n] for n, one in enumerate(own) if one in common]
        raise ValueError(
            f"{count(len(there), 'input')} of {called[0]!r} ({quoted(there, SHOWN)}) {'is' if len(there) == 1 else 'are'} "
            f"in {called[1]!r} too. Give the same inputs in the same order for two models, or groups without a common one; "
            "where equal rows are other cases, with other labels, paired=False takes them as groups."
        )
    return False


def _keys(a: Attribution, b: Attribution) -> tuple[list[Hashable], list[Hashable]]:
    """What tells the inputs of both apart: what rows have in the table's own terms, or coded values and pixels.

    Two spaces may code one row otherwise, and two rows alike. Of results that were taken from others some features tell too
    little: what the codes are counts then.
    """
    told = _told(a), _told(b)
    if told[0] is None or told[1] is None or set(a.names) != set(b.names):
        return _coded(a), _coded(b)
    in_order = [b.names.index(name) for name in a.names]
    return _words(told[0]), _words(told[1][:, in_order])


def _told(result: Attribution) -> Objects | None:
    """(N, P): what rows have at all players, None where that is not known."""
    if np.ndim(result[0].input) != 1 or any(lacks_some(e.meta, len(e.names)) for e in result):
        return None
    return result.feature_values


def _words(told: Objects) -> list[Hashable]:
    return [tuple(own_value(one, 17) for one in row) for row in told]


def _coded(result: Attribution) -> list[Hashable]:
    return [(np.shape(e.input), _plain(e.input).tobytes()) for e in result]


def _plain(input_: Floats | Picture) -> Floats:
    """Numbers that are equal byte by byte where they are equal: no -0, and one kind of NaN."""
    found = np.asarray(input_, dtype=np.float64)
    return np.where(np.isnan(found), np.nan, found + 0.0)


def _cases(result: Attribution, keys: Sequence[Hashable]) -> set[tuple[Hashable, Hashable]]:
    """Inputs with what they are called: two rows that have the same may be two cases."""
    return {(key, e.label) for key, e in zip(keys, result, strict=True)}


def _check_photos(a: Attribution, b: Attribution, same: bool, called: tuple[str, str]) -> None:
    if not same:
        raise ValueError(
            f"{called[0]!r} and {called[1]!r} are of other photos, whose superpixels are not the same and cannot be "
            "compared one by one; difference() takes two models' results of one photo."
        )
    if len(a) > 1:
        raise ValueError(
            f"both hold {len(a)} photos, whose superpixels are not the same, so that there is no mean over them; take one "
            "after the other, difference(a[[0]], b[[0]])."
        )
    cut = [{key: one.meta.get(key) for key in ("segments", "n_segments", "superpixels")} for one in (a, b)]
    if cut[0] != cut[1]:
        raise ValueError(
            f"{called[0]!r} and {called[1]!r} cut the photo otherwise ({_cut(cut[0])}; {_cut(cut[1])}), so that their "
            "superpixels are not the same; explain both in one ImageSpace."
        )


def _cut(told: Mapping[str, Any]) -> str:
    return f"segments={told['segments']!r}, n_segments={told['n_segments']!r}"


# ------------------------------------------------------------------------------------------------ what else differs


def one_background(a: Attribution, b: Attribution) -> bool:
    """Whether the same rows stand for what is hidden, as far as the results tell."""
    return all(a.meta.get(key) == b.meta.get(key) for key in BACKGROUND)


def notes(a: Attribution, b: Attribution, pairs: bool, called: tuple[str, str]) -> list[str]:
    """Sentences on what else differs than what is asked."""
    first, second = (word(one) for one in called)
    found = []
    for key, what in TOLD.items():
        own, other = a.meta.get(key), b.meta.get(key)
        if own != other and (key != "fill" or sees_fill(a.method)):
            found.append(f"Their {what} differ: {_said(own)} in {first}, {_said(other)} in {second}.")
    if not one_background(a, b):
        found.append(f"Other rows stand for what is hidden in {first} and in {second}: part of what differs may be that.")
    elif not pairs and not np.allclose(a.base[0], b.base[0][[b.outputs.index(one) for one in a.outputs]], rtol=1e-9):
        found.append(
            f"With everything hidden {first} and {second} have other outputs: they are of other models or backgrounds, and "
            "part of what differs may be that."
        )
    if pairs and a.meta.get("seed") is not None and a.meta.get("seed") == b.meta.get("seed"):
        found.append(
            "One seed asked both the same questions, so that their errors go together in part; at single inputs they count "
            "as independent, which is too wide rather than too narrow."
        )
    return found


def _said(value: object) -> str:
    return f"{value:,}" if checks.is_whole(value) else "none" if value is None else word(value)
