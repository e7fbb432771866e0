"""
LIME twice: by coalitions, and as published
===========================================

LIME fits a simple linear model to what a complicated one says around a row. There are two ways to look around: hide
columns, or draw new rows nearby. This example shows both, and what each can and cannot say.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# ``"lime"`` hides columns, as SHAP does, and fits a line to the same answers. ``"lime_tabular"`` is LIME as its authors
# published it for tables: each column is cut into quarters, rows are drawn that lie in random quarters, and those that
# share many with the row count more. ``"kernel_shap"`` stands beside them.

found = px.explain(["lime", "lime_tabular", "kernel_shap"], model, X, X.iloc[:12], seed=0)
px.plot(found, "bars", row=0, top=6)

# %%
# The published method says *rules*: its value is about lying in a quarter or not.

found["lime_tabular"][0].top(4).to_frame()[["feature", "rule", "value", "low", "high"]]

# %%
# Two people in the same quarters get the same rules, though one may lie at its edge. Without quarters
# (``discretizer=None``) rows are drawn around the person instead, and the value is the slope there times how far the
# person is from the mean.

near = px.explain(px.TabularLime(discretizer=None), model, X, X.iloc[:12], seed=0)["lime_tabular"]
px.plot({"quarters": found["lime_tabular"], "around the person": near}, "bars", row=0, top=6)

# %%
# Over twelve people: do the methods agree on what matters?

px.plot({name: px.importance(one) for name, one in found.items()}, top=6)

# %%
# **What one may conclude:** which columns push the prediction up or down, and roughly by how much. **What not:** shares
# of the prediction. LIME's values need not sum to anything; where a sum is wanted, take ``kernel_shap``.
