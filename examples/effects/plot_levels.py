"""
Curves along words
==================

A column of words has no order, so what does a curve along it mean? This example draws the effects of categories, with
and without an order.
"""

# %%
# Made-up flats: the rent goes by the quarter of the town, the state and the size. Large flats are found at the river.

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

import perturbxai as px

rng = np.random.default_rng(0)
n = 1200
quarter = rng.choice(["centre", "station", "river", "hill", "harbour"], n, p=[0.25, 0.2, 0.2, 0.2, 0.15])
states = ["poor", "fair", "good", "new"]
X = pd.DataFrame({
    "quarter": pd.Categorical(quarter),
    "state": pd.Categorical(rng.choice(states, n), categories=states, ordered=True),
    "size": (50 + 30 * (quarter == "river") + rng.normal(0, 12, n)).round().clip(20),
})  # fmt: skip
price = {"centre": 14, "station": 9, "river": 13, "hill": 11, "harbour": 8}
y = X["size"] * X.quarter.map(price).astype(float) * (1 + 0.1 * X.state.cat.codes) + rng.normal(0, 40, n)
model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0).fit(X, y)

# %%
# The state has an order, which the categories tell, and the curve goes along it. The quarters have none: **PDP** sets
# every flat into each quarter, whatever its size; **ALE** moves flats between quarters whose flats are alike, step by
# step.

found = px.effects(["pdp", "ale"], model, X, X, features=["quarter", "state"], seed=0)
px.plot(found, space=px.TabularSpace(X))

# %%
# Levels without an order are put next to each other by how alike their flats are, and an ALE along them hangs on that
# order. What does not hang on it is the difference between two levels, asked of the flats that are in either of the
# two:

ale = found["ale"]["quarter"]
levels = list(ale.grid[0])
pd.DataFrame(ale.differences[:, :, 0], index=levels, columns=levels).round(0)

# %%
# Read it by rows: what changing the quarter on the left into the one above does to the rent, on average.
#
# **What one may conclude:** what the model charges for an address. **What not:** what a flat's rent would be if the
# town moved it to the river.
