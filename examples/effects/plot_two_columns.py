"""
Two columns at once: surfaces
=============================

Two columns may do together what neither does alone. This example draws partial dependence and ALE of a pair as maps,
and says which parts of a map to leave alone.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# A tuple of two columns asks for their surface.

found = px.effects(["pdp", "ale"], model, X, X, features=[("bmi", "s5")], seed=0)
px.plot(found)

# %%
# The grid is chosen by the number of rows: 442 rows bear 8 bins along each column. In words:

print(found["ale"]["bmi", "s5"].describe())

# %%
# The two maps answer two questions. The one of **PDP** has everything that both columns do: its height is the mean
# prediction at these two values. The one of **ALE** has only what they do *together*, beyond what each does alone. It
# is zero everywhere for two columns that do not act together. Here it says that a large body mass counts for more where
# ``s5`` is near 4.8 than where it is below 4.5. Pale places are within noise.
#
# Whether there is something to see at all is told by the H statistic, which is cheaper than looking at forty-five maps.

h = px.h_statistic(model, X, X, features=[("bmi", "s5"), ("bmi", "bp"), ("age", "sex")], data_rows=100, seed=0)
px.plot(h)

# %%
# Two blood values that go together, ``s1`` and ``s2``: most of the map has no rows, and is hatched.

px.plot(px.effects(["pdp", "ale"], model, X, X, features=[("s1", "s2")], seed=0))

# %%
# **What not to conclude** from a hatched part: anything. PDP has a colour there, for a model always answers.
