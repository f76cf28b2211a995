"""The site as its readers have it: opened from disk in Chromium, without a network, light and dark, wide and narrow."""

import re
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from tools.site.__main__ import ROOT, build
from tools.site.sources import order

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
LOADS = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
}
IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
FORMULAS_DRAWN = "document.querySelectorAll('.math').length === document.querySelectorAll('mjx-container').length"
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
BROKEN = "[...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the pages, made in a place whose name is awkward."""
    pages = tmp_path_factory.mktemp("pages") / "die Seiten, fürs Ölen"
    subprocess.run([sys.executable, "-m", "tools.site", str(pages)], cwd=ROOT, check=True)
    return pages


@pytest.fixture
def window(browser):
    """Opens a page of the site: window(path, width, "light" or "dark"); whatever goes wrong in any fails the test."""
    opened, troubles = [], []

    def open_page(path, width=1280, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or troubles.append(f"loads {r.url}"))
        page.on("requestfailed", lambda r: troubles.append(f"{r.failure}: {r.url}"))
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda m: m.type in ("error", "warning") and troubles.append(f"{m.type}: {m.text}"))
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        page.close()
    assert not troubles


# ---- what is in the files ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page loads, where its links lead, and which anchors and descriptions it has."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.anchors, self.images = [], [], {"", "top"}, []
        self.feed(text)
        self.loads += [a or b for a, b in IN_STYLE.findall("".join(re.findall(r"<style.*?</style>", text, re.S)))]

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        self.loads += [a or b for a, b in IN_STYLE.findall(found.get("style") or "")]
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag in LOADS and found.get(LOADS[tag]):
            self.loads.append(found[LOADS[tag]])
        if tag == "img":
            self.images.append(found)


def pages_of(site):
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]  # the theme leaves a template there


@pytest.fixture(scope="module")
def pages(site):
    """Path -> Page of all that are there."""
    found = {path: Page(path.read_text(encoding="utf-8")) for path in pages_of(site)}
    assert {site / "index.html", site / "search.html", site / "cs231n/rnn_layers.html"} < set(found)
    assert {site / f"notebooks/{name}.html" for name in order()} < set(found)
    return found


def test_every_link_and_every_file_that_a_page_loads_is_there(pages):
    missing, internal = defaultdict(list), 0
    for path, page in pages.items():
        for link in page.links + page.loads:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            internal += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = target.is_file() and (target not in pages or unquote(parts.fragment) in pages[target].anchors)
            if not there:
                missing[path.name].append(link)
    assert internal > 500 and not missing


def test_no_page_and_no_style_loads_anything_from_outside(site, pages):
    loads = [(path.name, load) for path, page in pages.items() for load in page.loads]
    for path in site.rglob("*.css"):
        loads += [(path.name, a or b) for a, b in IN_STYLE.findall(path.read_text(encoding="utf-8"))]
    assert len(loads) > 100
    assert not [(name, load) for name, load in loads if urlsplit(load).scheme not in ("", "data") or "//" in load[:8]]


def test_notebooks_lead_to_each_other_and_to_the_highlighted_sources(pages, site):
    page = pages[site / "notebooks/RNN.html"]
    assert {"LSTM.html", "../cs231n/rnn_layers.html", "../cs231n/classifiers/rnn.html"} <= set(page.links)
    assert not [link for link in page.links if "student" in link or link.endswith((".py", ".ipynb"))]
    source = (site / "cs231n/rnn_layers.html").read_text(encoding="utf-8")
    assert '<span class="nf">rnn_step_forward</span>' in source and 'class="linenos"' in source


@pytest.fixture(scope="module")
def made_up(tmp_path_factory):
    """(Exit status, page) of a notebook with a figure that is described, one that is not, and a link to nowhere."""
    folder, described = tmp_path_factory.mktemp("made up"), {"image/png": {"alt": 'A "curve" <that> falls & rises'}}
    outputs = [nbformat.v4.new_output("display_data", {"image/png": PIXEL}, metadata=m) for m in (described, {})]
    cells = [nbformat.v4.new_markdown_cell("# Figures\n\n[nowhere](missing.md)"), nbformat.v4.new_code_cell("draw()")]
    cells[1].outputs = outputs
    language = {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=language), folder / "index.ipynb")
    return build(folder, folder / "pages"), Page((folder / "pages/index.html").read_text(encoding="utf-8"))


def test_figures_keep_their_descriptions(made_up):
    """And one without is not read out as the name of a file."""
    assert [image["alt"] for image in made_up[1].images] == ['A "curve" <that> falls & rises', "a figure"]


def test_a_link_that_leads_nowhere_stops_the_build(made_up):
    assert made_up[0] != 0


# ---- what Chromium shows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (400, "dark")])
@pytest.mark.parametrize("name", ["index", "search", *(f"notebooks/{name}" for name in order()), "cs231n/rnn_layers"])
def test_page_is_whole_and_no_wider_than_the_window(site, window, name, width, scheme):
    page = window(site / f"{name}.html", width, scheme)
    page.wait_for_function(FORMULAS_DRAWN)
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert not page.evaluate(BROKEN)
    assert not page.evaluate(TOO_WIDE)
    assert not page.locator("[data-mml-node=merror]").count()
    if name.startswith("notebooks/"):
        assert page.locator(".math svg").count() > 1
        assert page.locator("mjx-assistive-mml").count() == page.locator(".math").count()


def test_search_finds_words_of_notebooks_and_names_in_sources(site, window):
    page = window(site / "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("rnn_step_forward")
    page.keyboard.press("Enter")
    results = page.locator("ul.search li a")
    results.first.wait_for()
    page.get_by_text("Search finished").or_(page.locator(".search-summary")).first.wait_for()
    found = results.evaluate_all("links => links.map(link => link.href)")
    assert [link for link in found if "notebooks/RNN.html" in link]
    assert [link for link in found if "cs231n/rnn_layers.html" in link]
    results.filter(has_text="Image captioning with a vanilla RNN").first.click()
    page.wait_for_url("**/notebooks/RNN.html*")
    page.wait_for_function(FORMULAS_DRAWN)


def test_the_switch_turns_cards_dark_with_the_page(site, window):
    page = window(site / "notebooks/RNN.html")
    card = page.locator(".cell_output .text_html").first
    colours = "card => [getComputedStyle(card).backgroundColor, getComputedStyle(card).color]"
    assert card.evaluate(colours)[0] == "rgba(0, 0, 0, 0)"
    page.locator(".theme-switch-button").click()
    page.locator(".dropdown-menu.show").get_by_text("Dark").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    background, ink = card.evaluate(colours)
    assert background == "rgba(0, 0, 0, 0)"
    assert min(map(int, re.findall(r"\d+", ink)[:3])) > 150  # light on the page's dark
