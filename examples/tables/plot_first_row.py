"""
A first explanation of a row
============================

Boosted trees predict how far diabetes goes in a year. This example explains what they say of one person: which of the
ten columns raised the prediction, which lowered it, and by how much.
"""

# %%
# The data are scikit-learn's: 442 people, ten columns, and a number that says how far the illness went. The model may
# be any that can be called.

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)

# %%
# To find out what a column is worth it is hidden: its value is replaced by those of other people of the table, and the
# model is asked again. Columns are hidden one by one and many at once, in all combinations. What a column adds on
# average is its **Shapley value**, and the method that finds it is called ``kernel_shap``. What was found can be had in
# words:

found = px.explain("kernel_shap", model, X, X.iloc[:5], seed=0)["kernel_shap"]
print(found[0].describe())

# %%
# The same as a picture, to be read from the bottom to the top. It starts at what the model says on average over the
# people who stand for "hidden"; each bar is a column's value, red to the right where it raises the prediction and blue
# to the left where it lowers it. At the top it arrives at what the model says of this person.

px.plot(found, "waterfall", row=0)

# %%
# A result is numbers with names. ``found[0]`` is the first person, ``.top(3)`` the three columns that matter most, and
# ``found[:, "bmi"]`` one column for all five people. All 1,024 combinations were asked here, so that the only error
# left is that of the hundred rows which stand for "hidden": ``stderr_background``, which is behind the ± of the words.

found[0].top(3).to_frame()[["feature", "feature_value", "value", "stderr_background"]]

# %%
found[:, "bmi"].to_frame()[["row", "feature_value", "value"]]

# %%
# **What one may conclude:** what *this model* makes of this person. **What not:** that a lower body mass index would
# heal anybody. The values tell what the model has learned to go by, and the model may be wrong, or may go by what
# merely comes along with the cause.
