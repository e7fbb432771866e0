"""
Words, dates and missing values
===============================

Tables have columns of words, dates, truth values and holes. This example explains a model of such a table as it is:
nothing has to be turned into numbers for the explanation.
"""

# %%
# Made-up rentals of bicycles: on warm days and in good weather people rent more, members do on workdays, and the
# business grows. One temperature in ten was not recorded.

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder

import perturbxai as px

rng = np.random.default_rng(0)
n = 800
X = pd.DataFrame({
    "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D"),
    "weather": pd.Categorical(rng.choice(["clear", "clouds", "rain"], n, p=[0.5, 0.3, 0.2])),
    "temperature": np.where(rng.random(n) < 0.1, np.nan, rng.normal(15, 8, n).round(1)),
    "workday": rng.random(n) < 5 / 7,
    "station": rng.choice(["harbour", "park", "university"], n),
})  # fmt: skip
warm = np.nan_to_num(X.temperature.to_numpy(), nan=15.0)
y = (
    40 + 2 * warm + 30 * X.weather.map({"clear": 1, "clouds": 0.5, "rain": 0}).astype(float)
    + 25 * ((X.station == "university") & X.workday) + 0.05 * (X.day - X.day.min()).dt.days + rng.normal(0, 5, n)
)  # fmt: skip

# %%
# A pipeline of scikit-learn turns dates into days and words into codes, and boosted trees take the missing temperatures
# as they are. All of that is the model's business: it is asked with tables that look like ``X``.


def days(dates):
    """Days since the table begins."""
    return (dates - pd.Timestamp("2024-01-01")) / pd.Timedelta(days=1)


columns = make_column_transformer(
    (FunctionTransformer(days), ["day"]),
    (OrdinalEncoder(), ["weather", "station"]),
    remainder="passthrough",
)
model = make_pipeline(columns, HistGradientBoostingRegressor(random_state=0)).fit(X, y)

# %%
# A row whose temperature is missing. Missing is a value like others: hiding the column replaces it by what other rows
# have, so that its value tells what *not knowing* did to this prediction.

hole = X[X.temperature.isna()].iloc[:1]
found = px.explain("kernel_shap", model, X, hole, seed=0)["kernel_shap"]
px.plot(found, "waterfall", space=px.TabularSpace(X))

# %%
# Many rows at once: words have no order, so their points are grey; a scatter of a column of words has a place for each
# word.

many = px.explain("kernel_shap", model, X, X.iloc[:60], seed=0)["kernel_shap"]
px.plot(many, "beeswarm", space=px.TabularSpace(X))

# %%
# On workdays the university rents more, and only there. The colour, chosen by how much it explains, shows that.

px.plot(many, "scatter", feature="station", space=px.TabularSpace(X))
