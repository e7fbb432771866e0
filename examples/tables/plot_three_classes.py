"""
A classifier with three classes
===============================

A classifier gives a number for each class, so that each column has a value for each class. This example shows how to
look at all classes or at one, and what changes when the scale is evidence instead of probability.
"""

# %%
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import perturbxai as px

data = load_iris(as_frame=True)
X = data.data.rename(columns=lambda name: name.removesuffix(" (cm)"))
y = data.target.map(dict(enumerate(data.target_names)))
model = LogisticRegression(max_iter=1000).fit(X, y)
flowers = X.iloc[[0, 77, 120]]
found = px.explain("kernel_shap", model, X, flowers, seed=0)["kernel_shap"]
print(found.outputs)

# %%
# A panel for each class. The model is in doubt about this flower: *versicolor* or *virginica*. Probabilities sum to
# one, so that what a column gives to one class it takes from the others: across the three panels the values of a column
# sum to zero.

px.plot(found, "bars", row=1)

# %%
# One class alone, by its name: in words, and as the way from the mean prediction to that of each flower. A line is a
# flower; it starts at the bottom, and each column moves it.

print(found[1].describe(output="virginica"))

# %%
px.plot(found, "decision", output="virginica")

# %%
# The length of the sepal lowered the probability of *virginica*. Behind the probabilities stand scores, one a class,
# from which they are made, and ``output="logit"`` explains these. The score of *virginica* hardly knows the sepal: its
# length speaks for *versicolor*, and what one class gets the others lose.

evidence = px.explain("kernel_shap", px.Predictor(model, output="logit"), X, flowers, seed=0)["kernel_shap"]
px.plot(evidence, "bars", row=1)

# %%
# Which of the scales is right is a question of what one wants to know: by how much the probability moved, or what
# speaks for one class by itself. Say which one a figure shows; as here, they can tell different stories.
