"""
However the photo is cut: segmentations
=======================================

Superpixels are chosen before anything is asked, and another algorithm cuts elsewhere. This example explains a photo
under three cuts and averages their maps, pixel by pixel.
"""

# %%
import matplotlib.pyplot as plt
from skimage.segmentation import mark_boundaries

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("chelsea", size=96)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)

# %%
# The same photo cut three ways. A superpixel is hidden as a whole, so that a map cannot be finer than its cut.

cuts = ["slic", "quickshift", "grid"]
spaces = [px.ImageSpace(segments=name, n_segments=20, fill="blur") for name in cuts]
figure, axes = plt.subplots(1, 3, figsize=(8, 2.9), layout="constrained")
for axis, name, space in zip(axes, cuts, spaces, strict=True):
    axis.imshow(mark_boundaries(photo, space.players(photo)[0].labels))
    axis.set_title(name)
    axis.set_axis_off()

# %%
found = [
    px.explain("kernel_shap", predictor, space, photo, outputs=["tiger cat"], budget=80, seed=number)["kernel_shap"]
    for number, space in enumerate(spaces)
]
px.plot(dict(zip(cuts, found, strict=True)), "strip")

# %%
# Each map is right for its cut. What they have in common is the mean: a superpixel's value is spread over its pixels,
# and the three maps are averaged.

average = px.average_segmentations(found, spaces)
px.plot({"slic": found[0], "average": average}, "strip")

# %%
# ``spread`` tells how far a value moves with the cut, beside ``stderr``, which is about the coalitions that were drawn.
# Where the spread is the larger of the two, more coalitions will not help.

average[0].top(4).to_frame()[["feature", "value", "stderr", "spread"]].round(2)

# %%
# **What one may conclude:** that parts which lead under every cut matter. **What not:** exact outlines. They are the
# segmentation's.
