"""What a baseline may know of one picture: what a layer shows of it, and the network's input with gradients by it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from perturbxai.core import checks
from perturbxai.core.stopping import context
from perturbxai.core.types import Floats, Picture
from perturbxai.game.game import Game
from perturbxai.inputs.spaces import ImageInput
from perturbxai.models.predictor import ModelError, Predictor
from perturbxai.models.torch_types import Net, Score, Tensor

T = TypeVar("T")

CHANNELS = ("sum", "max")


def _nobody(maps: Floats) -> Floats:
    raise RuntimeError(f"nobody lends what the picture is seen through {len(maps)} maps by; views of an input do.")


@dataclass(frozen=True, eq=False)
class View:
    """What one forward pass shows at a layer.

    activations (C, h, w);  gradients (K, C, h, w) of the scores by them, empty where none were wanted;  scores (K,)
    rounding    relative, of one number of the map or of a score: float32's, or that of a coarser type
    respond     scores (K,) of the same picture if the layer had given other activations (C, h, w)
    ablated     scores (C, K) of the same picture with each channel in turn set to zero at the layer
    ask         scores (M, K) of the picture seen through maps (M, h, w), where the caller lends that
    """

    activations: Floats
    gradients: Floats
    scores: Floats
    respond: Callable[[Floats], Floats]
    ablated: Callable[[], Floats]
    ask: Callable[[Floats], Floats] = _nobody
    rounding: float = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, eq=False)
class PixelMap:
    """What a method concludes: heat (K, H, W), notes for `meta`, and stderr (P, K) with df degrees of freedom or None."""

    heat: Floats
    notes: dict[str, Any]
    stderr: Floats | None = None
    df: float = np.inf


@dataclass(eq=False)
class Pixels:
    """One picture to explain, as one method sees it. Gradients are by the network's own input, behind any `transform`.

    game, number  the picture is this input of the game
    score         (n, K) tensor of the explained scores, from what the network returned;  logits: the same before any softmax
    known         what was asked once for this picture, by name, shared by the methods of a call
    view          what the network holds of the picture at the layer of this method
    rows, seconds what the method took so far, as if alone;  fresh: the part of it that no other method asked before
    """

    game: Game
    number: int
    score: Score
    logits: Score
    known: dict[Any, Any]
    view: Callable[[], View]
    rows: int = 0
    seconds: float = 0.0
    fresh: tuple[int, float] = field(default=(0, 0.0))

    @property
    def predictor(self) -> Predictor:
        return self.game.predictor

    @property
    def one(self) -> ImageInput:
        """The picture with its superpixels and fill."""
        return self.game.pictures[self.number]

    def tensor(self, picture: Picture) -> Tensor:
        """(1, C, H, W): a picture (H, W, C) as the network's input. Raises ValueError if it takes something else."""
        found = self.predictor.tensor(picture[None])
        if found.ndim != 4 or tuple(found.shape[2:]) != picture.shape[:2]:
            raise ValueError(
                f"the network's input has shape {tuple(found.shape)} for a picture of {picture.shape}, in which the pixels "
                "cannot be found; let transform give (n, C, H, W) or (n, H, W, C), or take a map of a layer: grad_cam."
            )
        return found

    def gradients(self, n: int, build: Callable[[int, int], Tensor]) -> Iterator[tuple[int, int, Floats]]:
        """(start, stop, gradients (stop - start, K, C, H, W)) of the scores at n inputs, a batch of `build` at a time.

        A batch that does not fit in memory is built again, from the same start and half as long.
        Raises TypeError if the scores do not depend on the input, ModelError for gradients that are not finite.
        """

        def ask(net: Net, start: int, stop: int) -> Floats:
            leaf = build(start, stop).detach().clone().requires_grad_(True)
            scores = self.score(net(leaf.clone()))  # a copy, for a network that writes into its input
            return np.stack([gradient_of(one.sum(), leaf) for one in scores.unbind(dim=1)], axis=1)

        return self._batches(n, ask)

    def gradient_here(self) -> Floats:
        """(K, C, H, W): the gradient at the picture itself, asked once however many methods want it."""
        return self.once("gradient", lambda: next(self.gradients(1, lambda *_: self.tensor(self.one.picture)))[2][0])

    def scores(self, n: int, build: Callable[[int, int], Tensor]) -> Floats:
        """(n, K): the scores at n inputs, which `build` makes as for `gradients`. Raises ModelError if one is not finite."""
        import torch

        def ask(net: Net, start: int, stop: int) -> Floats:
            with torch.no_grad():
                found = as_floats(self.score(net(build(start, stop))))
            if not np.isfinite(found).all():
                raise ModelError("scores on the way from the fill to the picture are not finite; mend the model.")
            return found

        return np.concatenate([found for *_, found in self._batches(n, ask)])

    def _batches(self, n: int, ask: Callable[[Net, int, int], Floats]) -> Iterator[tuple[int, int, Floats]]:
        def metered(start: int, stop: int) -> Floats:
            with self.metered() as net:
                return ask(net, start, stop)

        return self.predictor.in_batches(n, metered)

    def once(self, what: str, ask: Callable[[], T]) -> T:
        """What `ask` gives, asked once for a picture; its rows count for each method that wants it."""
        key = (what, self.number)
        found: T
        if key in self.known:
            found, rows, seconds = self.known[key]
            self.rows, self.seconds = self.rows + rows, self.seconds + seconds
            return found
        rows, seconds = self.rows, self.seconds
        found = ask()
        for old in [name for name in self.known if name[1] != self.number]:
            del self.known[old]  # pictures are explained one after the other
        self.known[key] = found, self.rows - rows, self.seconds - seconds
        return found

    @context
    def metered(self) -> Iterator[Net]:
        """The network, lent; what passes through it is counted, its rows if nothing fails."""
        rows, seconds = self.predictor.rows, self.predictor.seconds
        try:
            with self.predictor.network() as net:
                yield net
        except BaseException:
            rows = self.predictor.rows
            raise
        finally:
            rows, seconds = self.predictor.rows - rows, self.predictor.seconds - seconds
            self.rows, self.seconds = self.rows + rows, self.seconds + seconds
            self.fresh = self.fresh[0] + rows, self.fresh[1] + seconds


