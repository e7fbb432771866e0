"""
Ten digits that stand for all, and those that they do not stand for
===================================================================

Before any model there are the data. This example finds a few pictures that together stand for 1,797 handwritten digits,
and **criticisms**: pictures that the few do not stand for. "Examples are not enough, learn to criticize" is the title of
the paper that it follows.
"""

# %%
from sklearn.datasets import load_digits

import perturbxai as px

digits = load_digits()
found = px.prototypes(list(digits.images), 10, criticisms=6)
print(found.describe())

# %%
# Below each prototype stands the share of the data that is nearest to it. They were chosen one after the other: each is
# the picture that brings the mean of the chosen ones nearest to the mean of the data, where pictures are points in the
# space of a kernel. So they are not the ten kinds of digits, of which nobody told; they are where pictures are many.

px.plot(found)

# %%
# How well do so few stand for all? Ten of them are worth several times as many that are drawn at random:

px.plot(found, "worth")

# %%
# Where the data are thinner, or thicker, than the prototypes say, the **witness** is far from zero. Criticisms are such
# places, unlike each other. Look at them before you trust the prototypes.

px.plot(found, "witness")

# %%
# Clusters are another way to few examples. Their number is chosen by how well they lie apart, which is told:

clusters = px.prototypes(list(digits.images), method="kmedoids", criticisms=0)
print(clusters.describe())
px.plot(clusters)

# %%
# **What one may conclude:** what the data are like, and where they are unlike the examples. **What not:** anything about a
# model. For a table rows are compared by Gower's distance, in which numbers, words, dates and missing values all count;
# for photos give ``embed=px.Predictor(net)``, so that they are compared as a network sees them.
