"""
What does hidden look like? Fills matter
========================================

A hidden part of a photo has to show something: a blur, a grey, other pixels. This example shows that the choice can
change a map as much as the choice of the method does.
"""

# %%
import matplotlib.pyplot as plt
import pandas as pd

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("coffee", size=96)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)
space = px.ImageSpace(segments="slic", n_segments=20, fill="blur")

# %%
# What the network sees if everything is hidden:

fills = ["blur", "mean", "inpaint", "noise"]
figure, axes = plt.subplots(1, 4, figsize=(9, 2.5), layout="constrained")
for axis, fill in zip(axes, fills, strict=True):
    axis.imshow(space.with_fill(fill).players(photo)[0].fill / 255)
    axis.set_title(fill)
    axis.set_axis_off()

# %%
# The same question under each fill: what speaks for "espresso"?

found = {
    fill: px.explain("kernel_shap", predictor, space.with_fill(fill), photo, outputs=["espresso"], budget=80, seed=0)[
        "kernel_shap"
    ]
    for fill in fills
}
px.plot(found, "strip")

# %%
# How alike are two of these maps? Rank correlation: 1 is the same order, 0 is none.

pd.DataFrame({fill: one.values[0, :, 0] for fill, one in found.items()}).corr("spearman").round(2)

# %%
# ``compare`` scores every map under every fill, its own ("home") and the others. A map does best at home, and what
# counts is how it does away:

table = px.compare(
    {f"kernel_shap@{fill}": one for fill, one in found.items()},
    predictor,
    space,
    metrics="srg",
    fills=["blur", "mean"],
    seed=0,
)
table.summary()[["srg", "srg (home)", "fill spread", "sign kept"]].round(2)

# %%
# ``sign kept`` is the share of superpixels that speak for the class under one fill and for it under another as well.
#
# **What to do:** explain under two fills that are plausible, report both, and believe what they share.
