"""
Pictures that are alike to a network
====================================

Two crops of one cat share hardly a pixel. To a network they are alike. This example finds pictures that stand for many, and
the nearest ones to a new crop, by pixels and by a network's last layer.
"""

# %%
# Sixteen crops each of a cat, a cup of coffee and a rocket: 48 pictures of 96 x 96.

import numpy as np

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
predictor = px.Predictor(net, outputs=assets.imagenet_classes(), transform=preprocess)
rng = np.random.default_rng(0)


def crops(name, n):
    """Crops of a photo: its middle, shifted by up to a quarter."""
    photo = assets.photo(name, size=256)
    for down, across in rng.integers(0, 96, (n, 2)):
        yield px.fit(photo[down : down + 160, across : across + 160], 96)


pictures = [crop for name in ("chelsea", "coffee", "rocket") for crop in crops(name, 16)]

# %%
# By the network's last layer, averaged over its places, three prototypes are enough to have one of each photo:

found = px.prototypes(pictures, 3, embed=predictor, criticisms=2)
print(found.describe())
print("photos that the prototypes are of:", sorted((found.numbers // 16).tolist()))
px.plot(found)

# %%
# By pixels, as without ``embed=``, what counts is where it is light and dark:

by_pixels = px.prototypes(pictures, 3, criticisms=2)
print("photos that they are of:", sorted((by_pixels.numbers // 16).tolist()))
px.plot(by_pixels)

# %%
# A new crop of the cat among them: what is most like it, and what is most like it that the network calls something else?

(new,) = crops("chelsea", 1)
around = px.context(predictor, px.ImageSpace(), [new], data=pictures, embed=predictor)
print(around.describe())
px.plot(around)

# %%
# **What one may conclude:** what the network takes for alike at that layer. **What not:** why. A map over the picture tells
# that: see :ref:`sphx_glr_gallery_photos_plot_first_photo.py`.
