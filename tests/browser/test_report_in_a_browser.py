"""Reports in a real browser: they fit, work by mouse and by keyboard, hold nothing that runs, and bar nobody."""

from __future__ import annotations

import pytest

pytest_plugins = ("browsing",)
pytestmark = pytest.mark.browser
WIDTHS = (390, 1024, 1920)
PAGES = ("table", "photo", "effects")


def visible(page, query):
    return page.locator(query).filter(visible=True)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_and_complains_of_nothing(look, reports, artefacts, name, width):
    seen = look(reports[name], width)
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.said == [] and seen.asked == [reports[name].as_uri()]
    page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    page.screenshot(path=artefacts / f"{name}_{width}.png")


@pytest.mark.parametrize("name", PAGES)
def test_dark_pages_are_dark_and_paper_is_white(look, reports, artefacts, name):
    page = look(reports[name], 1024, dark=True).page
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(20, 23, 26)"
    page.screenshot(path=artefacts / f"{name}_dark.png")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.emulate_media(media=None, color_scheme="light")
    assert page.pdf(path=artefacts / f"{name}.pdf", format="A4").startswith(b"%PDF")


@pytest.mark.parametrize(
    ("name", "dark"), [*((name, False) for name in PAGES), pytest.param("table", True, marks=pytest.mark.slow)]
)
def test_axe_finds_nothing_serious(look, reports, name, dark):
    from axe_playwright_python.sync_playwright import Axe

    page = look(reports[name], dark=dark).page
    for fold in page.locator("details.fold > summary").all():
        fold.click()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("name", PAGES)
def test_hostile_names_stay_text(look, reports, name):
    page = look(reports[name]).page
    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.locator("img, iframe, object, embed, body b b, body i i").count() == 0
    names = page.evaluate("[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())")
    assert not [one for one in set(names) if one.startswith("on") or one == "style"]
    assert "</script><img src=x" in page.inner_text("header")


def test_the_policy_stops_what_is_slipped_in(look, reports):
    seen = look(reports["table"])
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked=1\">')")
    seen.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s)"
    )
    seen.page.wait_for_timeout(50)
    assert seen.page.evaluate("typeof window.hacked") == "undefined"
    assert any("Content Security Policy" in one for one in seen.said)


# ------------------------------------------------------------------------------------------------ what is chosen


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_method_and_an_output_are_chosen_by_keyboard(look, reports, script):
    page = look(reports["table"], script=script).page
    shown = visible(page, "#importance .m")
    assert shown.count() == 1 and "m0" in shown.get_attribute("class")
    page.focus("#m0")
    page.keyboard.press("ArrowRight")
    page.focus("#o0")
    page.keyboard.press("Space")
    assert shown.count() == 1 and {"m1", "o0"} <= set(shown.get_attribute("class").split())


def test_without_a_script_every_row_can_be_read(look, reports):
    page = look(reports["table"], script=False).page
    assert page.locator("details.panel").filter(visible=True).count() == 9
    page.locator("#finder tbody tr >> nth=5 >> a").click()
    assert visible(page, "#row-5 .waterfall").count() == 1 and "For row" in page.inner_text("#row-5")


# ------------------------------------------------------------------------------------------------ rows


def test_rows_are_found_sorted_and_stepped_through(look, reports):
    page = look(reports["table"]).page
    panel = visible(page, "details.panel")
    assert panel.count() == 1 and panel.get_attribute("id") == "row-0"
    page.get_by_role("button", name="Next").click()
    assert panel.get_attribute("id") == "row-1"
    page.get_by_label("Find a row").fill("</i> 8")
    assert visible(page, "#finder tbody tr").count() == 1 and panel.get_attribute("id") == "row-8"
    page.get_by_label("Find a row").fill("")
    page.get_by_role("button", name="prediction").click()
    told = [float(one.get_attribute("data-value")) for one in visible(page, "#finder td:nth-child(2) span").all()]
    assert len(told) == 9 and told == sorted(told, reverse=True)
    assert page.locator("#finder th").nth(1).get_attribute("aria-sort") == "descending"


def test_sorting_goes_by_the_output_that_is_chosen(look, reports):
    page = look(reports["table"]).page
    page.locator("label[for=o1]").click()
    page.get_by_role("button", name="prediction").click()
    page.get_by_role("button", name="prediction").click()
    told = [float(one.get_attribute("data-value")) for one in visible(page, "#finder td:nth-child(2) span.o1").all()]
    assert len(told) == 9 and told == sorted(told)


def test_a_dot_leads_to_its_row(look, reports):
    page = look(reports["table"]).page
    dot = "[...document.querySelectorAll('.swarm .dot[data-row=\"7\"]')].find(one => one.getClientRects().length)"
    page.evaluate(f"{dot}.scrollIntoView({{block: 'center'}})")
    page.mouse.click(*page.evaluate(f"(({{x, y}}) => [x, y])({dot}.getBoundingClientRect())"))
    assert visible(page, "details.panel").get_attribute("id") == "row-7"
    assert page.locator("#finder tr.chosen").get_attribute("data-row") == "7"


# ------------------------------------------------------------------------------------------------ photos


def test_a_slider_fades_the_map_and_the_photo_gets_its_colours_back(look, reports):
    page = look(reports["photo"]).page
    veil = "getComputedStyle(document.querySelector('.veil')).opacity"
    assert page.evaluate(veil) == "0.75"
    page.get_by_label("How strong the colours are").fill("0")
    assert page.evaluate(veil) == "0"
    assert page.evaluate("getComputedStyle(document.querySelector('.below')).filter") == "grayscale(0)"


def test_a_region_tells_its_value_by_the_chosen_method_and_class(look, reports):
    page = look(reports["photo"]).page
    told = set()
    for chosen in ("o0", "o1"):
        page.locator(f"label[for={chosen}]").click()
        page.locator(".stack .edge").nth(5).hover()
        told.add(page.inner_text("#tip"))
    assert len(told) == 2 and all("superpixel 5" in one and "±" in one for one in told)


def test_a_line_of_the_table_marks_its_region_by_keyboard(look, reports):
    page = look(reports["photo"]).page
    line = visible(page, "tr[data-player]").first
    line.focus()
    assert page.locator(".edge.chosen").get_attribute("data-player") == line.get_attribute("data-player")


def test_a_fill_is_chosen_apart_from_the_method(look, reports):
    page = look(reports["photo"]).page
    page.locator("label[for=f1]").click()
    assert set(visible(page, ".photo [data-regions]").get_attribute("class").split()) >= {"m0", "f1"}
