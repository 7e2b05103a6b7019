"""The report page in a browser, opened from disk."""

import base64
import importlib.util
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import IGNORE, colorize
from i2i_keras.data.records import read_label
from i2i_keras.evaluation.summary import read_summary, write_summary
from i2i_keras.report.document import Document, Live, to_html
from i2i_keras.report.findings import Headline
from i2i_keras.report.page import write_report
from i2i_keras.report.viewers import image_scores
from i2i_keras.run_folder import files

# Not at its top: without playwright the tests of the browser are skipped.
expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=30_000)
SPEC = importlib.util.spec_from_file_location(
    "street_run", Path(__file__).with_name("street_run.py")
)
street_run = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(street_run)

SERIOUS = ("serious", "critical")
VIEWER = '.widget[data-kind="viewer"]'


@pytest.fixture(scope="module")
def run(browser, tmp_path_factory):
    """A finished run and its page; tests must not change it."""
    run = street_run.make_run(tmp_path_factory.mktemp("streets") / "run")
    write_report(run)
    return run


@pytest.fixture()
def page(show, run):
    return shown(show(run.report / "index.html"))


def shown(page):
    """The page, once its viewers show something."""
    for stage in page.locator(f"{VIEWER} .stage").all():
        expect(stage).to_have_attribute("data-shown", re.compile("."))
    return page


def viewer(page):
    return page.locator(VIEWER).first


def combobox(page, name):
    return viewer(page).get_by_role("combobox", name=name, exact=True)


def choose(page, left=None, right=None):
    """Chooses what a viewer shows, by its titles, and waits for it."""
    lists = {"Left": left, "Right": right}
    for label, title in lists.items():
        if title:
            combobox(page, label).select_option(label=title)
    keys = [combobox(page, label).input_value() for label in lists]
    stage = viewer(page).locator(".stage")
    expect(stage).to_have_attribute("data-shown", re.compile(f" {' '.join(keys)}$"))


def painted(page, side):
    """What a canvas of the first viewer shows, `(height, width, 3)`."""
    url = viewer(page).locator("canvas").nth(side).evaluate("(canvas) => canvas.toDataURL()")
    with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as image:
        return np.array(image.convert("RGB"))


def test_the_answer_comes_first_then_the_picture_then_the_table(page):
    places = [
        page.locator(selector).first.bounding_box()["y"]
        for selector in (".headline", "figure.bars", "table")
    ]
    assert places == sorted(places)
    assert "95% interval" in page.inner_text(".headline")


def test_bars_are_as_long_as_their_scores(page, run):
    arms = read_summary(run)["arms"]
    lengths = {}
    for row in page.locator("figure.bars").first.locator("li").all():
        lengths[row.locator(".name").inner_text()] = row.locator(".bar").bounding_box()["width"]
    ratio = lengths["oracle"] / lengths["source_only"]
    wanted = arms["oracle"]["mean_iou"] / arms["source_only"]["mean_iou"]
    assert ratio == pytest.approx(wanted, rel=0.01)


