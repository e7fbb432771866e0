"""
Several processes
=================

Rows can be explained by several processes at once. This example does so, and shows that the answer is the same to the
last bit.
"""

# %%
# A forest of 30 trees, and twenty rows of the table to stand for "hidden".

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = RandomForestRegressor(30, random_state=0).fit(X, y)
space = px.TabularSpace(X, background=20)

# %%
# ``n_jobs=2`` shares the rows among two processes. They start with the first call, which takes some seconds, and stay
# for the next: on a table as small as this sharing costs more than it gains, with thousands of rows two processes are
# nearly twice as fast as one.

one = px.explain("kernel_shap", model, space, X.iloc[:30], budget=100, seed=0)["kernel_shap"]
two = px.explain("kernel_shap", model, space, X.iloc[:30], budget=100, seed=0, n_jobs=2)["kernel_shap"]
print("equal to the last bit:", np.array_equal(one.values, two.values))

# %%
# The same questions are asked for the same seed, whatever the number of processes, the size of batches and the order of
# the rows:

backwards = px.explain("kernel_shap", model, space, X.iloc[29::-1], budget=100, seed=0)["kernel_shap"]
print("in any order:", np.array_equal(backwards.values[::-1], one.values))

# %%
# What comes out can be used as any other result:

px.plot(px.importance(two))

# %%
# Threads, dask and ray come in by ``joblib.parallel_config``. Threads are for models that cannot be sent to another
# process.
