"""
Three rows that show what matters
=================================

Nobody reads sixty waterfalls. This example explains sixty rows and picks the few that together show as much as possible
of what the model goes by.
"""

# %%
# Wines of three kinds; what speaks for the first kind?

import matplotlib.pyplot as plt
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier

import perturbxai as px

X, y = load_wine(return_X_y=True, as_frame=True)
X = X.rename(columns={"od280/od315_of_diluted_wines": "od280/od315"})
model = RandomForestClassifier(50, random_state=0).fit(X, y)
predictor = px.Predictor(model, outputs=["first kind", "second kind", "third kind"])
space = px.TabularSpace(X, background=20)
wines = X.sample(60, random_state=0)
found = px.explain("kernel_shap", predictor, space, wines, outputs=["first kind"], budget=150, seed=0)["kernel_shap"]

# %%
# A row shows the columns that weigh most in it, here four. ``submodular_pick`` takes the row that shows most of what
# matters over all rows, then the one that adds most to it, and so on. The coverage is the share that is shown after
# each.

pick = px.submodular_pick(found, 3, n_features=4)
print(pick.describe())

# %%
# The rows that were picked, side by side. Each tells something that the ones before it did not.

figure, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
for axis, number in zip(axes, pick.numbers, strict=True):
    px.plot(found[[number]].top(4), "bars", ax=axis)
    axis.set_title(f"wine {found[number].label}: {found[number].prediction[0]:.0%} first kind")

# %%
# **What one may conclude:** which reasons the model has at its disposal. **What not:** how often it uses each; the
# importance over all rows tells that, and the swarm how it is spread:

px.plot(found, "beeswarm", top=6)
