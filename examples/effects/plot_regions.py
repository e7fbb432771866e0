"""
One curve that is really three: regions
=======================================

How does the number of rented bikes change over the day? The mean curve answers with two peaks. It is a curve of no day: on
working days people ride to work, on others they ride at noon. This example lets the data say where the curve falls apart.
"""

# %%
# Bike rentals in Washington, hour by hour over two years.

import importlib.util
from pathlib import Path

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

import perturbxai as px

(folder,) = importlib.util.find_spec("shapiq").submodule_search_locations  # the table comes in its package
X = pd.read_csv(Path(folder) / "datasets/data/bike.csv")
y = X.pop("count")
X = X.astype({"season": "category", "weather": "category"})
model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0).fit(X, y)

# %%
# The curves of single rows go different ways. Their mean hides that:

px.plot(px.effects("ice", model, X, X, features="hour")["ice"]["hour"])

# %%
# ``regions="auto"`` looks for one or two conditions on other columns that part the rows so that they agree. It asks the
# model nothing more.

hour = px.effects("pdp", model, X, X, features="hour", regions="auto")["pdp"]["hour"]
print(hour.describe())
px.plot(hour)

# %%
# Is that more than chance? Of any table some condition makes rows agree a little more. So each cut is chosen on one half of
# the rows and measured on the other, and set against the best cuts of conditions that were shuffled:

for cut in hour.regions.cuts:
    print(f"{cut.name}: {cut.fall:.0%}, on other rows {cut.honest:.0%}, by chance up to {cut.floor:.0%}")

# %%
# Which region is a row in? ``of`` tells it of any rows of such a table:

print(hour.regions.to_frame())
print(hour.regions.of(X.head()))

# %%
# **What one may conclude:** what the model does on such days, on average. **What not:** that the columns of the conditions
# cause it; columns that go together, as the temperature and how it feels, can stand for each other.
