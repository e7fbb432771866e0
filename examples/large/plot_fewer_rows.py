"""
Fewer questions: rows= and tol=
===============================

Each coalition is usually asked once for each row of the background, which makes a hundred model rows of one question.
This example spends the same number of model rows better, and stops when the answer is good enough.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

import perturbxai as px

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X.iloc[:, :10].rename(columns=lambda name: name.removeprefix("mean "))
model = GradientBoostingClassifier(n_estimators=50, random_state=0).fit(X, y)
predictor = px.Predictor(model, output="logit", outputs=["benign"])
samples = X.iloc[20:25]

# %%
# The truth, for once: all 569 rows of the table stand for "hidden", and the trees are read exactly.

whole = px.TabularSpace(X, background="all")
truth = px.baselines("glass_box", predictor, whole, samples)["glass_box"]

# %%
# ``budget=`` counts coalitions, each asked on every row of a background of 100. ``rows=`` counts model rows: every
# coalition is asked on a *single* row, drawn from the whole table, so that the background costs nothing in accuracy.

drawn = px.TabularSpace(X, background=100)
errors = {"budget=, 100 rows": [], "rows=, whole table": []}
counts = [2_500, 5_000, 10_000, 20_000]
for n in counts:
    by_budget = px.explain("kernel_shap", predictor, drawn, samples, budget=n // 100, seed=0)["kernel_shap"]
    by_rows = px.explain("kernel_shap", predictor, whole, samples, rows=n, seed=0)["kernel_shap"]
    for found, line in zip((by_budget, by_rows), errors.values(), strict=True):
        line.append(np.sqrt(np.mean((found.values - truth.values) ** 2)))

figure, axis = plt.subplots(figsize=(5, 3.4), layout="constrained")
for name, line in errors.items():
    axis.plot(counts, line, "o-", label=name)
floor = px.baselines("glass_box", predictor, drawn, samples)["glass_box"].values - truth.values
axis.axhline(np.sqrt(np.mean(floor**2)), color="0.5", linestyle="--", label="all coalitions, 100 rows")
axis.set(xscale="log", xlabel="model rows a sample", ylabel="error of a value", ylim=(0, None))
axis.set_xticks(counts, [f"{n:,}" for n in counts])
axis.minorticks_off()
axis.legend(frameon=False)

# %%
# Whatever the first line is asked, it cannot get below the dashed one: a background of 100 rows is not the whole table.
# The second line goes on falling.
#
# How many rows are enough? ``tol=0.1`` asks until the intervals of all values (simultaneously) are within a tenth of
# the range of the values, and stops there, each sample at its own time.

enough = px.explain("kernel_shap", predictor, whole, samples, rows=20_000, tol=0.1, seed=0)["kernel_shap"]
for one in enough:
    print(f"sample {one.label}: {one.meta['rows']:,} model rows, reached: {one.meta['reached']}")

# %%
px.plot(enough, "waterfall", row=0, top=6)
