"""
Correlated columns: one order, or a hierarchy?
==============================================

Where two columns say nearly the same, hiding one and showing the other makes rows that do not exist. This example lets
such columns enter together, by a hierarchy that is found in the data.
"""

# %%
# Two temperatures, in the shade and as it feels, two measures of rain, and the wind. Ice cream sells on days that are
# warm *and* dry, so that much hangs on which columns are shown together.

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

import perturbxai as px

rng = np.random.default_rng(0)
warm, wet = rng.normal(size=(2, 800))
X = pd.DataFrame({
    "shade": warm, "feels like": warm + 0.3 * rng.normal(size=800),
    "rain": wet, "humidity": wet + 0.3 * rng.normal(size=800), "wind": rng.normal(size=800),
})  # fmt: skip
y = 100 * ((X.shade > 0) & (X["feels like"] > 0) & (X.rain < 0) & (X.humidity < 0)) - 10 * X.wind
model = RandomForestRegressor(60, min_samples_leaf=3, max_features=3, random_state=0).fit(X, y)
days = X[(warm > 0.5) & (wet < -0.5)].iloc[:2]

# %%
# ``"permutation_shap"`` lets the columns enter in random orders, each by itself. ``"partition_shap"`` lets columns that
# are alike enter one after the other; its hierarchy is made from the correlations, and its values are called *Owen
# values*.

found = px.explain(["permutation_shap", "partition_shap"], model, X, days, seed=0)
px.plot(found, "bars", row=0)

# %%
# They differ, though not by much, and each sums to the same. What belongs together is a question that one may answer by
# oneself: nested lists name the columns that stay together.

own = px.PartitionShap(partition=[["shade", "feels like", "wind"], ["rain", "humidity"]], name="my own")
px.plot(found | px.explain(own, model, X, days, seed=0), "bars", row=0)

# %%
# Or pairs are one player each, and nobody asks how the two share:

pairs = px.TabularSpace(X, groups={"warmth": ["shade", "feels like"], "wet": ["rain", "humidity"]})
together = px.explain("kernel_shap", model, pairs, days, seed=0)["kernel_shap"]
px.plot(together, "waterfall", row=0)

# %%
# **What one may conclude:** how much a pair matters. **What not:** which of two columns that always move together is
# the one that counts. The data did not tell the model, and the model cannot tell you.
