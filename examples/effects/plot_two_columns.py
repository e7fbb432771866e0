"""
Two columns at once: surfaces
=============================

Two columns may do together what neither does alone. This example draws partial dependence and ALE of a pair as maps.
"""

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# A tuple of two columns asks for their surface. Hatched cells have no data: what a map shows there is the model's guess.

found = px.effects(["pdp", "ale"], model, X, X, features=[("bmi", "s5")], grid=12, seed=0)
px.plot(found)

# %%
# The two maps answer two questions. The one of **PDP** has everything that both columns do: its height is the mean prediction at
# these two values. The one of **ALE** has only what they do *together*, beyond the sum of what each does alone. Of two columns
# that do not act together it is zero everywhere; here it says that a large body mass counts for more where ``s5`` is high.
#
# Whether there is something to see at all is told by the H statistic, which is cheaper than looking at forty-five maps.

h = px.h_statistic(model, X, X, features=[("bmi", "s5"), ("bmi", "bp"), ("age", "sex")], data_rows=100, seed=0)
px.plot(h)

# %%
# **What not to conclude** from a hatched corner: anything.
