"""
One curve for each group of rows
================================

A mean curve can be flat though no row's curve is. This example splits curves by a column, at no cost, and shows curves
of single rows.
"""

# %%
# A made-up trial: the dose helps those with the gene and harms the others.

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

import perturbxai as px

rng = np.random.default_rng(0)
n = 1000
X = pd.DataFrame({
    "dose": rng.uniform(0, 10, n).round(1),
    "gene": pd.Categorical(rng.choice(["carrier", "other"], n)),
    "age": rng.uniform(20, 80, n).round(),
})  # fmt: skip
y = 3 * X.dose * np.where(X.gene == "carrier", 1, -1) + 0.5 * X.age + rng.normal(0, 5, n)
model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0).fit(X, y)

# %%
# The mean over everybody: the dose seems to do next to nothing.

mean = px.effects(["pdp", "ale"], model, X, X, features="dose", seed=0)
px.plot(mean)

# %%
# Curves of forty people, each as a change from the person's own mean. Two bundles cross.

px.plot(px.effects(px.Ice(curves="centred", ice_rows=40), model, X, X, features="dose", seed=0))

# %%
# ``by=`` names a column, and each of its values gets a curve. No question is asked for it.

split = px.effects(["pdp", "ale"], model, X, X, features="dose", by="gene", seed=0)
px.plot(split)

# %%
# The same in numbers. ``heterogeneity`` tells how far the rows' curves lie apart at each point; where it is as large as
# the curve, look for groups.

pdp = split["pdp"]["dose"]
print(f"range of the mean curve {np.ptp(pdp.values):.1f}, rows differ by up to {pdp.heterogeneity.max():.1f}")
for gene, one in pdp.groups.items():
    print(f"gene {gene}: from {one.values[0, 0]:.1f} to {one.values[-1, 0]:.1f}")

# %%
# **What one may conclude:** for whom the model's answer rises or falls. **What not:** that the gene is the reason. It
# is the column by which the rows were split; another that goes with it might do as well.
