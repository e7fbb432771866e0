"""
An organ or an object as a part
===============================

A photo need not be cut by colour. Where masks are at hand (organs on a scan, objects of another network), they are the
parts, with their names. The model here is a plain function: no network is needed.
"""

# %%
# A made-up scan with two organs and a spot, and a function that says how ill it looks: a bright spot in the liver
# counts, and counts double if the spleen is bright as well.

import numpy as np

import perturbxai as px

rng = np.random.default_rng(0)
rows, columns = np.indices((64, 64))
liver = ((rows - 24) / 16) ** 2 + ((columns - 20) / 14) ** 2 < 1
spleen = ((rows - 36) / 12) ** 2 + ((columns - 50) / 8) ** 2 < 1
spot = (rows - 22) ** 2 + (columns - 22) ** 2 < 25
scan = 0.2 + 0.3 * liver + 0.35 * spleen + 0.4 * spot + rng.normal(0, 0.03, (64, 64))


def illness(scans):
    """(n,): how bright the spot is, counted double beside a bright spleen."""
    found = scans[:, spot].mean(axis=(1, 2)) - 0.5
    return found * (1 + (scans[:, spleen].mean(axis=(1, 2)) > 0.4))


# %%
# A dictionary of masks names the parts. Masks may not overlap, and what they leave is called "rest"; ``"around":
# "slic"`` would cut it further. Hidden parts are painted over from around them.

masks = {"liver": liver & ~spot, "spot": spot, "spleen": spleen}
space = px.ImageSpace(segments=masks, fill="inpaint")
found = px.explain("kernel_shap", illness, space, scan, seed=0)["kernel_shap"]
print(found[0].describe(space=space))

# %%
px.plot(found, "bars")

# %%
px.plot(found, space=space)

# %%
# The spleen has a value because it doubles what the spot does: it is worth something only beside the spot. Pairs say
# so:

pairs = px.explain("interactions", illness, space, scan, seed=0)["interactions"]
px.plot(pairs, "matrix")

# %%
# **What one may conclude:** which organ the model's answer hangs on. **What not:** that the organ is ill: a mask and a
# fill decide what "without the organ" means.
