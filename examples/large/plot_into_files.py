"""
A table that does not fit in memory
===================================

Explanations of a million rows do not fit in memory, and a run of hours may be stopped. This example explains a table
block by block into files, stops on the way, and goes on.
"""

# %%
# The table lies in a file. Here it is small, and in a folder that is gone afterwards.

import tempfile
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
space = px.TabularSpace(X, background=20)

folder = tempfile.TemporaryDirectory()
table, explained = Path(folder.name) / "people.csv", Path(folder.name) / "explained"
X.assign(patient=[f"P{n:03}" for n in range(len(X))]).head(120).to_csv(table, index=False)

# %%
# ``explain_to`` reads blocks, explains each, and writes it as a part. Columns that the model does not know, such as the
# patient's number, are carried along. A model that fails on the way stands for a machine that is switched off:

calls = 0


def failing(rows):
    """The model, until the power goes."""
    global calls
    calls += len(rows)
    if calls > 100_000:
        raise RuntimeError("the power is gone")
    return model.predict(rows)


try:
    px.explain_to(explained, "kernel_shap", failing, space, table, budget=100, part_rows=40, format="csv", seed=0)
except RuntimeError as error:
    print(error, "- written so far:", sorted(path.name for path in (explained / "parts").iterdir()))

# %%
# The same call goes on: parts that are whole are taken as they are.

calls = -10_000_000
px.explain_to(explained, "kernel_shap", failing, space, table, budget=100, part_rows=40, format="csv", seed=0)
print(sorted(path.name for path in explained.rglob("*") if path.is_file()))

# %%
# A line is a row of the table, with its values and their errors.

parts = pd.concat([pd.read_csv(path) for path in sorted((explained / "parts").iterdir())])
parts[["x_patient", "prediction", "x_bmi", "value_bmi", "stderr_bmi"]].head()

# %%
# The means of all sizes, as one would draw them for a table of any size:

sizes = parts.filter(like="value_").abs().mean().sort_values()
sizes.rename(lambda name: name.removeprefix("value_")).plot.barh(figsize=(5, 3), xlabel="mean |value|").figure.tight_layout()
folder.cleanup()
