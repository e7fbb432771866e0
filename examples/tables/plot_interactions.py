"""
Which columns act together?
===========================

A value by column hides that columns may matter only in company. This example finds pairs: for one row as a matrix and a
network, and over the whole table by Friedman's H statistic.
"""

# %%
# A made-up risk: age counts double for smokers, and the dose has no effect without the drug.

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

import perturbxai as px

rng = np.random.default_rng(0)
n = 1500
X = pd.DataFrame({
    "age": rng.uniform(20, 80, n).round(), "smoker": rng.random(n) < 0.4, "drug": rng.random(n) < 0.5,
    "dose": rng.uniform(0, 10, n).round(1), "weight": rng.normal(75, 12, n).round(),
})  # fmt: skip
y = X.age * (1 + X.smoker) - 5 * X.dose * X.drug + 0.3 * X.weight + rng.normal(0, 3, n)
model = HistGradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# For one person. The coloured cells are what each pair does together, in units of the output, and the bars beside them
# what each column does by itself. Together (each pair once) they sum to the difference between this prediction and the
# mean. The dose of this person is low: for somebody who takes the drug that raises the risk, and it takes both columns
# to say so.

found = px.explain(px.Interactions(index="k-sii"), model, X, X[X.smoker & X.drug].iloc[:1], seed=0)["interactions"]
px.plot(found, "matrix", space=px.TabularSpace(X))

# %%
# The same as a network: the wider a line, the more the pair does together; the larger a circle, the more the column
# alone.

px.plot(found, "network")

# %%
# Is that so for everybody? The **H statistic** is the share of what two columns do that neither does alone, 0 to 1,
# over the rows of the table.

h = px.h_statistic(model, X, X, data_rows=100, seed=0)
px.plot(h)

# %%
print(h.describe())

# %%
# The two pairs that were put into the data lead. So few rows show an H squared above zero even where there is no
# interaction; the figure marks in grey how much, and only what lies beyond it is evidence. The bars on the right are in
# units of the output: a pair may share much of next to nothing.
#
# **What not to conclude:** that columns that act together in the model do so in the world. Boosted trees make up
# interactions from noise, small ones.