def test_tables_are_sorted_by_a_click_and_put_back_by_the_third(page):
    table = page.locator("table.sortable").first
    title = table.get_by_role("columnheader", name="Mean IoU %", exact=True)

    def names():
        return table.locator("tbody th").all_inner_texts()

    before = names()
    title.get_by_role("button").click()
    values = [float(text) for text in table.locator("tbody tr td:nth-child(2)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert title.get_attribute("aria-sort") == "descending"
    title.get_by_role("button").press("Enter")
    assert title.get_attribute("aria-sort") == "ascending"
    assert names()[-1] == "oracle"
    title.get_by_role("button").press("Enter")
    assert names() == before
    assert title.get_attribute("aria-sort") is None


def test_cells_without_a_number_stay_last_in_both_orders(page):
    table = page.locator("table.sortable").first
    title = table.get_by_role("columnheader", name="Gain", exact=True)
    for _ in range(2):
        title.get_by_role("button").click()
        assert table.locator("tbody th").last.inner_text() == "source_only"


def test_the_slider_uncovers_one_side_also_by_keyboard(page):
    slider = viewer(page).get_by_role("slider")
    right = viewer(page).locator("canvas").nth(1)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    assert abs(int(slider.input_value()) - 25) <= 1
    at = right.evaluate("(canvas) => getComputedStyle(canvas).clipPath")
    assert at.startswith(f"inset(0px 0px 0px {slider.input_value()}%")
    before = int(slider.input_value())
    slider.press("ArrowRight")
    assert int(slider.input_value()) == before + 1
    assert f"{before + 1}% image" in slider.get_attribute("aria-valuetext")


def test_labels_and_errors_are_painted_as_they_are(page, run):
    choose(page, "truth", "errors of oracle")
    name = image_name(page)
    truth = read_label(run.records / "target-test" / f"{name}_label.png")
    found = read_label(run.predictions("oracle") / f"{name}.png")
    np.testing.assert_array_equal(painted(page, 0), colorize(truth, street_run.SPACE.colors))
    errors = painted(page, 1)
    known, right = truth != IGNORE, truth == found
    assert {*map(tuple, errors[known & right].tolist())} == {(208, 215, 222)}
    assert {*map(tuple, errors[known & ~right].tolist())} == {(213, 94, 0)}
    assert not errors[~known].any()


def test_a_class_of_the_legend_is_highlighted_while_it_is_pointed_at(page):
    choose(page, "truth", "oracle")
    road = viewer(page).get_by_role("button", name="road")
    colors = street_run.SPACE.colors

    def seen():
        """Whether road, and sky, are there in their own colors."""
        shown = painted(page, 0)
        return [bool((shown == colors[place]).all(axis=-1).any()) for place in (0, 10)]

    assert seen() == [True, True]
    road.hover()
    assert seen() == [True, False]
    page.mouse.move(0, 0)
    assert seen() == [True, True]
    road.press("Enter")
    assert seen() == [True, False]
    assert road.get_attribute("aria-pressed") == "true"
    road.press("Enter")
    assert seen() == [True, True]


def test_the_class_at_the_pointer_is_told(page, run):
    choose(page, "truth", "oracle")
    slider = viewer(page).get_by_role("slider")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.97 * box["height"])
    told = viewer(page).locator("output").inner_text()
    assert "truth: " in told and "oracle: " in told


def image_name(page):
    text = combobox(page, "Image").evaluate("(list) => list.selectedOptions[0].textContent")
    return text.partition(",")[0]


def test_best_median_and_worst_are_those_of_all_test_images(page, run):
    scores = image_scores(run, ["oracle"])["oracle"]
    ranked = sorted(scores, key=lambda name: -scores[name])
    combobox(page, "Ranked by mean IoU of").select_option(label="oracle")
    for name, place in (("Best", 0), ("Median", len(ranked) // 2), ("Worst", -1)):
        viewer(page).get_by_role("button", name=name, exact=True).click()
        assert image_name(page) == ranked[place]
    choose(page)
    told = viewer(page).locator(".ends-named").inner_text()
    assert f"oracle, {100 * scores[ranked[-1]]:.1f}% mean IoU" in told


def test_an_arm_whose_prediction_was_not_kept_cannot_be_chosen(page, run):
    folders = {arm: run.predictions(arm) for arm in street_run.FAULTS}
    kept = {arm: {path.stem for path in folder.iterdir()} for arm, folder in folders.items()}
    name = min({*kept["source_only"]} - kept["oracle"])
    choose(page, right="oracle")
    images = combobox(page, "Image")
    place = images.locator("option").evaluate_all(
        "(all, name) => all.findIndex((one) => one.textContent.startsWith(name))", name
    )
    images.select_option(index=place)
    choose(page)
    disabled = combobox(page, "Right").locator("option:disabled").all_inner_texts()
    wanted = [arm for arm, names in kept.items() if name not in names]
    assert disabled == [*wanted, *(f"errors of {arm}" for arm in wanted)]
    assert "oracle" in wanted
    assert "truth" in viewer(page).locator(".ends-named").inner_text()


def test_the_scrubber_shows_each_step(page):
    widget = page.locator('.widget[data-kind="scrubber"]')
    slider, image = widget.get_by_role("slider"), widget.locator("img")
    assert widget.locator("output").inner_text() == "step 600"
    last = image.get_attribute("src")
    slider.press("Home")
    assert widget.locator("output").inner_text() == "step 100"
    assert image.get_attribute("src") != last
    assert image.get_attribute("alt").endswith("at step 100")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "step 200"


def test_curves_tell_their_values_at_the_pointer_and_by_keyboard(page):
    widget = page.locator('.widget[data-kind="curves"]', has_text="Translator cyclegan")
    assert widget.locator(".panel").count() == 3
    plot = widget.locator(".u-over").first
    plot.scroll_into_view_if_needed()
    step = widget.locator(".u-legend .u-value").first
    assert step.inner_text() == "600"
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 20)
    assert step.inner_text() == "10"
    slider = widget.get_by_role("slider")
    slider.press("Home")
    slider.press("ArrowRight")
    assert "step 20; cycle loss train" in slider.get_attribute("aria-valuetext")


def test_warnings_stand_on_the_axis_of_time_and_below(page):
    widget = page.locator('.widget[data-kind="curves"]', has_text="Translator cyclegan")
    assert widget.locator(".warnings li").all_inner_texts() == [street_run.WARNING]
    # Of the dashed line at the middle of the curve, in the color of harm.
    reds = widget.locator("canvas").first.evaluate(
        """(canvas) => {
          const { width, height } = canvas;
          const all = canvas.getContext("2d").getImageData(0, 0, width, height).data;
          const columns = new Map();
          for (let place = 0; place < all.length; place += 4) {
            const [red, green, blue, alpha] = all.slice(place, place + 4);
            if (red < 130 || green > 110 || blue > 110 || alpha < 100) continue;
            const column = (place / 4) % width;
            columns.set(column, (columns.get(column) ?? 0) + 1);
          }
          return Math.max(0, ...columns.values());
        }"""
    )
    assert reds > 20


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 390, "height": 844}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
        {"color_scheme": "dark"},
        {"java_script_enabled": False},
    ],
)
def test_nothing_is_wider_than_the_page(show, run, options):
    page = show(run.report / "index.html", **options)
    if options.get("java_script_enabled", True):
        shown(page)
    width = options.get("viewport", {"width": 1280})["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_and_light_are_each_readable(show, run):
    papers, inverted = [], []
    for scheme in ("light", "dark"):
        page = show(run.report / "index.html", color_scheme=scheme)
        papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        drawn = page.locator("figure.drawn > img").first
        inverted.append(drawn.evaluate("image => getComputedStyle(image).filter") != "none")
    assert papers == ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]
    assert inverted == [False, True]


