"""Charts of the page in numbers: what stands where, and what is said of it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stub_results import result

import perturbxai as px
from perturbxai.reporting.curves.view import panels
from perturbxai.reporting.html.charts.bars import Bars, reaching
from perturbxai.reporting.html.charts.beeswarm import MOST, Swarm, stacked
from perturbxai.reporting.html.charts.grid import cell_colour
from perturbxai.reporting.html.charts.lines import Curve, Lines
from perturbxai.reporting.html.charts.pixels import map_data
from perturbxai.reporting.html.charts.region import outlines
from perturbxai.reporting.html.charts.scatter import Scatter
from perturbxai.reporting.html.charts.shades import as_numbers, shades
from perturbxai.reporting.html.charts.strip import ticks
from perturbxai.reporting.html.charts.waterfall import TOP, steps_of, waterfall
from perturbxai.reporting.html.choices import Choice, part_of
from perturbxai.reporting.html.curves_section import curve_figure
from perturbxai.reporting.html.making import cost_section
from perturbxai.reporting.html.markup import element, name
from perturbxai.reporting.html.said import paragraph
from perturbxai.reporting.html.scale import Scale

finite = st.floats(-1e9, 1e9, allow_nan=False)


def dots_of(text):
    """(x, y) of every dot."""
    paths = re.findall(r'd="([^"]*)" class="dot', text)
    return [tuple(map(float, one)) for path in paths for one in re.findall(r"M(\S+) (\S+)h0", path)]


def one_row(values, prediction, base=0.0, **more):
    values = np.array(values, dtype=float)[:, None]
    first = result(n_players=len(values), outputs=("y",))[0]
    return replace(
        first,
        values=values,
        stderr=np.full_like(values, 0.1),
        prediction=np.array([prediction]),
        base=np.array([base]),
        **more,
    )


# ------------------------------------------------------------------------------------------------ scales


@given(st.lists(finite, min_size=1, max_size=8), st.booleans())
def test_a_scale_holds_all_numbers_and_has_few_ticks_that_differ(values, zero):
    scale = Scale.over(values, zero=zero)
    room = 1e-9 * max(abs(scale.low), abs(scale.high))
    assert scale.low - room <= min(values) and max(values) <= scale.high + room
    assert 1 <= scale.steps <= 12 and (not zero or scale.low <= 0.0 <= scale.high)
    assert len(set(scale.names)) == scale.steps + 1 or scale.high - scale.low < 1e-3 * abs(scale.high)


@pytest.mark.parametrize("values", [[], [np.nan], [np.inf, -np.inf], [1.7e308, -1.7e308], [3.0], [0.0, 0.0], [1e-300, 0.0]])
def test_a_scale_of_nothing_or_of_one_number_has_two_ends(values):
    scale = Scale.over(values)
    assert np.isfinite([scale.low, scale.high]).all() and scale.low < scale.high


def test_ticks_are_even_round_and_have_no_minus_zero():
    assert Scale.over([-31.0, 66.0]).names == ["−40", "−20", "0", "20", "40", "60", "80"]
    assert Scale.over([0.02, 0.31], zero=True).names == ["0.0", "0.1", "0.2", "0.3", "0.4"]


# ------------------------------------------------------------------------------------------------ bars, waterfall


def test_an_error_that_is_not_known_is_said_and_draws_no_whisker():
    infinite = np.array([np.inf])
    text = Bars(["a"], np.array([2.0]), -infinite, infinite, "", "").table()
    assert "± not known" in text and "whisker" not in text


def test_an_endless_whisker_does_not_flatten_the_bars():
    scale = reaching(np.array([1.0, 2.0]), np.array([0.9, -1e6]), np.array([1.1, 1e6]))
    assert scale.high - scale.low < 8.0


def test_a_waterfall_ends_at_the_prediction():
    steps = steps_of(one_row([3.0, -1.0, 0.5], prediction=7.5, base=5.0), 0, ["a", "b", "c"], "columns")
    assert [step.start for step in steps] == [5.0, 8.0, 7.0] and steps[-1].end == 7.5
    assert [step.has for step in steps] == ["a", "b", "c"]


def test_what_a_method_leaves_open_is_a_step_of_its_own():
    steps = steps_of(one_row([3.0, -1.0], prediction=4.0), 0, None, "columns")
    assert steps[-1].end == 4.0 and "left over" in str(steps[-1].called)


def test_many_columns_are_summed_behind_those_that_lead():
    steps = steps_of(one_row(np.arange(1.0, 31.0), prediction=465.0), 0, None, "columns")
    assert len(steps) == TOP + 1 and steps[-1].called == f"{30 - TOP} other columns together"
    assert steps[-1].end == pytest.approx(465.0)


def test_a_row_without_a_known_base_is_drawn_without_it():
    text = waterfall(one_row([1.0, 2.0], prediction=3.0, base=np.nan), 0, None)
    assert "nan" not in text.lower() and "–" in text


# ------------------------------------------------------------------------------------------------ dots


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=60))
def test_dots_of_a_swarm_stay_in_their_strip_and_apart(x):
    y = stacked(np.array(x), np.zeros(len(x), dtype=int))
    assert all(0 <= one <= 100 for one in y)
    bins = (np.array(x) / 1000 * 60).astype(int)
    assert len(set(zip(bins.tolist(), y, strict=True))) == len(x)


def test_a_swarm_of_many_rows_is_thinned_and_keeps_its_ends_and_the_rows_of_the_page():
    values = np.random.default_rng(0).normal(size=(5000, 1))
    rows = np.full(5000, -1)
    rows[[7, 4000]] = 0, 1
    found = dots_of(Swarm(["a"], values, values, rows, "").table())
    scale = Scale.over(values, zero=True)
    across = [x for x, _ in found]
    assert MOST <= len(found) <= MOST + 2
    assert min(across) == scale.place(values.min()) and max(across) == scale.place(values.max())
    assert scale.place(float(values[4000, 0])) in across


def test_shades_rise_with_the_value_and_grey_is_for_what_has_no_order():
    found = shades(as_numbers([1.0, 2.0, 3.0, None, "red", True]))
    assert found[:3] == sorted(found[:3]) and found[0] != found[2] and found[3:5] == ["qx", "qx"] and found[5] != "qx"


# ------------------------------------------------------------------------------------------------ curves, cells


def test_a_curve_is_broken_where_it_is_not_known():
    y = np.array([1.0, np.nan, 2.0, 3.0])
    text = Lines([Curve("a", np.arange(4.0), y)], "x", "y").figure()
    assert "nan" not in text and re.search(r'd="M\S+ \S+M\S+ \S+L\S+ \S+" class="curve', text)


def test_an_unknown_band_is_left_out():
    text = Lines([Curve("a", np.arange(2.0), np.ones(2), (np.full(2, -np.inf), np.full(2, np.inf)))], "x", "y").figure()
    assert "band" not in text and "inf" not in text


@pytest.mark.parametrize(
    ("value", "colour"), [(0.0, "c0"), (1.0, "p5"), (-1.0, "n5"), (0.1, "c0"), (np.nan, "c0"), (9.0, "p5")]
)
def test_cells_are_coloured_on_both_sides_of_zero_alike(value, colour):
    assert cell_colour(value, 1.0) == colour


# ------------------------------------------------------------------------------------------------ photos


def area_of(path):
    """The area within a path of M, h, v and z; holes count against it."""
    area, (x, y), start = 0, (0, 0), (0, 0)
    for sign, numbers in re.findall(r"([Mhvz])([-\d ]*)", path):
        if sign == "M":
            x, y = map(int, numbers.split())
            start = x, y
        elif sign == "h":
            x += int(numbers)
        elif sign == "v":
            area += int(numbers) * x
            y += int(numbers)
        else:
            assert (x, y) == start
    return area


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_an_outline_goes_round_each_pixel_of_its_region_and_no_other(seed, scale):
    labels = np.random.default_rng(seed).integers(0, 3, size=(7, 5)).astype(np.int32)
    found = outlines(labels, scale)
    assert {label: area_of(path) for label, path in found.items()} == {
        int(label): int((labels == label).sum()) * scale**2 for label in np.unique(labels)
    }


def test_a_map_is_clear_at_zero_and_as_strong_on_either_side():
    import base64
    from io import BytesIO

    from PIL import Image

    data = map_data(np.array([[-2.0, 0.0, 2.0, np.nan]]), 2.0)
    pixels = np.asarray(Image.open(BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGBA")).astype(int)[0]
    against, none, much, unknown = pixels
    assert none[3] == unknown[3] == 0 and against[3] == much[3] > 200
    assert against[2] > against[0] and much[0] > much[2]


# ------------------------------------------------------------------------------------------------ markup, choices


def test_children_and_attributes_are_escaped_and_elements_are_not():
    inner = element("b", "<i>")
    assert element("p", inner, "&", title='"<', hidden=False) == '<p title="&quot;&lt;"><b>&lt;i&gt;</b>&amp;</p>'


def test_a_choice_hides_what_belongs_to_its_other_options_alone():
    rules = Choice("m", "Method", ["a", "b"]).rules(True)
    assert 'body[data-m="1"] .m:not(.m1,.lit){display:none}' in rules and part_of(m=1, o=None) == "m m1"


def test_a_choice_of_nothing_is_refused():
    with pytest.raises(ValueError, match="'Method' has no option"):
        Choice("m", "Method", [])


def test_names_from_right_to_left_turn_nothing_beside_them():
    assert paragraph(["Whether العمر بالسنوات = 3 (+1 ± 2) raises it"]) == (
        '<p class="said">Whether <bdi>العمر بالسنوات</bdi> = 3 (+1\u00a0±\u00a02) raises it</p>'
    )


# ------------------------------------------------------------------------------------------------ scatters


def ticks_of(figure):
    """The names below a plot, from left to right."""
    below = re.search(r'class="(?:ticks|levels)" aria-hidden="true">(.*?)</div>', str(figure)).group(1)
    return [re.sub("<.*?>", "", one) for one in re.findall(r"<i>(.*?)</i>", below)]


def scatter(has):
    values = np.linspace(-1.0, 1.0, len(has))
    return Scatter("x", has, values, np.full(len(has), 0.1), np.full(len(has), -1)).figure()


@pytest.mark.parametrize("lowest", [0.0, -40.0])
def test_numbers_stay_on_their_axis_where_some_are_missing(lowest):
    figure = scatter([lowest, None, lowest + 70.0, float("nan"), lowest + 35.0])
    across = [x for x, _ in dots_of(str(figure))]
    assert ticks_of(figure)[0] == "missing" and float(ticks_of(figure)[1].replace("\N{MINUS SIGN}", "-")) == lowest
    assert across[1] == across[3] == 0.0
    assert across[1] < across[0] < across[4] < across[2]
    assert across[4] - across[0] == pytest.approx(across[2] - across[4], abs=0.2)


def test_truth_values_are_two_levels_and_no_axis_from_0_to_1():
    assert ticks_of(scatter([True, True, False, True])) == ["False", "True"]
    assert ticks_of(scatter([True, None, False])) == ["False", "True", "missing"]


# ------------------------------------------------------------------------------------------------ words


def test_a_number_stays_on_one_line_with_its_sign_and_its_error():
    told = str(paragraph(["It is 24.3 %, moves by 8 ± 2 points and by +40 ± 2."]))
    assert "24.3\u00a0%," in told and "8\u00a0±\u00a02 points" in told and "+40\u00a0±\u00a02." in told


def test_costs_call_methods_as_the_rest_of_the_page_does():
    costs = pd.DataFrame({"method": ["lime", "mine"], "rows": [1, 2], "rows_shared_with": ["kernel_shap, mine", ""]})
    told = str(cost_section(costs, {"lime": "LIME", "kernel_shap": "KernelSHAP"}).body)
    assert "LIME" in told and "KernelSHAP, mine" in told and "kernel_shap" not in told


# ------------------------------------------------------------------------------------------------ effects


def test_no_line_leads_to_missing_values_and_groups_without_a_value_are_called_missing():
    x = pd.DataFrame({"a": [*np.linspace(0.0, 10.0, 38), np.nan, np.nan], "plan": [*["basic", None] * 20]})
    predictor = px.Predictor(lambda X: X["a"].fillna(-5.0).to_numpy())
    effect = px.effects(["pdp"], predictor, px.TabularSpace(x), x, features=["a"], by="plan", grid=5)
    ((panel,),) = panels({("a",): {"pdp": effect["pdp"]["a"]}}, None, [0], None, None)
    drawn = str(curve_figure(panel))
    assert "missing" in re.findall("<li>.*?</li>", drawn)[-1] and ">nan<" not in drawn
    curve = re.search(r'd="([^"]*)" class="curve l0', drawn).group(1)
    assert curve.count("M") == 2 and curve.split("M")[-1].count("L") == 1  # the values, and a dash


def test_a_long_name_may_break_behind_its_marks():
    assert name("od280/od315_of_diluted_wines") == "<bdi>od280/<wbr>od315_<wbr>of_<wbr>diluted_<wbr>wines</bdi>"
    assert name("petal_width") == "<bdi>petal_width</bdi>" and name("</bdi>_" * 4).count("&lt;/<wbr>bdi&gt;_") == 4


def test_names_of_ticks_that_do_not_fit_a_phone_are_marked_and_the_ends_never():
    marked = [re.findall('class="(.*?)"', str(one)) for one in ticks(Scale.over([-400_000.0, 400_000.0], steps=4).names)]
    assert marked == [[], ["spare"], ["spare"], ["spare"], []]
    assert not any("class" in one for one in ticks(["0", "10", "20", "30"]))
    assert [one.count("extra") for one in ticks([f"{n}50,000" for n in range(4, 11)])] == [0, 1, 0, 1, 0, 1, 0]


def test_years_have_no_mark_between_thousands():
    assert Scale.over([1900.0, 2023.0]).column_names == ["1900", "1950", "2000", "2050"]
    assert Scale.over([0.0, 20_000.0]).column_names[-1] == "20,000"
