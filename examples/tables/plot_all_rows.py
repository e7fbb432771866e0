"""
Which columns matter over all rows?
===================================

An explanation of one row says little about the model as a whole. This example explains sixty rows and sums up:
importance with intervals, a swarm of points, one column in detail, and groups of rows side by side.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
space = px.TabularSpace(X, background=50)
found = px.explain("kernel_shap", model, space, X.iloc[:60], budget=200, seed=0)["kernel_shap"]

# %%
# The **importance** of a column is the mean size of its values, without their signs. Two things make it uncertain: the
# values are estimates (the thick line), and other sixty people would have given another mean (the thin line; more rows
# make it shorter). The diamond is the importance less what noise alone adds to a mean of sizes.

importance = px.importance(found)
px.plot(importance)

# %%
print(importance.describe())

# %%
# In a **swarm** each point is a person. Its place is the column's value for that person, its colour what the person has
# in the column: a high ``s5`` (yellow, to the right) raises the prediction, a low one (dark, to the left) lowers it.

px.plot(found, "beeswarm", top=6)

# %%
# One column in detail: across what people have, up what it is worth. The trees see a step near 27. Where another column
# explains how people with the same body mass differ, points are coloured by it; here none does so beyond chance.

px.plot(found, "scatter", feature="bmi")

# %%
# Do columns matter alike for women and men? ``by=`` takes the name of a column, or a label for each row.

groups = px.importance(found, by=["sex 1" if one == 1 else "sex 2" for one in X.sex.iloc[:60]])
px.plot(groups, top=6)

# %%
# **What one may conclude:** what the model goes by. **What not:** which columns are good for predicting. A model that
# has learned nonsense uses its columns too.
