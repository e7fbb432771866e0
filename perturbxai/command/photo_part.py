"""The configured pictures and their model, checked, explained by all methods under every fill, and compared."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np

from perturbxai import assets
from perturbxai.calls.baselines import check_methods
from perturbxai.calls.baselines_in_turn import baselines_in_turn
from perturbxai.calls.compare import compare_in_turn, compare_steps
from perturbxai.calls.comparison import Comparison
from perturbxai.calls.explain_call import Call
from perturbxai.calls.in_turn import explain_in_turn
from perturbxai.calls.steps import Step, called, how_many, straight
from perturbxai.command.config import Naming, PhotoConfig
from perturbxai.command.photo_files import OURS, Photos, read_photos
from perturbxai.command.user_model import Part, make_model, reason
from perturbxai.command.values import ALL, ON_PICTURES
from perturbxai.core import catalogue
from perturbxai.core.stopping import beside
from perturbxai.core.wording import quoted
from perturbxai.game.game import MANY_OUTPUTS, Game
from perturbxai.inputs.fills import describe_fill
from perturbxai.inputs.spaces import ImageSpace
from perturbxai.models.predictor import Predictor
from perturbxai.results.explanation import Attribution

BATCH = 8  # pictures a call of the model: networks on a CPU gain nothing from more
FACTORY = "Of pictures a factory takes nothing: let it return the model, which may be a function of pictures."
EXPECTED = "a model, (model, transform), (model, transform, class names), or a Predictor"


def load_photo(section: PhotoConfig, seed: int, progress: bool, naming: Naming = str) -> Part:
    """The model as a Predictor, and the work on the pictures, ready to start."""
    photos = read_photos(section, naming)
    predictor, facts = _predictor(section, progress, naming)
    facts |= {"pictures": photos.facts, "pictures_left_out": photos.left_out, "left_out": {}}
    job = PhotoJob(section, predictor, photos, seed, naming, facts["left_out"])
    job.check()
    return Part(section, predictor, job.work, facts, lambda one: one.input[None], job.planned)


def _predictor(section: PhotoConfig, progress: bool, naming: Naming) -> tuple[Predictor, dict[str, Any]]:
    """What the model's name stands for, as a Predictor, and what the manifest tells of it."""
    key, facts = f"{naming('photo.model')} = {section.model!r}", dict[str, Any]()
    if section.model == OURS:
        given: Any = (*assets.efficientnet_lite0(), assets.imagenet_classes())
    else:
        given, facts["model"], _ = make_model(
            section.model, naming("photo.model"), {}, FACTORY, (section.trust, naming("photo.trust"))
        )
    if isinstance(given, Predictor):
        for name in ("output", "batch_size"):
            if getattr(section, name) is not None:
                raise ValueError(
                    f"{naming(f'photo.{name}')}: {section.model} made a Predictor, which has its own; leave it out."
                )
        given.progress = progress
        return given, facts
    parts = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(parts) not in (1, 2, 3):
        raise ValueError(f"{key} came to {len(parts)} things; expected {EXPECTED}.")
    model, transform, names = (*parts, None, None)[:3]
    if transform is not None and not callable(transform):
        raise ValueError(f"{key}: the second is {type(transform).__name__}, and no transform; expected {EXPECTED}.")
    options = {"outputs": names, "transform": transform, "batch_size": section.batch_size or BATCH, "progress": progress}
    try:
        predictor = Predictor(model, output=section.output, **options)
    except TypeError as error:
        raise ValueError(f"{key}: {error} Expected {EXPECTED}.") from error
    except ValueError as error:  # a scale that the model does not have
        raise ValueError(f"{naming('photo.output')}: {error}") from error
    if section.output is None and predictor.kind == "network":
        predictor = Predictor(model, output="logit", **options)
    return predictor, facts


