"""A network that has forgotten: a copy whose weights are drawn anew, layer by layer, for methods that should notice."""

import copy
from collections.abc import Iterable
from typing import Self

import numpy as np

from perturbxai.core import checks
from perturbxai.core.extras import not_a_network
from perturbxai.models.meters import Metered
from perturbxai.models.networks import NetworkModel
from perturbxai.models.torch_types import Module


class Redrawable(Metered):
    """Of a Predictor, what makes another of the same network with other weights."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the network's modules that hold weights of their own, in the order in which it was built.

        Raises TypeError for other models than a torch.nn.Module.
        """
        found = [name for name, module in self._network().inner.named_modules() if _weights(module)]
        if not found:
            raise TypeError("the network has no weights of floating point, so that there is nothing to draw anew.")
        return tuple(found)

    def randomised(self, layers: str | Iterable[str], rng: np.random.Generator) -> Self:
        """A Predictor of a copy of the network whose weights in these layers are drawn anew; all else is as here.

        layers  names from `layers`, in the order in which they are drawn;  rng: draws them, and nothing else does
        Each weight tensor of a layer becomes independent normal numbers of the tensor's own mean and deviation: what was
        learnt is gone, its scale is not. One of a single number has no deviation, and gets a number of its own size. (The
        usual initialisation leaves a deep network in eval mode without an answer: of EfficientNet-Lite0 logits then differ
        between photos by 5e-8, and by .2 of the 1.0 they had as it is drawn here.)
        Running statistics of batch normalisation stay: they are no weights, and with those of a fresh network, mean 0 and
        variance 1, photos are told apart about as well (.33 on average over three draws against .26). Meters begin at 0.
        Raises TypeError for other models than a torch.nn.Module, and for no Generator; ValueError for names that are none.

        >>> import torch
        >>> predictor = __import__("perturbxai").Predictor(torch.nn.Linear(2, 1))
        >>> again = predictor.randomised(predictor.layers, np.random.default_rng(0))
        >>> bool((predictor(np.eye(2)) != again(np.eye(2))).all())
        True
        """
        model, known = self._network(), self.layers
        wanted = list(dict.fromkeys(checks.several("layers", layers, "a name of `layers`, or several", (str,))))
        if unknown := [name for name in wanted if name not in known]:
            raise ValueError(f"layers: {unknown[0]!r} holds no weights of its own; those that do are {', '.join(known)}.")
        if not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng is {type(rng).__name__}; expected a numpy Generator: np.random.default_rng(0).")
        net = copy.deepcopy(model.inner)
        modules = dict(net.named_modules())
        for name in wanted:
            _draw(modules[name], rng)
        found = self.apart()
        found._model = NetworkModel(net, model.asked)
        return found

    def _network(self) -> NetworkModel:
        if not isinstance(self._model, NetworkModel):
            raise not_a_network(
                f"the model is a {self._model.kind}, whose weights cannot be drawn anew; take a torch.nn.Module."
            )
        return self._model


def _weights(module: Module) -> list[str]:
    """Names of a module's own parameters of floating point."""
    return [name for name, one in module.named_parameters(recurse=False) if one.is_floating_point()]


def _draw(module: Module, rng: np.random.Generator) -> None:
    import torch

    own = dict(module.named_parameters(recurse=False))
    with torch.no_grad():
        for name in _weights(module):
            held = own[name].detach().double().cpu().numpy()
            centre, spread = (0.0, abs(held.item())) if held.size == 1 else (held.mean(), held.std())
            drawn = rng.normal(centre, spread, held.shape)
            own[name].copy_(torch.as_tensor(drawn))
