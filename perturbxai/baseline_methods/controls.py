"""Controls: maps that look at no model. A method that does not beat them says nothing."""

from collections.abc import Callable

import numpy as np

from perturbxai.baseline_methods.kinds import OfPicture, OfPlayers
from perturbxai.core.options import options
from perturbxai.core.types import Floats, Picture


@options
class Random(OfPlayers):
    """Control: independent normal values, one a player and output, on tables and pictures.

    seed  of the values, beside the input itself: the same input gets the same map in any company
    name  the key of the result, "random" if empty
    """

    seed: int = 0
    name: str = ""

    def values(self, n_players: int, n_outputs: int, rng: Callable[[int], np.random.Generator]) -> Floats:
        """(P, K)"""
        return rng(self.seed).standard_normal((n_outputs, n_players)).T


@options
class Centre(OfPicture):
    """Control: nearness to the middle of the picture, 1 there and 0 in the corners. Photographers put things there.

    name  the key of the result, "centre" if empty
    """

    name: str = ""

    def heat(self, picture: Picture) -> Floats:
        """(H, W)"""
        down, across = (np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1) for n in picture.shape[:2])
        return np.asarray(1.0 - np.hypot(down[:, None], across[None, :]) / np.sqrt(2.0))


@options
class Edges(OfPicture):
    """Control: strength of the edges, the Sobel magnitude of the grey picture. What some gradient maps come down to.

    Of bands that are no colours each has its own range, and the edges are their root mean square.

    name  the key of the result, "edges" if empty
    """

    name: str = ""

    def heat(self, picture: Picture) -> Floats:
        """(H, W)"""
        from skimage.filters import sobel

        values = picture.astype(np.float64)
        if values.shape[2] in (1, 3):
            return np.asarray(sobel(values.mean(axis=2)), dtype=np.float64)
        span = np.ptp(values, axis=(0, 1))
        bands = np.moveaxis(values / np.where(span > 0, span, 1.0), 2, 0)
        return np.asarray(np.sqrt(np.mean([np.square(sobel(band)) for band in bands], axis=0)))
