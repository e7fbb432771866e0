"""
Deletion and insertion curves
=============================

If a map is right, hiding what it ranks first should hurt the score at once. This example draws the curves of maps by
LIME, SHAP and Grad-CAM on a photo, beside a control, and under two fills.
"""

# %%
import matplotlib.pyplot as plt

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("coffee", size=128)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)
space = px.ImageSpace(segments="slic", n_segments=16, fill="blur")

found = px.explain(["lime", "kernel_shap"], predictor, space, photo, outputs=["espresso"], budget=100, seed=0)
found |= px.baselines(["grad_cam", "random"], predictor, space, photo, outputs=["espresso"])
table = px.compare(found, predictor, space, metrics=["deletion", "insertion", "srg"], fills=["blur", "mean"], seed=0)

# %%
# On the left the best parts are hidden first: the sooner the curve falls, the better. On the right they are shown
# first, on a photo of which all else is hidden: the sooner it rises, the better.

curves = table.mean_curves()
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained", sharey=True)
for axis, metric in zip(axes, ["deletion", "insertion"], strict=True):
    one = curves[(curves.curve == metric) & (curves.scored_fill == "blur")]
    for name, curve in one.groupby("method", sort=False):
        axis.plot(curve.share, curve.value, label=name)
    axis.set(title=metric, xlabel="share of superpixels changed")
axes[0].set_ylabel("score of 'espresso'")
axes[1].legend(frameon=False)

# %%
# One number for both: the *symmetric relevance gain* (``srg``), the area between the insertion and the deletion curve.
# Each map is scored under its own fill ("home") and under the other.

px.plot(table, output="srg")

# %%
table.summary()[["srg", "srg (home)", "rows"]].round(2)

# %%
# LIME and SHAP were made under the blur and lead there. Under the other fill they are hardly better than chance on this
# photo, and Grad-CAM, which knows no fill, does better: their maps were about the blur as much as about the cup.
# Compare methods by the column away from home.
#
# **What not to conclude:** which method is best, from one photo. Such scores differ from photo to photo by more than
# from method to method.
