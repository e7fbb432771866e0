"""
A first explanation
===================

Boosted trees predict how far diabetes goes in a year. What made them say what they say of one person?
"""

# %%
# The data are scikit-learn's: 442 people, ten columns, and a number that says how far the illness went. Any model that can
# be called will do.

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# Columns of the first twenty people are hidden in turn, one by one and many at once, which means: replaced by the values of
# other people of the table, and the model is asked again. What each column adds on average is its Shapley value.

results = px.explain("kernel_shap", model, X, X.iloc[:20], seed=0)
shap = results["kernel_shap"]
print(shap[0].describe())

# %%
# The first person as a waterfall: from what the model says on average, at the bottom, to what it says of this person. The
# bars are in units of what is predicted.

px.plot(shap, "waterfall", row=0)

# %%
# All twenty at once. A point is a person, its colour is what the person has in that column.

px.plot(shap, "beeswarm")
