"""
Maps by the pixel: RISE and sliding occlusion
=============================================

Superpixels give maps with edges that the network does not know. This example asks without them: RISE looks through
smooth random masks, and sliding occlusion moves a patch across the photo.
"""

# %%
import numpy as np

import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("rocket", size=96)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)
space = px.ImageSpace(segments="slic", n_segments=25, fill="blur")
names = assets.imagenet_classes()
said = names[int(np.argmax(predictor(photo[None])[0]))]
print("The network says:", said)

# %%
# ``"rise"`` hides superpixels, half of them at a time; ``"rise_smooth"`` is RISE as published, with smooth masks on a
# coarse grid; ``"sliding_occlusion"`` has a patch of 20 pixels.

methods = ["rise", "rise_smooth", px.SlidingOcclusion(patch=20, stride=10)]
found = px.explain(methods, predictor, space, photo, outputs=[said], budget=200, seed=0)
px.plot(found, "strip")

# %%
# RISE is drawn at random. Its map comes with an error for each pixel, so that one can see which parts of it are more
# than noise:

smooth = found["rise_smooth"][0]
clear = np.abs(smooth.heat[0]) > 2 * smooth.meta["heat_stderr"][0]
print(f"{clear.mean():.0%} of the pixels differ from zero by more than two standard errors.")

# %%
# Sliding occlusion draws nothing and has no error; but it only ever hides one place. Where a thing is seen twice,
# hiding one of the two does little, and the map says little about both.
#
# **What one may conclude:** roughly where. **What not:** outlines finer than a mask's cell or the patch.