def gradient_of(score: Tensor, leaf: Tensor, start: Tensor | None = None) -> Floats:
    """(n, C, H, W): what a pass backwards from a score leaves at a leaf; start: what it begins with, 1 if None.

    Raises TypeError if the score does not depend on it, ModelError for what is not finite.
    """
    import torch

    found = None
    if score.requires_grad:
        (found,) = torch.autograd.grad(score, leaf, start, retain_graph=True, allow_unused=True)
    if found is None:
        raise no_gradient()
    array = as_floats(found)
    if not np.isfinite(array).all():
        raise ModelError("what came back to the network's input is not finite; mend the model.")
    return array


def no_gradient() -> TypeError:
    """That a network's scores have no gradient by its input."""
    return TypeError(
        "the network's scores do not depend on its input in a way that autograd can follow (a detach(), no_grad or a NumPy "
        "step between, weights made for inference alone); there is no gradient. Take a method that asks for values alone, "
        "such as 'kernel_shap'."
    )


def joined(maps: Floats, channels: str) -> Floats:
    """(K, H, W) from (K, C, H, W): the signed sum over the channels, or the largest size among them."""
    return np.asarray(maps.sum(axis=1) if channels == "sum" else np.abs(maps).max(axis=1))


def check_channels(channels: object) -> None:
    """Refuse what is no way to join channels."""
    checks.one_of("channels", channels, CHANNELS, way=" (the signed sum, or the largest size)")


def as_floats(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().to("cpu").double().numpy())
