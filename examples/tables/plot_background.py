"""
Hidden means: replaced by what? Backgrounds
===========================================

"Hidden" has to mean something. Here it means that a column's value is replaced by those of other rows, the
**background**. This example shows that the background is part of the answer, and how to choose it.
"""

# %%
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
person = X.iloc[[0]]

# %%
# Ten rows drawn at random, a hundred (the default), twenty that were chosen to be typical, and all 442. All
# combinations of columns are asked, so that the bars differ by their backgrounds alone.

spaces = {
    "10 rows": px.TabularSpace(X, background=10),
    "100 rows": px.TabularSpace(X, background=100),
    "20 by k-means": px.TabularSpace(X, background=20, choose="kmeans"),
    "all rows": px.TabularSpace(X, background="all"),
}
found = {name: px.explain("kernel_shap", model, space, person, seed=0)["kernel_shap"] for name, space in spaces.items()}
px.plot(found, "bars", top=6)

# %%
# Ten rows are too few: their mean prediction is off, and so is what is left to be explained. How far off a drawn
# background may be is told by ``stderr_background``:

for name in ("10 rows", "100 rows"):
    error = found[name].stderr_background[0].max()
    print(f"{name}: mean prediction {found[name].base[0, 0]:.0f}; the draw adds errors of up to {error:.1f}")
print(f"all rows: mean prediction {found['all rows'].base[0, 0]:.0f}")

# %%
# ``choose="kmeans"`` cuts the table into clusters and takes the row nearest to each centre, with the weight of its
# cluster. Few rows then stand for the table better than as many that were drawn at random.
#
# A background is also a question. *Why does the model say more of this person than of people of the same age?* asks for
# a background of such people:

alike = X[np.abs(X.age - person.age.iloc[0]) <= 5]
asked = {
    "than of all": found["all rows"],
    "than of people as old": px.explain("kernel_shap", model, px.TabularSpace(alike, background="all"), person)[
        "kernel_shap"
    ],
}
px.plot(asked, "bars", top=6)

# %%
# The value of ``age`` shrinks: against people of the same age it is no reason.
#
# **What to report:** beside every explanation, the background. Two honest ones can give two answers.