def test_paper_has_pictures_instead_of_what_moves_and_nothing_is_cut_off(show, run):
    page = shown(show(run.report / "index.html", viewport={"width": 700, "height": 1000}))
    assert not page.locator("figure.still").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("figure.still").first.is_visible()
    assert not page.locator(".widget").first.is_visible()
    assert (
        page.evaluate(
            "Math.max(...[...document.querySelectorAll('table, img, figure')]"
            ".map((one) => one.getBoundingClientRect().right))"
        )
        <= 701
    )


def test_without_scripts_there_are_pictures_and_tables(show, run):
    page = show(run.report / "index.html", java_script_enabled=False)
    assert page.locator("figure.still").first.is_visible()
    assert page.locator(".widget").count() and not page.locator(".widget").first.is_visible()
    assert page.locator("table").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(show, run, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = shown(show(run.report / "index.html", color_scheme=scheme))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    found = axe.run(page).response["violations"]
    told = [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]
    assert told == []


def test_everything_can_be_reached_by_tab(page):
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate_handle("document.activeElement")
        seen.add(focused.evaluate("(one) => one.tagName + (one.type ?? '')"))
    assert {"A", "BUTTONbutton", "DIV", "SELECTselect-one", "INPUTrange"} <= seen


def test_odd_names_are_shown_as_they_are(show, browser, tmp_path):
    """Of classes and arms: in tables, in data for scripts, in titles."""
    odd = '</script><b id="x">"&\'$`{{ 7 }}'
    run = street_run.make_run(tmp_path / "run", num_test=6, num_kept=1)
    space = run.label_space.read_text("utf-8")
    run.label_space.write_text(
        space.replace('"name": "road"', f'"name": {json.dumps(odd)}'), "utf-8"
    )
    summary = read_summary(run)
    summary["arms"][f"adapted:{odd}"] = summary["arms"]["adapted:cyclegan"]
    write_summary(run, summary)
    write_report(run)
    page = shown(show(run.report / "index.html"))
    assert page.locator("#x").count() == 0
    assert viewer(page).locator(".legend button").first.inner_text() == odd
    assert f"adapted:{odd}" in page.locator("tbody th").all_inner_texts()


def test_the_page_is_far_smaller_than_a_mail_may_be(run):
    assert (run.report / "index.html").stat().st_size < 15e6


@pytest.fixture()
def live_page(tmp_path):
    """Writes a page of a run that is under way, saying this."""
    path = tmp_path / "live.html"

    def write(text):
        headline = Headline("none", text)
        files.write_text(path, to_html(Document("Live", headline, [], Live("As of now.", 1))))
        return path

    return write


def test_a_page_of_a_run_under_way_reloads_itself(show, live_page):
    page = show(live_page("first"))
    assert page.inner_text(".headline") == "first"
    live_page("second")
    expect(page.locator(".headline")).to_have_text("second")


def test_it_waits_while_someone_is_busy_with_it_or_has_paused_it(show, live_page):
    page = show(live_page("first"))
    page.get_by_role("button", name="Pause").click()
    live_page("second")
    page.evaluate("window.before = true")
    page.wait_for_timeout(2500)  # Twice the time after which it would.
    assert page.evaluate("window.before")
    assert page.inner_text(".headline") == "first"
    page.get_by_role("button", name="Paused").click()
    expect(page.locator(".headline")).to_have_text("second")
