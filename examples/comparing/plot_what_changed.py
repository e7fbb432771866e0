"""
What has changed? Two models, and two groups
============================================

A model is trained anew, and somebody asks what it looks at now. Or the same model is said to treat two groups by other
columns. Both are differences of explanations, and small ones are noise: this example tells which are not.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
old = GradientBoostingRegressor(random_state=0).fit(X, y)
new = GradientBoostingRegressor(random_state=0).fit(X, y + 2 * (X.age - 48))  # the new target rises with age
space, rows = px.TabularSpace(X, background=50), X.iloc[:40]

# %%
# Both are explained at the same rows, on one background.

before = px.explain("kernel_shap", old, space, rows, budget=200, seed=0)["kernel_shap"]
after = px.explain("kernel_shap", new, space, rows, budget=200, seed=0)["kernel_shap"]
found = px.difference(before, after, names=("before", "after"))
print(found.describe())

# %%
# The mean *size* of the values says how much a column counts. The interval of the difference lies around the orange point;
# full points are beyond the noise of all columns at once.

px.plot(found, "sizes")

# %%
# Of a single row the errors of its two values tell what differs.

print(px.difference(before[[0]], after[[0]], names=("before", "after")).describe())

# %%
# Two groups of rows, by one model. The mean *value* says which way a column moves the predictions of a group.

heavy = rows.bmi > rows.bmi.median()
groups = px.difference(before[~heavy], before[heavy], names=("lower bmi", "higher bmi"))
print(groups.describe())
px.plot(groups, "means")
