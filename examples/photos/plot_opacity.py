"""
Fading a part in: opacity curves
================================

A part of a photo can be hidden, shown, or half transparent. This example fades parts in and watches the score: PDP and
ICE for photos.
"""

# %%
import perturbxai as px
from perturbxai import assets

net, preprocess = assets.efficientnet_lite0()
photo = assets.photo("coffee", size=96)
predictor = px.Predictor(net, output="logit", outputs=assets.imagenet_classes(), transform=preprocess)
space = px.ImageSpace(segments="grid", n_segments=9, fill="blur")

# %%
# The feature is the opacity of a superpixel: 0 shows the blur, 1 the photo. The others are whole or hidden, as drawn.
# The curve's rise, from left to right, is the Shapley value of the part.

found = px.effects(["pdp", "ice"], predictor, space, photo, outputs=["espresso"], rows=600, seed=0)
px.plot(found)

# %%
# In words, of the part that leads:

pdp = found["pdp"]
leading = max(pdp, key=lambda name: pdp[name].importance[0])
print(pdp[leading].describe())

# %%
# The rises of the parts that lead, with 95 % intervals, and at which opacity half of each is there:

for name in sorted(pdp, key=lambda name: -pdp[name].importance[0])[:4]:
    part = pdp[name].superpixel
    (low,), (high,) = part.interval()
    print(f"{name}: rise {part.rise[0]:.1f} ({low:.1f} to {high:.1f}), half of it at opacity {part.at_half[0]:.2f}")

# %%
# **What one may conclude:** how soon the network notices a part. **What not:** that a part which is noticed early
# matters more. A half transparent region is a picture that no camera takes; how much a part matters is told by the rise
# alone.
