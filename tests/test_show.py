"""Cards, hints and the progress table are read in the light and the dark theme, by people who see colours or do not."""

import re

import numpy as np
import pytest

from cs231n.checks.result import Result
from cs231n.checks.show import HINT, LOOK, HintCard, ProgressTable, ResultCard

LIGHT, DARK = "#ffffff", "#111111"  # what lies behind JupyterLab's outputs
COLOURS = sorted({HINT, *(colour for _, colour, _ in LOOK.values())})
PICTURES = ("next_h", np.array([[1.0, 2.0]]), np.array([[1.0, 3.0]]))
RESULTS = [Result("rnn_step_forward", state, "a reason", pictures=PICTURES * (state == "wrong")) for state in LOOK]
PAGES = {
    **{result.state: ResultCard(result)._repr_html_() for result in RESULTS},
    "hint": HintCard("rnn_forward", 1, ("a hint",))._repr_html_(),
    "progress": ProgressTable(RESULTS)._repr_html_(),
}


def luminance(colour):
    """WCAG 2.2's relative luminance of "#rrggbb"."""
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def text_colours(html):
    """(colour, background) of every style that sets a colour of text."""
    styles = re.findall(r"style='([^']*)'", html)
    pairs = [dict(re.findall(r"([\w-]+):([^;]+)", style)) for style in styles]
    return [(style["color"], style.get("background")) for style in pairs if "color" in style]


def test_contrast_is_wcags():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # known as the lightest grey that passes


@pytest.mark.parametrize("colour", COLOURS)
def test_frames_and_badges_stand_out_on_either_page(colour):
    assert contrast(colour, LIGHT) >= 3 and contrast(colour, DARK) >= 3


@pytest.mark.parametrize("page", PAGES)
def test_text_has_the_pages_colour_or_is_read_on_its_own(page):
    pairs = text_colours(PAGES[page])
    assert len(pairs) == {"progress": len(LOOK), "hint": 0}.get(page, 1)
    for colour, background in pairs:
        assert background in COLOURS and contrast(colour, background) >= 4.5


def test_nothing_is_told_by_colour_alone():
    assert len({(sign, word) for sign, _, word in LOOK.values()}) == len({sign for sign, *_ in LOOK.values()}) == 4
    for state, (sign, _, word) in LOOK.items():
        shown = re.sub(r"<[^>]+>", "", PAGES[state])
        assert f"{sign} rnn_step_forward: {'a reason' if state == 'waiting' else word}" in shown
    cells = re.findall(r"<td style='([^']*monospace)'>([^<]+)", PAGES["wrong"])
    assert {value for style, value in cells if "bold" in style} == {"2", "3"}


def test_a_page_and_its_text_begin_alike():
    for result in RESULTS:
        title = re.search(r"<b>(.*?)</b>", PAGES[result.state])[1]
        assert re.sub(r"<[^>]+>", "", title) == repr(ResultCard(result)).splitlines()[0]


def test_several_lines_of_code_keep_their_breaks():
    """As in the last hint, where lines are to change their places."""
    html = HintCard("some_id", 1, ("Line 3: `a = 1\nb = 2` should be `b = 2\na = 1`.",))._repr_html_()
    assert html.count("white-space:pre") == 2 and "a = 1\nb = 2</code>" in html
    assert "white-space:pre'" not in HintCard("some_id", 1, ("Line 3: `a` should be `b`.",))._repr_html_()
