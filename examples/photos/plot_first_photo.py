"""
A first photo: LIME, SHAP and Grad-CAM
======================================

A network says "espresso" of a photo. Which parts of the photo made it say so? This example explains one photo by three
methods, shows their maps side by side and puts the answer into words.
"""

# %%
# The network and the photo come inside pip packages. The photo is smaller here than the network likes, so that the
# example takes seconds; ``px.fit(image, 224)`` brings your own photo to the size that a network sees.

import matplotlib.pyplot as plt

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("coffee", size=128)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)

# %%
# A photo is cut into **superpixels**, regions of one colour. They are what is hidden and shown: a hidden one is blurred
# (``fill="blur"``).

space = px.ImageSpace(segments="slic", n_segments=30, fill="blur")
found = px.explain(["lime", "kernel_shap"], predictor, space, photo, outputs=["espresso"], budget=100, seed=0)
px.plot(found["kernel_shap"])

# %%
# Red parts raise the score of "espresso", blue ones lower it. In words, with where the parts lie:

print(found["kernel_shap"][0].describe(space=space))

# %%
# **Grad-CAM** looks inside the network instead of asking it: where in the last layer is what raises the score? It costs
# a single pass, and sees no finer than that layer's cells.

cams = px.baselines(["cam", "grad_cam"], predictor, space, photo, outputs=["espresso"])
px.plot(found | cams, "strip")

# %%
# The part of the photo that leads, and nothing else:

mask = found["kernel_shap"][0].mask(space, top=4)
figure, axis = plt.subplots(figsize=(3, 3), layout="constrained")
axis.imshow(photo * mask[:, :, None] + 255 * ~mask[:, :, None])
axis.set_axis_off()

# %%
# **What one may conclude:** which parts this network's score hangs on, against a blurred photo. **What not:** that
# these parts are good evidence of an espresso, or that the network knows what a cup is. Other fills and other cuts give
# other maps: the next examples show how much.
