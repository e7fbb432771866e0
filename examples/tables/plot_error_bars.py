"""
How sure is an explanation? Error bars
======================================

There are very many ways to hide some columns and show the others, and often only a part of them can be asked. The
values are then estimates. This example shows how to read the bars that tell how far off they may be, and two ways to
make them shorter.
"""

# %%
# A model of wines with 13 columns: each can be hidden or shown, which makes 8,192 **coalitions** (sets of columns that
# are shown together).

from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import perturbxai as px

X, y = load_wine(return_X_y=True, as_frame=True)
X = X.rename(columns={"od280/od315_of_diluted_wines": "od280/od315"})
model = make_pipeline(StandardScaler(), SVC(C=10, gamma=0.3)).fit(X, y == 1)
predictor = px.Predictor(model, output="logit", outputs=["second kind"])
space = px.TabularSpace(X, background=20)

# %%
# One wine is explained three times: from 60 coalitions, from 300, and from all of them. ``surrogate="none"`` asks for
# the plain estimate.

plain = px.KernelShap(surrogate="none")
found = {
    f"{n:,} coalitions": px.explain(plain, predictor, space, X.iloc[[70]], budget=n, seed=0)["kernel_shap"]
    for n in (60, 300, 8192)
}
px.plot(found, top=6)

# %%
# The thick line is the interval that holds one value in 95 % of draws. The thin one is wider and holds *all* values of
# the row at once in 95 % of draws: look at it before you say "the three largest are ...". With all coalitions nothing
# is left to chance, and the bars are gone. From 60 coalitions one cannot say which column comes first; from 300 one
# can.
#
# The same in a table, as ``stderr`` and as the ends ``low`` and ``high`` of the interval:

few = found["60 coalitions"]
few[0].top(4).to_frame()[["feature", "feature_value", "value", "stderr", "low", "high"]]

# %%
# In a waterfall the intervals are whiskers.

px.plot(few, "waterfall", top=6)

# %%
# More coalitions are one way to shorter bars. The other costs no question: similar coalitions have similar answers, and
# a fit that knows this (a Gaussian process) reads more out of the same 60. It takes seconds, so that by default it is
# made where the model itself is slow; ``surrogate="process"`` insists on it.

smooth = px.explain(px.KernelShap(surrogate="process"), predictor, space, X.iloc[[70]], budget=60, seed=0)["kernel_shap"]
px.plot({"60, plain": few, "60, process": smooth, "all": found["8,192 coalitions"]}, top=6)

# %%
# **What the bars do not cover:** a model that is wrong, and another choice of the rows that stand for "hidden". The
# example on backgrounds is about the latter.
