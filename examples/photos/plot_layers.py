"""
What each layer looks at: CAMs along a network
==============================================

Class activation maps are made of what a layer of the network holds, and each layer gives another map. This example
draws several layers in a strip, and cuts the photo as the last layer does.
"""

# %%
import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("coffee", size=128)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)
space = px.ImageSpace(segments="slic", n_segments=20, fill="blur")

# %%
# ``layer=`` takes names of the network's modules, several at once; they are looked at in one pass. Without it the last
# map before the network averages over places is taken.

layers = ["_blocks.2", "_blocks.4", "_blocks.10", "_blocks.15"]
found = px.baselines("layer_cam", predictor, space, photo, outputs=["espresso"], layer=layers)
px.plot(found, "strip")

# %%
# Early layers see edges wherever they are, late ones what the class is about, in coarse cells.
#
# Different CAMs of the last layer weigh its channels in different ways:

cams = px.baselines(["cam", "grad_cam", "hires_cam", "eigen_cam", "random"], predictor, space, photo, outputs=["espresso"])
px.plot(cams, "strip")

# %%
# ``eigen_cam`` does not know the class, and ``random`` knows nothing at all: a control, to see what chance looks like.
#
# A CAM judged on superpixels that it cannot see is judged unfairly. ``layer_grid`` cuts the photo into the cells of the
# layer, and the same cells can be hidden and asked:

cells = px.layer_grid(predictor, photo)
grid = px.ImageSpace(segments=cells, fill="blur")
shap = px.explain("kernel_shap", predictor, grid, photo, outputs=["espresso"], budget=80, seed=0)
fair = shap | px.baselines(["cam", "grad_cam"], predictor, grid, photo, outputs=["espresso"])
px.plot(fair, "strip", space=grid)

# %%
# **What one may conclude:** where the evidence lies that this layer holds. **What not:** how much it counts: only
# asking tells that.
