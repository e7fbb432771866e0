"""
From scikit-learn's PartialDependenceDisplay
============================================

``px.plot_effects`` has the call of ``PartialDependenceDisplay.from_estimator``, and draws the same curves. This example
shows both, and what comes on top: bands, ALE, and a word where a curve leaves the data.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.inspection import PartialDependenceDisplay

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
call = {"features": ["bmi", "s5", ("bmi", "s5")], "grid_resolution": 20}

# %%
# scikit-learn:

_, axis = plt.subplots(figsize=(10, 3.2))
theirs = PartialDependenceDisplay.from_estimator(model, X, method="brute", ax=axis, **call)

# %%
# Here, by the same call. The band is a 95 % interval; hatches mark cells of the map that hold no row.

_, axis = plt.subplots(figsize=(10, 3.2))
ours = px.plot_effects(model, X, ax=axis, **call)

# %%
# The numbers are the same:

for one, other in zip(ours.pd_results, theirs.pd_results, strict=True):
    print(np.abs(one["average"] - other["average"]).max() < 1e-9)

# %%
# ``kind="ale"`` draws accumulated local effects instead, which stay near the data. The body mass and ``s5`` go together
# a little, so that the curves differ a little.

_, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
display = px.plot_effects(model, X, ["bmi", "s5"], kind="ale", ax=list(axes))

# %%
# The display gives the effects themselves too, with their errors and a sentence in words:

print(px.effects("ale", model, X, X, features="bmi", seed=0)["ale"]["bmi"].describe())
