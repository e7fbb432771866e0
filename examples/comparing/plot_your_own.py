"""
A method, a metric and a fill of your own
=========================================

Where a name stands, an object of your own may stand: a method with its question and its conclusion, a metric, a fill.
This example writes one of each and compares it with those that are there.
"""

# %%
# A model of pictures without a network: it looks for three bright spots in a row, and each that it finds makes the
# others count more.

import numpy as np

import perturbxai as px
from perturbxai.core.evaluations import Estimate, Evaluations, Law
from perturbxai.core.methods import FromCoalitions
from perturbxai.core.options import options

rng = np.random.default_rng(0)
photo = rng.uniform(0, 0.4, (48, 48, 1))
for left, bright in ((2, 0.6), (18, 0.4), (34, 0.3)):
    photo[20:28, left : left + 8] += bright


def model(photos):
    """(n,): how bright the places of the three spots are, multiplied, and a little of the sky above them."""
    spots = np.stack([photos[:, 20:28, left : left + 8].mean(axis=(1, 2, 3)) for left in (2, 18, 34)])
    return spots.prod(axis=0) + 0.1 * photos[:, :16].mean(axis=(1, 2, 3))


# %%
# **A method** says which sizes of coalitions it wants to be asked (``law``) and what it concludes from the answers
# (``estimate``). This one asks all coalitions of one part, and all that lack one, and takes the mean of what a part
# adds to nothing and of what its absence takes from everything.


@options
class BothEnds(FromCoalitions):
    """The mean of what a part adds to nothing and what its absence takes from everything.

    name  the key of the result; empty for its own
    """

    name: str = ""

    def law(self, n_players: int) -> Law:
        """Sizes 1 and P - 1, each listed whole."""
        mass = np.zeros(n_players + 1)
        mass[[1, -2]] = 0.5
        return Law("both ends", mass, np.zeros(n_players + 1), minimum=2 * n_players + 2, listed=(1, n_players - 1))

    def estimate(self, table: Evaluations) -> Estimate:
        """(P, K)"""
        z, sizes = table.design.z, table.design.sizes
        single, lacking = sizes == 1, sizes == z.shape[1] - 1
        values = np.empty((z.shape[1], table.values.shape[1]))
        values[z[single].argmax(axis=1)] = (table.values[single] - table.empty) / 2
        values[(~z[lacking]).argmax(axis=1)] += (table.full - table.values[lacking]) / 2
        return Estimate(values, np.zeros_like(values), critical=np.full(values.shape[1], 1.96), df=np.inf)


# %%
# **A fill** is a function from a picture to a colour or a picture.


def darkest(picture):
    """(C,): the picture's darkest tenth."""
    return np.quantile(picture, 0.1, axis=(0, 1))


# %%
# The method shares its questions with the others of the call.

space = px.ImageSpace(segments="grid", n_segments=9, fill=darkest)
found = px.explain([BothEnds(), "lime", "kernel_shap"], model, space, photo, seed=0)
px.plot(found, "strip")

# %%
# **A metric** is a function; the names of its arguments say what it wants. Here the values, and coalitions that none of
# the methods asked, with the model's answers. ``better`` says which way is better.


def concordance(values, z, answers):
    """The share of pairs of coalitions that the sums of values rank as the model does."""
    sums = z @ values
    pairs = np.triu_indices(len(z), 1)
    return float(
        np.mean(np.sign(np.subtract.outer(sums, sums)[pairs]) == np.sign(np.subtract.outer(answers, answers)[pairs]))
    )


concordance.better = "higher"
table = px.compare(found, model, space, metrics=["faithfulness", concordance], seed=0)
px.plot(table)

# %%
# The page "A method, a baseline, a metric, a fill, a segmenter of your own" has the rest: maps from inside a network,
# segmenters, errors of your own.
