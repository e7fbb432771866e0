"""
Why ALE: curves where columns are correlated
============================================

How does the output move with a column? Partial dependence sets the column to a value in *all* rows and averages,
whether such rows exist or not. This example shows where that goes wrong, and what accumulated local effects do instead.
"""

# %%
# Bicycles are rented on warm days. The table has the temperature and how it feels, which is nearly the same; a forest
# uses both.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

import perturbxai as px

rng = np.random.default_rng(0)
temperature = rng.uniform(0, 30, 800)
X = pd.DataFrame({
    "temperature": temperature, "feels like": temperature + rng.normal(0, 1.5, 800), "wind": rng.uniform(0, 10, 800)
})  # fmt: skip
y = np.maximum(X.temperature, 10) + np.maximum(X["feels like"], 10) - np.maximum(X["feels like"] - 22, 0) * 4 - X.wind
model = RandomForestRegressor(60, min_samples_leaf=5, random_state=0).fit(X, y)

# %%
# Both columns move together along the data's diagonal. Partial dependence asks about the whole square: a day of 2
# degrees that feels like 28.

figure, axis = plt.subplots(figsize=(4, 3.6), layout="constrained")
asked = np.array(np.meshgrid(np.linspace(0, 30, 16), X["feels like"].iloc[:40])).reshape(2, -1)
axis.scatter(*asked, s=3, color="0.7", label="asked by partial dependence")
axis.scatter(X.temperature, X["feels like"], s=3, color="tab:blue", label="the data")
axis.set(xlabel="temperature", ylabel="feels like")
axis.legend(loc="upper left", framealpha=0.9, markerscale=3)

# %%
# **PDP** is the mean over all rows. **ALE** takes the rows that lie near a value, moves each by a small step, and adds
# up the steps: it never leaves the data. The legend tells how much of what PDP asks lies where no row is.

found = px.effects(["pdp", "ale"], model, X, X, features=["temperature", "feels like"], seed=0)
px.plot(found, space=px.TabularSpace(X))

# %%
# On the warmest days the two curves part. Which is right? The formula is known here: from 22 degrees on, each degree
# that is felt takes 3 rentals away, 24 of them on the way to 30. A forest is smoother than its formula, but ALE falls
# by about 17 and PDP by 11 only: it mixes in days that were never seen, about which the forest knows nothing.

ale = found["ale"]["feels like"]
print(ale.describe())

# %%
# **ICE** are the curves of single rows, of which PDP is the mean. If they run apart, a mean hides something:

px.plot(px.effects(px.Ice(curves="centred", ice_rows=40), model, X, X, features="feels like", seed=0))

# %%
# **Rule of thumb:** PDP and ICE where columns are independent, ALE where they are not. All three tell how the *model*
# moves; none tells what would happen if somebody heated the town.
