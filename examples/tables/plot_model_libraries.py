"""
One call for xgboost, LightGBM and ONNX
=======================================

Whatever library a model comes from, it is explained by the same call: hide, ask, conclude needs nothing from a model
but its answers. This example explains three models of the same table and compares what they go by.
"""

# %%
# Whether a sample of breast tissue is benign, from the ten mean measurements.

import lightgbm
import numpy as np
import onnxruntime
import xgboost
from skl2onnx import to_onnx
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import perturbxai as px

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X = X.iloc[:, :10].rename(columns=lambda name: name.removeprefix("mean ")).astype(np.float32)

trees = xgboost.XGBClassifier(n_estimators=30, max_depth=3, random_state=0).fit(X, y)
leaves = lightgbm.LGBMClassifier(n_estimators=30, num_leaves=8, verbose=-1, random_state=0).fit(X, y)

# %%
# The third is a linear model that was exported to ONNX and is run by ONNX Runtime: no scikit-learn is asked. With
# ``"zipmap": False`` it answers with an array, which is much faster than dictionaries.

linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_numpy(), y)
exported = to_onnx(linear, X.to_numpy()[:1], options={"zipmap": False}).SerializeToString()
session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])

# %%
# ``outputs=`` of a ``Predictor`` names what a model only numbers.

models = {"xgboost": trees, "LightGBM": leaves, "ONNX, linear": session}
space = px.TabularSpace(X, background=30)
found = {
    name: px.explain(
        "kernel_shap", px.Predictor(model, outputs=["malignant", "benign"]), space, X.iloc[20:40], outputs=["benign"], seed=0
    )["kernel_shap"]
    for name, model in models.items()
}
px.plot(found, "bars", row=1, top=6)

# %%
# All three call this sample benign, for reasons that differ: measurements of size (radius, area, perimeter) say nearly
# the same, and a model is free to take any of them. So it is over twenty samples:

px.plot({name: px.importance(one) for name, one in found.items()}, top=6)

# %%
# **What one may conclude:** that models can agree in what they say and differ in why. **What not:** that a column with
# a small bar carries no information. Another model may live on it.
