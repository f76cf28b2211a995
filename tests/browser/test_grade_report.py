"""The page about a class as its teacher has it: opened from disk in Chromium; and grades.csv as pandas reads it."""

import sys
from pathlib import Path

import pandas
import pytest
from axe_playwright_python.sync_playwright import Axe

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import made_up_records as made_up

from cs231n.checks import TODOS
from cs231n.grade.report import write_report
from cs231n.grade.tables import write_csv

SEEN = Path(__file__).resolve().parents[2] / "build" / "browser"
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SCRIPT = "<script>alert(1)</script><img src=http://127.0.0.1:9/ onerror=alert(1)>"
BOTH = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report") / "Übung 3, Noten"


@pytest.fixture(scope="module")
def large(folder):
    """The page about 60 students and all TODOs."""
    folder.mkdir(exist_ok=True)
    write_report(made_up.class_of(60), folder / "large.html", made_up.ABOUT)
    return folder / "large.html"


@pytest.fixture(scope="module")
def small(folder):
    """The page about some students, with every kind of cell; one of them has tried to be more than text."""
    folder.mkdir(exist_ok=True)
    records = made_up.class_of(6, ids=list(TODOS)[:9])
    kinds = [*made_up.KINDS, "waiting", "todo"]
    records.append(made_up.with_sums(SCRIPT, [made_up.entry(id, kind) for id, kind in zip(TODOS, kinds)]))
    records[-1]["todos"][0] |= {"reason": SCRIPT, "answer": SCRIPT, "alarm": SCRIPT}
    write_report(records, folder / "small.html", made_up.ABOUT)
    return folder / "small.html"


@pytest.fixture
def window(browser, request):
    """Opens a page: window(path, width, "light" or "dark"); whatever goes wrong in it fails the test."""
    opened, troubles = [], []

    def open_page(path, width=1280, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("request", lambda r: r.url == path.as_uri() or troubles.append(f"loads {r.url}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda m: troubles.append(f"{m.type}: {m.text}"))
        page.on("dialog", lambda dialog: troubles.append(f"dialog: {dialog.message}"))
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield open_page
    SEEN.mkdir(parents=True, exist_ok=True)
    for n, page in enumerate(opened):
        page.screenshot(path=SEEN / f"{request.node.name.translate(str.maketrans('[]', '__'))}{n}.png")
        page.close()
    assert not troubles


def cell(page, kind):
    return page.locator(f".grid button.{kind}").first


def card(page):
    return page.locator("[popover]:popover-open")


def violations(page, part="html"):
    """What axe finds against WCAG 2.2 AA in a part of the page, a line for each element."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    report = (
        Axe().run(page, {"include": [[part]]}, {"runOnly": rules, "resultTypes": ["violations", "passes"]}).response
    )
    contrast = [rule for rule in report["passes"] if rule["id"] == "color-contrast"]
    assert contrast and len(contrast[0]["nodes"]) > 3  # it has looked
    return [f"{rule['id']}: {node['html']}" for rule in report["violations"] for node in rule["nodes"]]


@BOTH
@pytest.mark.parametrize("width", [1280, 400])
def test_page_is_no_wider_than_the_window_and_the_grid_scrolls_within(large, window, width, scheme):
    page = window(large, width, scheme)
    assert not page.evaluate(TOO_WIDE)
    grid = page.locator(".tall")
    corner, first = page.locator(".grid thead .name"), page.locator(".grid tbody .name").first
    grid.scroll_into_view_if_needed()
    before, left = corner.bounding_box(), first.bounding_box()["x"]
    grid.evaluate("grid => grid.scrollTo(500, 700)")
    assert grid.evaluate("grid => [grid.scrollLeft, grid.scrollTop]") == [500, 700]
    assert corner.bounding_box() == before  # the header stays, and so does the column of names
    assert first.bounding_box()["x"] == left


@BOTH
@pytest.mark.parametrize("width", [1280, 400])
def test_everybody_can_read_it(small, window, width, scheme):
    page = window(small, width, scheme)
    for closed in page.locator("details:not([open]) > summary").all()[::-1]:
        closed.evaluate("summary => { summary.parentElement.open = true; }")
    assert not page.evaluate(TOO_WIDE)
    assert not violations(page)
    for kind in ("wrong", "alarm", "remark"):
        cell(page, kind).click()
        assert not violations(page, "[popover]:popover-open")
        page.keyboard.press("Escape")


@pytest.mark.parametrize("width", [1280, 400])
def test_a_card_opens_by_a_click_and_closes_beside_it(small, window, width):
    page = window(small, width)
    name = cell(page, "wrong").get_attribute("aria-label").split(",")[0]
    cell(page, "wrong").click()
    assert card(page).count() == 1 and "not right yet" in card(page).inner_text()
    assert card(page).inner_text().count("def ") == 1 and name in card(page).inner_text()
    page.mouse.click(3, 3)
    assert not card(page).count()
    cell(page, "passed").click()
    card(page).get_by_role("button", name="Close").click()
    assert not card(page).count()


def test_a_card_opens_by_the_keyboard_which_then_goes_on_from_its_cell(small, window):
    page = window(small)
    cell(page, "wrong").focus()
    label = page.evaluate("document.activeElement.ariaLabel")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches(':popover-open')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Close"
    page.keyboard.press("Escape")
    assert not card(page).count() and page.evaluate("document.activeElement.ariaLabel") == label


def test_names_in_the_lists_open_the_same_cards(small, window):
    page = window(small)
    page.locator("#alarms ~ .alarms .link").first.click()
    assert "Alarm: " in card(page).inner_text()
    page.keyboard.press("Escape")
    page.locator(".mistakes .link").first.click()
    assert "exactly what you get when" in card(page).inner_text() or "makes this right" in card(page).inner_text()


def test_a_name_that_is_a_script_is_only_read(small, window):
    page = window(small)
    page.get_by_role("button", name=SCRIPT).first.click()
    assert card(page).inner_text().count(SCRIPT) == 4  # name, alarm, reason and answer
    assert not page.locator("script, img").count()


def test_a_large_class_opens_quickly(large, window):
    """Measured in the page's own time on the processor, whatever else the machine does."""
    page = window(large)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.reload()
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    assert 0.05 < metrics["TaskDuration"] < 3  # 0.8 s on two cores of a server


def test_all_columns_fit_on_a_sheet(large, window):
    page = window(large, 1047)  # A4, upright paper turned, within its margins
    page.emulate_media(media="print")
    assert page.locator(".grid").evaluate("grid => grid.offsetWidth") <= 1047
    assert page.locator(".tall").evaluate("grid => grid.scrollHeight === grid.clientHeight")


def test_pandas_reads_the_grades_as_they_are(folder):
    folder.mkdir(exist_ok=True)
    records = made_up.class_of(7)
    records += [made_up.with_sums(name, []) for name in ("NA", "=1+1", 'Jörg; Straße, geb. "Wu"')]
    write_csv(records, folder / "grades.csv")
    grades = pandas.read_csv(folder / "grades.csv")
    assert list(grades.columns) == ["student", "points", "of", *TODOS, "notes"]
    assert len(grades) == 10 and not grades.isna().any(axis=None)
    assert {str(kind) for kind in grades.drop(columns=["student", "notes"]).dtypes} == {"float64"}
    points = dict(zip(grades["student"], grades["points"]))
    assert all(points[r["student"]] == pytest.approx(r["points"], abs=0.005) for r in records[:7])
    assert {"'NA", "'=1+1", 'Jörg; Straße, geb. "Wu"'} <= set(points)
