"""
Figures that tell what lies under the mouse
===========================================

A figure on paper shows sixty points, and not which person each is. With ``interactive=True`` the same figure is made by
plotly: the mouse tells the row, what it has, the value and its error. Needs the extra ``interactive``.
"""

# %%
# Sixty people, explained by two methods.

import tempfile
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

import perturbxai as px

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
model = GradientBoostingRegressor(random_state=0).fit(X, y)
space = px.TabularSpace(X, background=50)
found = px.explain(["kernel_shap", "lime"], model, space, X.iloc[:60], budget=200, seed=0)

# %%
# The figure as this page can show it:

px.plot(found["kernel_shap"], "beeswarm", top=6, space=space)

# %%
# And its twin, of which a notebook shows the last line of a cell. What stands under the mouse at one of its points:

swarm = px.plot(found["kernel_shap"], "beeswarm", top=6, space=space, interactive=True)
print(swarm.data[0].hovertext[7].replace("<br>", "\n"))

# %%
# Several methods have a legend; a click there hides one, with its errors. ``write_html`` keeps a figure as a page of its
# own that is read without a network; ``"directory"`` puts plotly beside it, once for all pages of a folder.

bars = px.plot(found, "bars", row=0, space=space, interactive=True)
with tempfile.TemporaryDirectory() as folder:
    for name, figure in {"swarm": swarm, "bars": bars}.items():
        figure.write_html(Path(folder) / f"{name}.html", include_plotlyjs="directory")
    for path in sorted(Path(folder).iterdir()):
        print(f"{path.name}  {path.stat().st_size / 1000:,.0f} kB")
