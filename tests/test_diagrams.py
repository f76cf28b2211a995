"""The diagrams: legible, described, and wired as the course's own functions are."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from test_show import contrast

from cs231n.figures import diagrams
from cs231n.gan_pytorch import NOISE_DIM

NAMES = ["unrolled_rnn", "lstm_cell", "captioner", "gan_game", "attention"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=NAMES)
def diagram(request, monkeypatch):
    return drawn(request.param, monkeypatch)


def drawn(name, monkeypatch):
    shown = []
    monkeypatch.setattr(diagrams, "display", shown.append)
    getattr(diagrams, name)()
    (diagram,) = shown
    return diagram


def elements(diagram, kind):
    return ElementTree.fromstring(diagram.svg()).iter(SVG + kind)


def rectangles(diagram):
    """(left, top, right, bottom) of each box, without the paper."""
    numbers = [[float(e.get(key, 0)) for key in ("x", "y", "width", "height")] for e in elements(diagram, "rect")]
    return [(x, y, x + width, y + height) for x, y, width, height in numbers[1:]]


def texts(diagram):
    """(words, (left, top, right, bottom)) of each, in matplotlib's own font, which is wider than most."""
    for element in elements(diagram, "text"):
        size, words = float(element.get("font-size")), "".join(element.itertext())
        width = TextPath((0, 0), words, size, prop=FontProperties("DejaVu Sans")).get_extents().width
        left = float(element.get("x")) - width * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")]
        base = float(element.get("y"))
        yield words, (left, base - 0.75 * size, left + width, base + 0.25 * size)


def overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def test_text_is_large_enough_and_fits(diagram):
    assert diagram.width <= 700
    sizes = [
        float(e.get("font-size")) for kind in ("text", "tspan") for e in elements(diagram, kind) if e.get("font-size")
    ]
    assert min(sizes) >= 12
    for words, (left, top, right, bottom) in texts(diagram):
        assert min(left, top) >= 0 and right <= diagram.width and bottom <= diagram.height, words
        for x0, y0, x1, y1 in rectangles(diagram):
            if overlap((left, top, right, bottom), (x0, y0, x1, y1)):
                assert x0 <= left and y0 <= top and right <= x1 and bottom <= y1, words


def test_nothing_lies_over_anything(diagram):
    for (words, a), (others, b) in combinations(texts(diagram), 2):
        assert not overlap(a, b), (words, others)
    assert not [pair for pair in combinations(rectangles(diagram), 2) if overlap(*pair)]


@pytest.mark.parametrize("paper", ["PAPER", "PLAIN", "WARM", "COOL", "GREEN"])
@pytest.mark.parametrize("ink", ["INK", "QUIET", "BLUE", "ORANGE"])
def test_contrast(ink, paper):
    assert contrast(getattr(diagrams, ink), getattr(diagrams, paper)) >= 4.5


def test_the_page_behind_does_not_matter(diagram):
    paper = next(elements(diagram, "rect"))
    assert (paper.get("width"), paper.get("height")) == (str(diagram.width), str(diagram.height))
    assert paper.get("fill") == diagrams.PAPER and paper.get("fill-opacity") is None


def test_the_description_is_alternative_text_and_text_twin(diagram):
    image = ElementTree.fromstring(diagram._repr_html_().replace(">", "/>"))
    assert image.tag == "img" and image.get("alt") == diagram.description == repr(diagram)
    assert 200 < len(diagram.description) < 700 and "  " not in diagram.description


def test_the_description_names_what_is_drawn(diagram):
    """Every shape but those of weights alone; whoever cannot see the picture learns no less."""
    shapes = set(re.findall(r"\([A-Z0-9′, ]+\)", " ".join(words for words, _ in texts(diagram))))
    missing = {shape.replace("′", "'") for shape in shapes if shape.replace("′", "'") not in diagram.description}
    assert missing <= {"(D, 4H)", "(H, 4H)", "(4H)"}


def test_without_a_notebook_the_description_is_printed(capsys):
    diagrams.lstm_cell()
    assert capsys.readouterr().out.startswith("One step of an LSTM.")


def test_gates_are_wired_to_their_quarters(monkeypatch):
    """i, f, o, g, in the order of lstm_step_forward, although they are drawn where the cell needs them."""
    diagram = drawn("lstm_cell", monkeypatch)
    where = {words: ((x0 + x1) / 2, (y0 + y1) / 2) for words, (x0, y0, x1, y1) in texts(diagram)}
    lines = [[tuple(map(float, p.split(","))) for p in e.get("points").split()] for e in elements(diagram, "polyline")]
    gates = [("a1", "i = σ"), ("a2", "f = σ"), ("a3", "o = σ"), ("a4", "g = tanh")]
    for quarter, gate in gates:
        x0, x1 = where[quarter][0], where[gate][0]
        assert [line for line in lines if abs(line[0][0] - x0) < 6 and abs(line[-1][0] - x1) < 6], gate


def test_the_noise_is_as_long_as_the_course_s(monkeypatch):
    assert f"(N, {NOISE_DIM})" in drawn("gan_game", monkeypatch).svg()
