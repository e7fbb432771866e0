"""
Questions that are chosen, not drawn
====================================

Some coalitions tell more than others. ``design="adaptive"`` draws half of the questions, looks at the answers, and
chooses the others where the values are least certain. This example measures what that gains.
"""

# %%
# A smooth model of 12 columns with interactions, whose exact values come from all 4,096 coalitions.

import matplotlib.pyplot as plt
import numpy as np

import perturbxai as px

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 12))
weights = rng.normal(size=(12, 8))


def model(rows):
    """(n,): a small network with one hidden layer."""
    return np.tanh(rows @ weights / 3).sum(axis=1) + rows[:, 0] * rows[:, 1]


space = px.TabularSpace(X, background=10)
row = X[:1]
exact = px.explain("exact_shap", model, space, row)["exact_shap"]

# %%
budgets = [60, 90, 120]
shap = px.KernelShap(surrogate="process")
designs = {
    design: {n: px.explain(shap, model, space, row, budget=n, design=design, seed=0)["kernel_shap"] for n in budgets}
    for design in ("drawn", "adaptive")
}
figure, axis = plt.subplots(figsize=(5, 3.4), layout="constrained")
for design, found in designs.items():
    errors = [np.sqrt(np.mean((found[n].values - exact.values) ** 2)) for n in budgets]
    axis.plot(budgets, errors, "o-", label=design)
axis.set(xlabel="coalitions", ylabel="error of a value", ylim=(0, None))
axis.set_xticks(budgets)
axis.legend(frameon=False)

# %%
# How many of the questions were chosen, and what they say, with intervals:

print(designs["adaptive"][120].meta["chosen"], "of 120 coalitions were chosen")

# %%
px.plot({"drawn": designs["drawn"][60], "adaptive": designs["adaptive"][60], "exact": exact}, "bars", top=6)

# %%
# Choosing takes seconds an input. It is for models that are slow: where a question costs a second, half as many of them
# are worth it; where it costs a microsecond, ask more.
