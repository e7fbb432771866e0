"""
Which explanation is right? Questions that none of them saw
===========================================================

Five methods explain the same rows, and do not agree. Which one should one believe? This example scores them on
questions that none of them was fitted to, beside the truth, which is known for trees.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
predictor, space = px.Predictor(model), px.TabularSpace(X, background=50)

# %%
# Five explanations from questions, with 120 coalitions a row; the exact Shapley values, read off the trees
# (``glass_box``); and, as a control, values drawn at random.

methods = ["lime", "kernel_shap", "pdp", "ice", "ale"]
found = px.explain(methods, predictor, space, X.iloc[:12], budget=120, seed=0)
found |= px.baselines(["glass_box", "random"], predictor, space, X.iloc[:12])
px.plot({name: one[:1] for name, one in found.items()}, "bars", top=4)

# %%
# ``compare`` draws new coalitions, hides and shows columns accordingly, and asks the model. **Faithfulness** is how
# well a method's values, summed over the columns that are shown, go along with what the model says (1 is perfectly, 0
# not at all). It is taken within coalitions of one size, since a method that merely counts columns would look good
# otherwise.

table = px.compare(found, predictor, space, metrics=["faithfulness", "srg", "spearman"], seed=0)
px.plot(table)

# %%
print(table.describe())

# %%
# And how much alike are they? Rank correlation of each method with the exact values, over the rows:

ranks = table.agreement.query("metric == 'spearman' and method_b == 'glass_box'")
print(ranks.groupby("method_a", sort=False).value.mean().round(2).to_string())

# %%
# **What one may conclude:** which values sum up best to what the model does when columns are hidden. **What not:** that
# a method with a lower score is wrong. ICE answers another question (what if only this column changed?) and answers it
# exactly.
