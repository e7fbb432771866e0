"""
One page that says it all: the report
=====================================

A result that others shall read needs words, figures, tables, and a note of how it came about. This example writes all
of that into a folder, by one call.
"""

# %%
# Two methods explain five people, and are scored.

import tempfile
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
space = px.TabularSpace(X, background=30)
found = px.explain(["lime", "kernel_shap"], model, space, X.iloc[:5], budget=100, seed=0)
table = px.compare(found, model, space, metrics=["srg", "faithfulness"], seed=0)

# %%
# ``report`` takes a comparison, results of one method or several, or effects. The folder is one that is gone
# afterwards; choose your own, such as ``"results/diabetes"``, and open ``index.html`` in a browser.

with tempfile.TemporaryDirectory() as folder:
    px.report(table, folder)
    files = sorted(Path(folder).rglob("*"))
    for path in files:
        print(f"{path.relative_to(folder)}  {path.stat().st_size / 1000:,.0f} kB")
    again = px.Attribution.from_json(found["kernel_shap"].to_json(Path(folder) / "kernel_shap.json"))

# %%
# The page has words on top, the importance of columns, every row as a waterfall, how the methods score and what it
# cost; it needs no network to be read. The CSV files have every number that is shown, and ``manifest.json``, which is
# written last, the versions, the seed and the counts: where it is, the report is whole.
#
# A result by itself goes into JSON and comes back as it was, to the last bit:

print(again)

# %%
px.plot(again, "waterfall", row=0)
