# ruff: noqa
# fmt: off
"""What a user of the package writes, for a type checker: E is an error that it must find, R a type that it must tell.

This file is read, not run.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

import perturbxai as px
from perturbxai import *


class Estimator:
    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return X.to_numpy().sum(axis=1)


table = pd.DataFrame({"age": [40.0, 50.0], "sex": ["f", "m"]})
array = np.eye(4)
predictor = px.Predictor(Estimator(), output="raw", outputs="risk")
px.Predictor(lambda X: X.sum(axis=1), outputs=np.array(["a"]), progress=lambda done, total: None)
px.Predictor(3)  # E: "Predictor" has incompatible type "int"
px.Predictor(Estimator(), outputz=["risk"])  # E: Unexpected keyword argument "outputz"
reveal_type(predictor(table))  # R: numpy.dtype[numpy.float64]

space = px.TabularSpace(table, background="all", groups={"both": ["age", "sex"]}, weights=pd.Series([1.0, 2.0]))
photos = px.ImageSpace(segments={"left": array > 0, "around": "slic"}, fill=Image.new("RGB", (4, 4)))
px.ImageSpace(segments=lambda picture: picture[..., 0] > 0.5, fill=[0.1, 0.2, 0.3])
px.TabularSpace(table, backgroud=3)  # E: Unexpected keyword argument "backgroud"
px.TabularSpace({"age": 3})  # E: "TabularSpace" has incompatible type "dict[str, int]"
reveal_type(space.players(table.iloc[0]))  # R: list[perturbxai.inputs.spaces.TableInput]

found = px.explain(["lime", px.KernelShap(surrogate="auto")], predictor, space, table, outputs=["risk"], budget=10)
reveal_type(found)  # R: dict[str, perturbxai.results.explanation.Attribution]
px.explain("lime", predictor, photos, [Image.new("RGB", (4, 4))], outputs=0)
px.explain("lime", predictor, space, [40.0, None], outputs=np.array([0]))
px.explain("lime", predictor, space, table, budgets=10)  # E: Unexpected keyword argument "budgets"
px.explain("lime", Estimator(), table, table)
px.explain("lime", "model", space, table)  # E: incompatible type "str"; expected "Predictor
px.explain("lime", predictor, space, table, outputs=0.5)  # E: incompatible type "float"
lime = found["lime"]
reveal_type(lime.values)  # R: numpy.dtype[numpy.float64]
reveal_type(lime[0])  # R: perturbxai.results.one_input.Explanation
reveal_type(lime[0].names)  # R: tuple[str, ...]
reveal_type(lime.to_frame())  # R: DataFrame
lime.valuez  # E: "Attribution" has no attribute "valuez"
lime[0].std_err  # E: "Explanation" has no attribute "std_err"
reveal_type(found | px.baselines("random", predictor, space, table))  # R: dict[str, perturbxai.results.explanation.Attribution]

px.Lime(kernel_width=0.5, name="narrow")
px.Lime(kernel_widht=0.5)  # E: Unexpected keyword argument "kernel_widht"
px.KernelShap(surrogate=3)  # E: incompatible type "int"
px.Interactions(index="sv")  # E: incompatible type "Literal['sv']"
px.Ale(edges=10)  # E: Unexpected keyword argument "edges"

curves = px.effects("ale", predictor, space, table, features=["age", ("age", "sex")], grid={"age": [40, 45, 50]}, by="sex")
px.effects(["pdp", px.Ice(ice_rows=5)], predictor, space, table, features="age", grid={"age": 5, "sex": ["f", "m"]}, rows=100)
px.effects("pdp", predictor, space, table, features=np.array([True, False]), grid=5, by=0)
px.effects("pdp", predictor, space, table, feature=["age"])  # E: Unexpected keyword argument "feature"
reveal_type(curves["ale"]["age"])  # R: perturbxai.results.effect.Effect
reveal_type(curves["ale"]["age"].interval(simultaneous=True)[0])  # R: numpy.dtype[numpy.float64]
curves["ale"]["age"].value  # E: "Effect" has no attribute "value"
reveal_type(px.importance(lime))  # R: perturbxai.results.importance.Importance
reveal_type(px.importance(curves)["ale"].corrected)  # R: numpy.dtype[numpy.float64]
reveal_type(px.h_statistic(predictor, space, table).features)  # R: tuple[str | tuple[str, ...], ...]
reveal_type(px.compare(found, predictor, space, fills=["blur", 0.5]).summary())  # R: DataFrame
reveal_type(px.submodular_pick(lime, 2).picked)  # R: perturbxai.results.explanation.Attribution

reveal_type(px.plot(found, "bars"))  # R: matplotlib.figure.Figure
reveal_type(px.plot(curves, ax=Figure().subplots()))  # R: matplotlib.axes._axes.Axes
px.plot(found, "bars", interactive=True).write_html("bars.html")
px.plot(found, "bars", interactive=True, ax=Figure().subplots())  # E: No overload variant of "plot"
px.plot(predictor)  # E: No overload variant of "plot"
px.plot(list(curves["ale"].values())).savefig("ale.png")
px.plot_effects(Estimator(), table, ["age", ("age", "sex")], kind="ale", ax=Figure().subplots())
reveal_type(px.Game(predictor, space, table).evaluate([[True, False]]))  # R: numpy.dtype[numpy.float64]
reveal_type(px.Attribution.from_json(lime.to_json())[0].label)  # R: Hashable
reveal_type(px.report(curves, "folder"))  # R: pathlib.Path
px.explian  # E: Module has no attribute "explian"
reveal_type(explain("lime", predictor, space, table))  # R: dict[str, perturbxai.results.explanation.Attribution]
