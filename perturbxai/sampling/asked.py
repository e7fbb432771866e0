"""Which coalitions a result asked: what it carries to tell them, and how a comparison reads that."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perturbxai.core.evaluations import Law, once
from perturbxai.core.types import Bools, Ints, Names, Presence
from perturbxai.sampling.strata import name_coalitions
from perturbxai.sampling.streams import Streams

NAME_BITS = 32
UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, StopIteration)


def tell_players(active: Ints, n_players: int) -> dict[str, Any]:
    """What a result carries of the players that were shown and hidden, where some of all P always were there."""
    return {} if len(active) == n_players else {"players": active.tolist()}


def tell_names(names: Sequence[Names], n_players: int) -> dict[str, str]:
    """What a result carries of the coalitions with these names, as text: one bit for each that there is, or the names.

    >>> tell_names([name_coalitions(np.eye(4, dtype=bool))], 4)
    {'bits': 'FgE='}
    """
    found = np.unique(np.concatenate(names))
    if 2**n_players > NAME_BITS * len(found):
        return {"names": _as_text(found.astype("<u4"))}
    asked = np.zeros(2**n_players, dtype=bool)
    asked[found] = True
    return {"bits": _as_text(np.packbits(asked, bitorder="little"))}


def _as_text(array: Any) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


@dataclass(frozen=True, eq=False)
class Asked:
    """The coalitions that a result asked of one input.

    players (P',)  numbers of those that were shown and hidden, in the order of the names' columns
    names          of the coalitions; None if all of these players' were asked
    """

    players: Ints
    names: Names | None

    @property
    def count(self) -> int:
        """How many they are at most, nothing and everything among them."""
        return int(2 ** len(self.players)) if self.names is None else len(self.names) + 2

    def holds(self, z: Presence) -> Bools:
        """(M,): which of the coalitions z (M, P) of all players were asked."""
        inner = z[:, self.players]
        size = inner.sum(axis=1)
        whole = z.sum(axis=1) - size == z.shape[1] - len(self.players)  # the others always are there
        if self.names is None:
            return np.asarray(whole)
        ends = (size == 0) | (size == len(self.players))
        return np.asarray(whole & (ends | np.isin(name_coalitions(inner), self.names)))


class Reader:
    """Reads what results tell; a design that several of them tell, or several inputs of one, is drawn again once."""

    def __init__(self) -> None:
        self._streams: dict[int, Streams] = {}
        self._names: dict[Any, Names] = {}

    def read(self, metas: Mapping[str, Mapping[str, Any]], n_players: int, digest: Sequence[int]) -> list[Asked]:
        """What results, by name, asked of one input of P players, each set of coalitions once.

        Raises ValueError for what is damaged, and for a design that comes out otherwise than when it was asked.
        """
        found: dict[Any, Asked] = {}
        for name, meta in metas.items():
            if "asked_coalitions" in meta:
                try:
                    key, asked = self._read(meta, n_players, digest)
                except UNREADABLE as error:
                    raise ValueError(
                        f"results: what {name!r} asked cannot be told from its meta['asked_coalitions'] ({error}), so that "
                        f"it might be scored on it. It was made with {meta.get('versions')}; explain again."
                    ) from error
                found[key] = asked
        return list(found.values())

    def _read(self, meta: Mapping[str, Any], n_all: int, digest: Sequence[int]) -> tuple[Any, Asked]:
        told, stage = meta["asked_coalitions"], meta.get("stages")
        players = np.arange(n_all)[told.get("players", slice(None))]
        if "design" not in told:
            what, text = next((what, told[what]) for what in ("bits", "names") if what in told)
            return (str(told.get("players")), text), Asked(players, _from_text(what, text))
        design = told["design"]
        key = design["seed"], design["check"], stage, meta["listed"]
        names = None if meta["listed"] else once(self._names, key, lambda: self._drawn(design, len(players), stage))
        columns = self._streams_of(design["seed"]).order(len(players), digest)
        return (str(told.get("players")), *key), Asked(players[np.argsort(columns)], names)

    def _streams_of(self, seed: int) -> Streams:
        return once(self._streams, seed, lambda: Streams(seed))

    def _drawn(self, told: Mapping[str, Any], n_players: int, stage: int | None) -> Names:
        """The names of a design's coalitions, as far as they were asked."""
        share = np.array(told["share"], dtype=np.float64)
        law = Law("", share, share, told["least"], tuple(told["listed"]), spanning=told["spanning"])
        portfolio = (str(told["check"]),), [law], n_players, told["budget"], told["background_rows"]
        streams = self._streams_of(told["seed"])
        stages = [streams.design(*portfolio)] if stage is None else streams.stages(*portfolio)
        if stages[-1].told["check"] != told["check"]:
            raise ValueError("coalitions are drawn otherwise today")
        return np.unique(name_coalitions(stages[-1 if stage is None else stage - 1].z))


def _from_text(what: str, text: str) -> Names:
    raw = base64.b64decode(text, validate=True)
    if what == "names":
        return np.frombuffer(raw, dtype="<u4")
    return np.flatnonzero(np.unpackbits(np.frombuffer(raw, dtype=np.uint8), bitorder="little")).astype(np.uint32)
