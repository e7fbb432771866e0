"""
The packages lime and shap beside ours
======================================

Results of other packages can be set beside those of this one, and the other way round. This example runs the originals
on the same model, compares them, and hands values to shap's own plots.
"""

# %%
import shap
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
predictor, space = px.Predictor(model), px.TabularSpace(X, background=50)
rows = X.iloc[:5]

# %%
# ``reference`` runs the package as it is, through the same predictor, on the same background and with the same budget;
# what it asked is counted.

found = px.explain(["kernel_shap", "lime_tabular"], predictor, space, rows, budget=200, seed=0)
found |= px.reference("shap.kernel", predictor, space, rows, budget=200)
found |= px.reference("shap.tree", predictor, space, rows)
found |= px.reference("lime.tabular", predictor, space, rows)
px.plot(found, "bars", row=0, top=5)

# %%
# Shapley values are one thing, whoever computes them: ``shap.tree`` reads them off the trees, and the others come
# close. LIME is another thing. What did each cost, and how far from the exact values is it?

exact = found["shap.tree"].values
for name, one in found.items():
    error = ((one.values - exact) ** 2).mean() ** 0.5
    print(f"{name:>13}: {one.meta['rows']:>7,} model rows, {error:5.2f} from the exact Shapley values")

# %%
# What was computed elsewhere can be brought in, here an explanation that shap made on its own:

theirs = shap.TreeExplainer(model, X.sample(50, random_state=0))(rows)
brought = px.from_shap(theirs, predictor, space, rows)
print(brought[0])

# %%
# And results go to shap's plots:

shap.plots.bar(px.to_shap(found["kernel_shap"])[0], max_display=6, show=False)
