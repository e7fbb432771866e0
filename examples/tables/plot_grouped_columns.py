"""
Columns that belong together
============================

Thirty bars are hard to read, and columns that measure the same thing share their value in ways that say little. This
example lets groups of columns act as one.
"""

# %%
# The table of breast cancer has ten properties of cells, each measured three ways: the mean, its error, and the worst.

from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier

import perturbxai as px

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
model = GradientBoostingClassifier(n_estimators=60, random_state=0).fit(X, y)
properties = [name.removeprefix("mean ") for name in X.columns[:10]]
predictor = px.Predictor(model, output="logit", outputs=["benign"])

# %%
# ``groups=`` of a ``TabularSpace`` says which columns are hidden and shown together. Groups are named, and columns that
# are in no group stay by themselves.

groups = {name: [f"mean {name}", f"{name} error", f"worst {name}"] for name in properties}
by_property = px.TabularSpace(X, background=20, groups=groups)
one = px.explain("kernel_shap", predictor, by_property, X.iloc[[20]], seed=0)["kernel_shap"]
px.plot(one, "waterfall")

# %%
# With ten groups all 1,024 coalitions are asked, so that the values are exact: with thirty columns there would be a
# billion. The same columns can be grouped otherwise, to ask another question: does the model go by means, by errors or
# by the worst?

kinds = {"means": list(X.columns[:10]), "errors": list(X.columns[10:20]), "worst": list(X.columns[20:])}
by_kind = px.TabularSpace(X, background=20, groups=kinds)
other = px.explain("kernel_shap", predictor, by_kind, X.iloc[[20]], seed=0)["kernel_shap"]
px.plot(other, "waterfall")

# %%
# Both start and end at the same numbers: what is shared out is the same, only the parts differ.
#
# **What not to conclude:** a group's value is not the sum of what its columns would have alone. It is what they are
# worth together, and columns that stand in for each other are worth more together than any looks by itself.
