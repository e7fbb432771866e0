"""
Who is most like this person, and was decided otherwise?
========================================================

An explanation says which columns moved a prediction. The data say more: who is like this person and got the other answer,
whether there are such people at all, and whether the rows that the explanation asked about look like any of them.
"""

# %%
# Census data of 1994: who earns more than 50,000 dollars a year?

from sklearn.ensemble import HistGradientBoostingClassifier

import perturbxai as px
from perturbxai import assets

X, y = assets.adult()
X, y = X.drop(columns="fnlwgt").iloc[:12_000], y.iloc[:12_000]
model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0).fit(X, y)
predictor = px.Predictor(model, outputs=["below 50K", "above 50K"])
space = px.TabularSpace(X, choose="prototypes")
people = X.iloc[[7, 10, 20]]

# %%
# ``px.context`` looks among 5,000 rows of the table. Rows are compared by Gower's distance: numbers in shares of their
# range, words same or not.

around = px.context(predictor, space, people)
print(around.describe())

# %%
# The first of them beside those most like him, and beside those most like him who are decided otherwise. What he has not
# is in colour:

px.plot(around, row=0, top=12)

# %%
# The same beside an explanation. ``px.report(found, folder, context=around)`` has both on one page, row by row.

found = px.explain("kernel_shap", predictor, space, people, outputs=["above 50K"], budget=300, seed=0)["kernel_shap"]
px.plot(found, "waterfall", row=0, top=6)

# %%
# **Thin ground.** Methods that hide columns ask about mixed rows: some columns of this person, the others of somebody
# else. ``ground`` tells which share of such rows lies farther from the data than 95 % of the data do. Where it is large,
# the model was hardly taught what to say there, and the values rest on that.

print({label: f"{100 * part:.0f} %" for label, part in zip(around.labels, around.ground, strict=True)})

# %%
# **What one may conclude:** that people so alike are decided apart, and by which columns they differ. **What not:** that
# changing those columns would change the decision: the neighbour differs in several at once, and nobody was changed.