@dataclass
class PhotoJob:
    """All methods under every fill, maps and controls, on the same superpixels, scored under every fill.

    left_out  method -> why it cannot explain these pictures, of those that "all" stands for
    cut       what cuts the pictures, as for ImageSpace; None: what the section names
    step      takes what was found before a run was stopped;  planned: how many there are, by kind
    """

    section: PhotoConfig
    predictor: Predictor
    photos: Photos
    seed: int
    naming: Naming
    left_out: dict[str, str] = field(default_factory=dict)
    cut: Any = None
    step: Step = straight
    planned: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        section = self.section
        recipe = ImageSpace(segments=self.cut or section.segments, n_segments=section.n_segments, fill=section.fills[0])
        self.spaces = {describe_fill(fill): recipe.with_fill(fill) for fill in section.fills}
        self.space = next(iter(self.spaces.values()))
        chosen = ON_PICTURES if section.methods == (ALL,) else section.methods
        more = section.baselines
        more = catalogue.IN_A_PASS if more is None else catalogue.MAPS if more == (ALL,) else more
        self.explainers = [name for name in chosen if name in catalogue.EXPLAINERS]
        self.maps = list(dict.fromkeys([*(name for name in chosen if name in catalogue.MAPS), *more]))
        # who names a method is told why it cannot work; of all of them, those that can are taken
        named = "methods" in section.model_fields_set and section.methods != (ALL,)
        self.optional = set() if named else set(chosen)
        self.optional |= set(more) - set(section.methods) if section.baselines in (None, (ALL,)) else set()

    def check(self) -> None:
        """What explain() and baselines() would refuse without the model, before the first of them asks it."""
        games = [Game(self.predictor, space, self.photos.pictures, self._named()) for space in self.spaces.values()]
        self.explainers = [name for name in self.explainers if self._works(name, partial(self._asks, name, games))]
        for game in games if self.explainers else ():
            self._call(self.explainers, game).check()
        self.maps = [name for name in self.maps if self._works(name, partial(self._check_map, name))]
        if self.section.layer is not None:
            self._check_layer(self.section.layer)
        if not self.explainers and not self.maps:
            why = "; ".join(f"{name}: {reason}" for name, reason in self.left_out.items())
            raise ValueError(f"{self.naming('photo.methods')}: none can explain these pictures. {why}")
        self.planned = self._plan(games[0])

    def _plan(self, game: Game) -> dict[str, int]:
        """How many steps there are of each kind, if all that "all" stands for work."""
        n_distinct = len(set(game.first_alike))  # those that are the same go together
        each = how_many(self.space, n_distinct)
        of_the_fill = [name for name in self.maps if name in catalogue.OF_THE_FILL]
        n_calls = len(self.spaces) * self._n_calls(of_the_fill) + self._n_calls([*set(self.maps) - {*of_the_fill}])
        explained = len(self.spaces) * each if self.explainers else 0
        scored = compare_steps(self.section.metrics, self.space, n_distinct)
        return {"explain": explained, "maps": n_calls * each, "compare": len(self.spaces) * scored}

    def _n_calls(self, maps: list[str]) -> int:
        """How often `_baselines` calls for these."""
        together = {self._score(name) for name in maps if name not in self.optional}
        return len(together) + sum(name in self.optional for name in maps)

    def work(self, step: Step) -> Comparison:
        """Explain and compare. Raises ValueError for more classes than a table can show."""
        self.step, section = step, self.section
        results = self.explained()
        with beside(results):
            return compare_in_turn(
                results, self.predictor, self.space, called("compare", step), metrics=section.metrics, fills=section.fills,
                seed=self.seed, n_jobs=section.jobs,
            )  # fmt: skip

    def explained(self) -> dict[str, Attribution]:
        """Name -> Attribution of every method, "lime@blur" where a fill enters it, each picture called by its file."""
        outputs = self._named() or self._highest()
        results: dict[str, Attribution] = {}
        for fill, space in self.spaces.items():
            found: dict[str, Attribution] = {}
            with beside(results, lambda name, fill=fill: f"{name}@{fill}"):  # type: ignore[misc]
                if self.explainers:
                    with beside({}, each=self._labelled), self.predictor.watched(f"explain, {fill}"):
                        ours = explain_in_turn(
                            self.explainers, self.predictor, space, self.photos.pictures,
                            called(f"explain {fill}", self.step), outputs=outputs,
                            budget=self.section.budget, seed=self.seed, n_jobs=self.section.jobs,
                        )  # fmt: skip
                    found |= {name: self._labelled(one) for name, one in ours.items()}
                with beside(found):
                    of_the_fill = [name for name in self.maps if name in catalogue.OF_THE_FILL]
                    found |= self._baselines(of_the_fill, space, outputs, f", {fill}")
            results |= {f"{name}@{fill}": one for name, one in found.items()}
        without = [name for name in self.maps if name not in catalogue.OF_THE_FILL]
        with beside(results):
            results |= self._baselines(without, self.space, outputs, "")
        return results

    # -------------------------------------------------------------------------------------------- before the model

    def _works(self, name: str, check: Callable[..., object]) -> bool:
        """Whether a method passes its check; one that was named has to."""
        try:
            check()
        except (TypeError, ValueError, ImportError) as error:
            if name not in self.optional:
                raise
            self.left_out[name] = reason(name, error)
            return False
        return True

    def _asks(self, name: str, games: list[Game]) -> None:
        """Refuse an explainer that needs more than the budget, beside those that come before it if it is not asked for."""
        before = self.explainers[: self.explainers.index(name)] if name in self.optional else []
        others = [one for one in before if one not in self.left_out]
        for game in games:
            self._call([*others, name], game).check()

    def _call(self, names: list[str], game: Game) -> Call:
        named = {name: catalogue.load(catalogue.EXPLAINERS, name)() for name in names}
        return Call(named, game, self.seed, self.section.budget)

    def _check_map(self, name: str) -> None:
        check_methods({name: _map_of(name)()}, self.predictor, self.space, None, self._score(name))

    def _check_layer(self, names: tuple[str, ...]) -> None:
        """Refuse layers that the network does not have. "#1" tells a module's calls apart, "input of" its other side."""
        key = self.naming("photo.layer")
        if not any(_map_of(name).passes for name in self.maps):
            raise ValueError(f"{key} is for class activation maps, and none is asked for.")
        known = [name for name, _ in self.predictor.network_model().inner.named_modules() if name]
        for name in names:
            module = name.removeprefix("input of ").partition("#")[0]
            if module not in known:
                near = difflib.get_close_matches(module, known, 1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"{key} = {name!r} is no module of the network; it has {quoted(known, 8)}.{hint}")

    # -------------------------------------------------------------------------------------------- classes

    def _named(self) -> list[Any] | None:
        """The outputs asked for: text that is no name, but a number, is the number."""
        known = self.predictor.outputs or ()
        if self.section.outputs is None:
            return None
        return [
            int(one) if isinstance(one, str) and one not in known and one.isdecimal() else one
            for one in self.section.outputs
        ]

    def _highest(self) -> list[int]:
        """The highest classes of each picture, in the order of the pictures."""
        values = self.predictor(np.stack([one.picture for one in self.space.players(self.photos.pictures)]))
        best = np.argsort(-values, axis=1, kind="stable")[:, : self.section.top]
        found = list(dict.fromkeys(int(k) for k in best.ravel()))
        if len(found) > MANY_OUTPUTS:
            raise ValueError(
                f"the {len(values)} pictures have {len(found)} classes among their {self.section.top} highest, more "
                f"than the {MANY_OUTPUTS} of one table; give {self.naming('photo.outputs')}, a lower "
                f"{self.naming('photo.top')}, or fewer pictures."
            )
        return found

    # -------------------------------------------------------------------------------------------- methods

    def _baselines(self, names: list[str], space: ImageSpace, outputs: list[Any], under: str) -> dict[str, Attribution]:
        """Those that were named together, those that "all" stands for one by one, as far as they work on this network."""
        found: dict[str, Attribution] = {}
        together = [name for name in names if name not in self.optional]
        for score in dict.fromkeys(map(self._score, together)):
            chosen = [name for name in together if self._score(name) == score]
            with beside(found):
                found |= self._some(chosen, space, outputs, under)
        for name in names:
            if name in self.optional and name not in self.left_out:
                with beside(found):
                    self._works(name, lambda name=name: found.update(self._some([name], space, outputs, under)))
        order = [key for name in names for key, one in found.items() if catalogue.key_of(one.method) == name]
        return {key: found[key] for key in order}

    def _some(self, names: list[str], space: ImageSpace, outputs: list[Any], under: str) -> dict[str, Attribution]:
        chosen: Any = self.section.layer if any(_map_of(name).passes for name in names) else None
        layer = chosen[0] if chosen is not None and len(chosen) == 1 else chosen
        asked: dict[str, Any] = {"score": self._score(names[0]), "n_jobs": self.section.jobs}
        what = f"{names[0] if len(names) == 1 else 'maps'}{under}"
        with beside({}, each=self._labelled), self.predictor.watched(what):
            found = baselines_in_turn(
                names, self.predictor, space, self.photos.pictures, called(f"maps {', '.join(names)}{under}", self.step),
                outputs=outputs, layer=layer, **asked,
            )  # fmt: skip
        return {name: self._labelled(one) for name, one in found.items()}

    def _score(self, name: str) -> str:
        """Maps are of the logit, but where a method asks the predictor for values on its own scale."""
        asks_probabilities = _map_of(name).on_the_scale_of_the_predictor and self.predictor.output == "probability"
        return "probability" if asks_probabilities else "logit"

    def _labelled(self, result: Attribution) -> Attribution:
        """The same with each picture, which has its number, called by its file."""
        named = (replace(one, label=self.photos.names[cast(int, one.label)]) for one in result)
        return replace(result, explanations=tuple(named))


def _map_of(name: str) -> Any:
    return catalogue.load(catalogue.BASELINES, name)
