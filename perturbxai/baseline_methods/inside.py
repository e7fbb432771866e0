"""What the methods of one call see of a network: each picture once, at the layers that were named or found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from perturbxai.baseline_methods.pixels import Pixels, View
from perturbxai.core.stopping import context
from perturbxai.core.types import Floats, Picture
from perturbxai.game.game import Game
from perturbxai.models.masks import SeenThrough
from perturbxai.models.predictor import ModelError, Predictor
from perturbxai.models.torch_types import Net, Tensor

if TYPE_CHECKING:  # loads torch
    from perturbxai.baseline_methods.places import Place


@dataclass(eq=False)
class Found:
    """The places for pictures of a size in a network in some state. ran: what it ran when it was first looked at there."""

    state: Any
    places: list[Place]
    ran: tuple[str, ...] | None = None


Told: TypeAlias = "tuple[dict[tuple[int, ...], Found], dict[tuple[int, ...], int]]"
# by predictor, and by the pictures' size and what is looked for
_found: WeakKeyDictionary[Predictor, dict[Any, Found]] = WeakKeyDictionary()


@dataclass(eq=False)
class Inside:
    """Views of the pictures of a game, at one or several layers, through a network that the predictor lends.

    layers         names, or None to find one;  score: "logit" or "probability"
    differentiate  whether some method reads gradients
    asked          rows and model seconds that single methods asked for, beside the passes that all share
    searched       rows that told where the layers are, by the pictures' shape
    came_along     inputs whose v(N) came with the look at them
    known          what the rows of a table share, and the methods by the pixel
    shared         by method the fills that it had seen for an earlier input
    """

    predictor: Predictor
    game: Game
    layers: tuple[str, ...] | None
    score: str
    differentiate: bool

    def __post_init__(self) -> None:
        self.asked = 0, 0.0
        self.searched: dict[tuple[int, ...], int] = {}
        self.came_along: set[int] = set()
        self.known: dict[Any, Any] = {}
        self.shared: dict[str, int] = {}
        self._places: dict[tuple[int, ...], Found] = {}
        self._judged: set[tuple[int, ...]] = set()  # sizes at which places of an earlier call were seen to be right
        self._kept: dict[bytes, list[View]] = {}  # the last picture and the last fill
        self._picture, self._fill = b"", b""
        self._used_fill: dict[str, bytes] = {}
        self._asks: dict[int, Callable[[Floats], Floats]] = {}

    def about(self, game: Game) -> Inside:
        """The same of other inputs of the call, which share where the maps are and what it took to find them."""
        found = replace(self, game=game)
        found._places, found._judged, found.searched = self._places, self._judged, self.searched
        return found

    def places(self, picture: Picture) -> list[Place]:
        """Where the maps are, for pictures of this size: found once a Predictor, and again where the network has changed."""
        if not self.recalls(picture):
            self._note(picture.shape, Found(self._state(), self._search(picture)))
        return self._places[picture.shape].places

    def recalls(self, picture: Picture) -> bool:
        """Whether that is known: from this call, or from an earlier one of the network as it is."""
        if picture.shape not in self._places:
            found = _found.get(self.predictor, {}).get(self._name(picture.shape))
            if found is not None and found.state == self._state():
                self._places[picture.shape] = found
        return picture.shape in self._places

    def told(self) -> Told:
        """Where the maps are, and what it took to find them, for another that looks inside the same network."""
        return {shape: replace(found, state=None) for shape, found in self._places.items()}, dict(self.searched)

    def know(self, told: Told) -> None:
        """Take that over, as if it was found here."""
        places, searched = told
        for shape, found in places.items():
            if shape not in self._places:
                self._note(shape, replace(found, state=self._state()))
            self._places[shape].ran = self._places[shape].ran or found.ran
        self.searched |= searched

    def _note(self, shape: tuple[int, ...], found: Found) -> None:
        _found.setdefault(self.predictor, {})[self._name(shape)] = self._places[shape] = found

    def _name(self, shape: tuple[int, ...]) -> Any:
        """What places are looked for."""
        columns = None if self.layers else (*self.game.learn().columns.tolist(), self.score)
        return shape, self.layers, columns, self.differentiate

    def _state(self) -> Any:
        return self.predictor.network_model().state()

    def _search(self, picture: Picture) -> list[Place]:
        from perturbxai.baseline_methods import places, trail

        before = self.predictor.rows
        try:
            with self._network(picture) as (net, batch):
                if self.layers is None:
                    return [places.last_map(net, batch, self._scores)]
                shown = trail.survey(net, batch)
                return [places.named_place(net, shown, name) for name in self.layers]
        finally:
            self._count_search(picture, before)

    def _count_search(self, picture: Picture, before: int) -> None:
        self.searched[picture.shape] = self.searched.get(picture.shape, 0) + self.predictor.rows - before

    def view(self, picture: Picture, layer: int, number: int | None = None) -> View:
        """The picture from inside. An input's picture and fill are kept, because every method of a call looks at them.

        number: of the input that it is the picture of, whose v(N) comes with the look
        """
        name = bytes_of(picture)
        if name not in self._kept:
            places, inside = self._look(picture, number)
            for place, found in zip(places, inside, strict=True):
                if not all(np.isfinite(part).all() for part in (found.scores, found.activations, found.gradients)):
                    raise ModelError(f"layer {place.label!r}: map, gradient or scores are not finite; mend the model.")
            self._picture = self._picture if name == self._fill else name
            self._kept = {one: seen for one, seen in self._kept.items() if one in (self._picture, self._fill)}
            self._kept[name] = [self._metered(picture, found) for found in inside]
        return self._kept[name][layer]

    def _look(self, picture: Picture, number: int | None) -> tuple[list[Place], list[View]]:
        """The places, and one forward pass seen there. Places that an earlier call found and that are none now are looked
        for anew."""
        from perturbxai.baseline_methods.views import OtherOperations, views

        def once(places: list[Place]) -> list[View]:
            with self._network(picture) as (net, batch):
                told, batches = partial(self._told, picture, batch, number), self.predictor.in_batches
                return views(net, batch, places, self._scores, differentiate=self.differentiate, batches=batches, told=told)

        places, before = self.places(picture), self.predictor.rows
        try:
            return places, once(places)
        except OtherOperations:
            if self.searched.get(picture.shape) or picture.shape in self._judged:  # found in this call, or right so far
                raise
            self._count_search(picture, before)
            del self._places[picture.shape]
            _found.pop(self.predictor, None)
        places = self.places(picture)
        return places, once(places)

    def _told(self, picture: Picture, batch: Tensor, number: int | None, given: object, ran: tuple[str, ...]) -> None:
        """Take note of v(N) of an input, which a look at its picture gives too, if nobody asked for it before.

        Raises OtherOperations if the network ran others than when it was first looked at there, in an earlier call.
        """
        from perturbxai.baseline_methods.views import OTHER, OtherOperations

        found = self._places[picture.shape]
        if found.ran is None:
            found.ran = ran
        elif found.ran != ran and picture.shape not in self._judged and not self.searched.get(picture.shape):
            raise OtherOperations(f"layer={found.places[0].label!r}: {OTHER}")
        self._judged.add(picture.shape)  # as where it is found in a call, the first picture of a size decides
        if number is not None and not self.game.knows_ends(number)[1]:
            self.game.know_own_values(number, self.predictor.values_of(given, batch)[0])
            self.came_along.add(number)

    def view_of_fill(self, fill: Picture, layer: int, method: str) -> View:
        """A fill from inside, for a method of the call. It stays until there is another, for all inputs that it is alike."""
        name = bytes_of(fill)
        if name in self._kept and self._used_fill.get(method) == name:
            self.shared[method] = self.shared.get(method, 0) + 1
        self._fill = self._used_fill[method] = name
        return self.view(fill, layer)

    def view_of_input(self, number: int, layer: int) -> View:
        """An input's picture from inside, which can be seen through maps as well."""
        one = self.game.pictures[number]
        ask = self._asks.setdefault(number, _once(lambda maps: self._ask(number, maps)))
        return replace(self.view(one.picture, layer, number), ask=ask)

    def pixels(self, number: int, layer: int) -> Pixels:
        """An input's picture by the pixel, with its view at the layer."""
        logits, view = partial(self._scores, score="logit"), partial(self.view_of_input, number, layer)
        return Pixels(self.game, number, self._scores, logits, self.known, view)

    def count(self, pixels: Pixels) -> None:
        """Take what a method by the pixel asked for itself out of what all passes share."""
        self.asked = self.asked[0] + pixels.fresh[0], self.asked[1] + pixels.fresh[1]

    def _metered(self, picture: Picture, found: View) -> View:
        """A view that asks through the Predictor, each question once."""

        def respond(activations: Floats) -> Floats:
            with self._network(picture):
                return np.asarray(found.respond(activations))

        @cache
        def ablated() -> Floats:
            with self._asking(), self._network(picture):
                return found.ablated()

        return replace(found, respond=_once(respond), ablated=ablated)

    def _ask(self, number: int, maps: Floats) -> Floats:
        """(M, K): values of an input's picture seen through maps (M, h, w); through a constant one its bare fill is seen."""
        one, columns = self.game.pictures[number], self.game.learn().columns
        empty, _ = self.game.ends(number)
        values = np.repeat(empty[None], len(maps), axis=0)
        varied = np.flatnonzero(np.ptp(maps.reshape(len(maps), -1), axis=1) > 0)
        with self._asking():
            for start, stop, found in self.predictor.run(SeenThrough(one.picture, one.fill, maps[varied])):
                values[varied[start:stop]] = found[:, columns]
        return values

    def _scores(self, given: object, score: str | None = None) -> Tensor:
        """(n, K) tensor: the scores that are explained, still differentiable."""
        return self.predictor.network_model().differentiable(given, score or self.score)[:, self.game.learn().columns]

    @context
    def _asking(self) -> Iterator[None]:
        rows, seconds = self.predictor.rows, self.predictor.seconds
        yield
        self.asked = (self.asked[0] + self.predictor.rows - rows, self.asked[1] + self.predictor.seconds - seconds)

    @context
    def _network(self, picture: Picture) -> Iterator[tuple[Net, Tensor]]:
        with self.predictor.network() as net:
            yield net, self.predictor.tensor(picture[None])


def bytes_of(picture: Picture) -> bytes:
    """The name of a picture: one fill of another shape may have the same bytes."""
    return repr(picture.shape).encode() + picture.tobytes()


def _once(ask: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """A function of an array that is not asked the same twice."""
    known: dict[bytes, Floats] = {}

    def asked(given: Floats) -> Floats:
        name = sha256(np.ascontiguousarray(given).data).digest()
        if name not in known:
            known[name] = ask(given)
        return known[name]

    return asked
