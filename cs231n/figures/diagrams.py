"""Diagrams of how the course's networks are wired, drawn as SVG.

Each function displays one: in a notebook as a picture, whose alternative text is its description; that description
itself in a terminal.
"""

import base64
import re
from dataclasses import dataclass
from html import escape

from IPython.display import display

# Paper of its own: a picture is not told whether the page around it is light or dark. Inks have 4.5 : 1 on all papers.
PAPER, INK, QUIET = "#ffffff", "#1f2933", "#59636e"
BLUE, ORANGE = "#1f5fae", "#a8480f"
PLAIN, WARM, COOL, GREEN = "#eef1f4", "#fdeadb", "#e3eefb", "#e4f3e6"
FONT, SMALL, SUBSCRIPT = 15, 13, 12


@dataclass
class Diagram:
    """A drawing, width x height pixels, of SVG elements, with a description for who cannot see it."""

    width: int
    height: int
    parts: list
    description: str

    def svg(self):
        size = f"width='{self.width}' height='{self.height}' viewBox='0 0 {self.width} {self.height}'"
        paper = f"<rect width='{self.width}' height='{self.height}' rx='8' fill='{PAPER}'/>"
        start = f"<svg xmlns='http://www.w3.org/2000/svg' {size} font-family='Helvetica, Arial, sans-serif'>"
        return "\n".join([start, paper, *self.parts, "</svg>"])

    def __repr__(self):
        return self.description

    def _repr_html_(self):
        # As an <img>: JupyterLab shows no SVG of a notebook that it does not trust, and sets no alternative text on one
        # that it does.
        source = base64.b64encode(self.svg().encode()).decode()
        size = f"width='{self.width}' style='max-width:100%;height:auto'"
        return f"<img alt='{escape(self.description)}' src='data:image/svg+xml;base64,{source}' {size}>"


def text(x, y, words, anchor="middle", size=FONT, colour=INK):
    """A line of text whose middle is at height y; `h_t` and `h_{t-1}` have subscripts."""
    spans = []
    for n, part in enumerate(re.split(r"_(\w\b|\{[^}]*\})", words)):
        if n % 2:
            spans.append(f"<tspan dy='4' font-size='{SUBSCRIPT}'>{escape(part.strip('{}'))}</tspan>")
        elif part:
            spans.append(f"<tspan{' dy=' + repr('-4') if n else ''}>{escape(part)}</tspan>")
    place = f"x='{x}' y='{y + 0.35 * size:g}' text-anchor='{anchor}' font-size='{size}' fill='{colour}'"
    return f"<text {place} xml:space='preserve'>{''.join(spans)}</text>"


def box(x, y, width, height, *lines, paper=PLAIN, colour=INK):
    """A box around (x, y), with lines of text in it; the first is large."""
    place = f"x='{x - width / 2:g}' y='{y - height / 2:g}' width='{width}' height='{height}' rx='6'"
    top = y - 9.5 * (len(lines) - 1)
    words = [text(x, top + 19 * n, line, size=SMALL if n else FONT) for n, line in enumerate(lines)]
    return "\n".join([f"<rect {place} fill='{paper}' stroke='{colour}' stroke-width='1.4'/>", *words])


def node(x, y, sign):
    """A small circle: an operation on one element after the other."""
    return f"<circle cx='{x}' cy='{y}' r='14' fill='{PAPER}' stroke='{INK}' stroke-width='1.4'/>\n{text(x, y, sign)}"


def arrow(*points, colour=INK, dashed=False, head=True):
    """A line through the points (x, y), with a head at the last one."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    dash = " stroke-dasharray='6 4'" if dashed else ""
    line = f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.6'{dash}/>"
    if not head:
        return line
    (x0, y0), (x, y) = points[-2:]
    length = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
    dx, dy = 9 * (x - x0) / length, 9 * (y - y0) / length
    sides = f"{x - dx - dy / 2:g},{y - dy + dx / 2:g} {x - dx + dy / 2:g},{y - dy - dx / 2:g}"
    return f"{line}\n<polygon points='{x:g},{y:g} {sides}' fill='{colour}'/>"


def unrolled_rnn():
    """Display a vanilla RNN as a loop, and unrolled in time: the same weights at every step."""
    parts = [
        box(85, 110, 70, 54, "tanh", paper=COOL),
        arrow((85, 195), (85, 138)), text(85, 208, "x_t"), text(94, 168, "W_x", "start", SMALL, BLUE),
        arrow((85, 82), (85, 34)), text(85, 20, "h_t"),
        arrow((85, 62), (150, 62), (150, 110), (121, 110)), text(156, 90, "W_h", "start", SMALL, BLUE),
        text(207, 110, "=", size=22),
        text(253, 110, "h_0"),
    ]  # fmt: skip
    for x, step in ((350, "1"), (470, "2"), (620, "T")):
        parts += [
            box(x, 110, 70, 54, "tanh", paper=COOL),
            arrow((x, 195), (x, 138)), text(x, 208, f"x_{step}"), text(x + 9, 168, "W_x", "start", SMALL, BLUE),
            arrow((x, 82), (x, 34)), text(x, 20, f"h_{step}"),
        ]  # fmt: skip
    for start, end, label in ((266, 314, 290), (386, 434, 410), (506, 530, None), (560, 584, None)):
        parts.append(arrow((start, 110), (end, 110), head=label is not None or end == 584))
        if label:
            parts.append(text(label, 96, "W_h", size=SMALL, colour=BLUE))
    parts += [
        text(545, 109, "…"),
        text(345, 244, "h_t = tanh(x_t W_x + h_{t-1} W_h + b), with the same weights at every step"),
        text(345, 268, "x_t: (N, D)    h_t: (N, H)    W_x: (D, H)    W_h: (H, H)    b: (H)", size=SMALL, colour=QUIET),
    ]
    description = (
        "A vanilla RNN, as a loop and unrolled in time. As a loop: the input x_t, times W_x, enters a tanh; out of it "
        "comes the state h_t, which also goes back into the tanh, times W_h. Unrolled: the state h_0 and the input x_1 "
        "give h_1, then h_1 and x_2 give h_2, and so on up to x_T and h_T. Each step is h_t = tanh(x_t W_x + h_{t-1} "
        "W_h + b), with the same weights. Shapes: x_t (N, D), h_t (N, H), W_x (D, H), W_h (H, H), b (H)."
    )
    display(Diagram(690, 286, parts, description))


def lstm_cell():
    """Display one step of an LSTM: from x_t, h_{t-1} and c_{t-1} to h_t and c_t."""
    slices, gates = {"i": 195, "f": 275, "o": 355, "g": 435}, {"f": 190, "i": 270, "g": 350, "o": 470}
    parts = [
        # the cell's own line
        text(30, 50, "c_{t-1}"), arrow((56, 50), (176, 50)), node(190, 50, "×"), arrow((204, 50), (336, 50)),
        node(350, 50, "+"), arrow((364, 50), (640, 50)), text(662, 50, "c_t"),
        # what is written into it, and what is read from it
        arrow((270, 165), (270, 110), (336, 110)), node(350, 110, "×"), arrow((350, 165), (350, 124)),
        arrow((350, 96), (350, 64)), arrow((190, 165), (190, 64)),
        arrow((560, 50), (560, 92)), box(560, 110, 60, 34, "tanh", paper=WARM), arrow((560, 127), (560, 169)),
        node(560, 183, "×"), arrow((500, 183), (546, 183)), arrow((574, 183), (640, 183)), text(662, 183, "h_t"),
        # the products
        text(30, 305, "h_{t-1}"), text(30, 345, "x_t"),
        arrow((56, 305), (153, 305)), arrow((56, 345), (153, 345)),
        box(315, 325, 320, 64, "a = x_t W_x + h_{t-1} W_h + b", "one product for all four: (N, 4H)"),
    ]  # fmt: skip
    for name, x in slices.items():
        place = f"x='{x - 40}' y='256' width='80' height='26' fill='{PAPER}' stroke='{INK}' stroke-width='1.4'"
        number = list(slices).index(name) + 1
        parts += [f"<rect {place}/>", text(x, 269, f"a_{number}"), arrow((x, 256), (gates[name], 202))]
    for name, x in gates.items():
        tanh = name == "g"
        label = f"{name} = {'tanh' if tanh else 'σ'}"
        parts.append(box(x, 183, 72 if tanh else 60, 36, label, paper=WARM if tanh else GREEN))
    parts += [
        text(470, 84, "h_t = o ⊙ tanh(c_t)", size=SMALL, colour=QUIET),
        text(270, 28, "c_t = f ⊙ c_{t-1} + i ⊙ g", size=SMALL, colour=QUIET),
        text(500, 305, "x_t: (N, D)    W_x: (D, 4H)", "start", SMALL, QUIET),
        text(500, 325, "h_t, c_t and each gate: (N, H)", "start", SMALL, QUIET),
        text(500, 345, "W_h: (H, 4H)    b: (4H)", "start", SMALL, QUIET),
    ]
    description = (
        "One step of an LSTM. The input x_t (N, D) and the state h_{t-1} (N, H) give a = x_t W_x + h_{t-1} W_h + b, of "
        "shape (N, 4H). Its four quarters, in this order, become the gates i = sigmoid(a_1), f = sigmoid(a_2), o = "
        "sigmoid(a_3) and the candidate g = tanh(a_4), each (N, H). The cell runs straight through: c_{t-1} is "
        "multiplied by f, then i times g is added, which gives c_t. From c_t a branch goes through a tanh and is "
        "multiplied by o, which gives h_t."
    )
    display(Diagram(690, 372, parts, description))


def captioner():
    """Display the captioning network: an image's features start an RNN, which reads words and says the next ones."""
    columns = {245: ("<START>", "a"), 365: ("a", "red"), 485: ("red", "car"), 605: ("car", "<END>")}
    parts = [
        box(70, 190, 100, 50, "features", "(N, D)"), arrow((120, 190), (199, 190)),
        text(160, 174, "h_0"), text(160, 208, "W_proj", size=SMALL, colour=BLUE),
        text(70, 290, "words in", size=SMALL, colour=QUIET), text(70, 309, "ids (N, T)", size=SMALL, colour=QUIET),
        text(70, 246, "vectors (N, T, W)", size=SMALL, colour=QUIET),
        text(70, 132, "states (N, T, H)", size=SMALL, colour=QUIET),
        text(70, 82, "scores (N, T, V)", size=SMALL, colour=QUIET),
        text(70, 27, "words to say", size=SMALL, colour=QUIET),
        text(237, 250, "W_embed", "end", SMALL, BLUE), text(237, 132, "W_vocab", "end", SMALL, BLUE),
    ]  # fmt: skip
    for n, (x, (read, said)) in enumerate(columns.items()):
        parts += [
            text(x, 300, read), arrow((x, 288), (x, 214)), box(x, 190, 92, 46, "cell", "RNN or LSTM", paper=COOL),
            arrow((x, 166), (x, 97)),
            box(x, 82, 66, 28, "scores", paper=GREEN), arrow((x, 67), (x, 42)), text(x, 27, said),
        ]  # fmt: skip
        if n:
            parts.append(arrow((x - 74, 190), (x - 47, 190)))
            parts.append(arrow((x - 86, 27), (x - 66, 27), (x - 66, 300), (x - 40, 300), colour=ORANGE, dashed=True))
    parts.append(text(345, 338, "dashed, when it samples: the word just said is the next one read", colour=ORANGE))
    description = (
        "The captioning network. An affine layer, W_proj, turns the features of an image, (N, D), into the state h_0 "
        "of an RNN or LSTM. It reads <START>, a, red, car, one word a step: W_embed turns word ids (N, T) into vectors "
        "(N, T, W). After each word, W_vocab turns the state, (N, T, H), into scores of all words, (N, T, V), of which "
        "the best shall be the next word: a, red, car, <END>. In training the words read are those of the caption; "
        "when it samples, the word just said is the next one read."
    )
    display(Diagram(690, 362, parts, description))


def gan_game():
    """Display the two networks of a GAN, and which loss trains which."""
    parts = [
        text(48, 100, "noise z"), text(48, 120, "(N, 96)", size=SMALL, colour=QUIET), arrow((80, 110), (117, 110)),
        box(160, 110, 84, 54, "G", "generator", paper=WARM, colour=ORANGE), arrow((202, 110), (234, 110)),
        box(300, 110, 130, 54, "fake images", "G(z): (N, 784)"), arrow((365, 110), (397, 110)),
        box(300, 240, 130, 54, "real images", "x: (N, 1, 28, 28)"), arrow((365, 240), (397, 240)),
        box(450, 175, 104, 190, "D", "discriminator", "logits (N, 1)", paper=COOL, colour=BLUE),
        arrow((502, 110), (573, 110)), text(535, 95, "s(G(z))", size=SMALL), text(524, 255, "s(x)", size=SMALL),
        arrow((535, 110), (535, 215), (573, 215)), arrow((502, 240), (573, 240)),
        box(627, 110, 106, 54, "L_G", "fakes to be 1", paper=WARM, colour=ORANGE),
        box(627, 228, 106, 64, "L_D", "real 1, fakes 0", paper=COOL, colour=BLUE),
        arrow((627, 83), (627, 40), (160, 40), (160, 82), colour=ORANGE, dashed=True),
        text(393, 24, "L_G trains G: its gradient flows back through D, which stays as it is", colour=ORANGE),
        arrow((627, 260), (627, 310), (450, 310), (450, 271), colour=BLUE, dashed=True),
        text(393, 330, "L_D trains D: the fakes are cut off from G, which gets no gradient of it", colour=BLUE),
    ]  # fmt: skip
    description = (
        "The game of a GAN. Noise z, (N, 96), enters the generator G, which makes fake images G(z), (N, 784). Fake "
        "images and real images x, (N, 1, 28, 28), both enter the discriminator D, which gives each a logit: s(G(z)) "
        "and s(x), (N, 1). The loss L_D wants 1 for real and 0 for fake images; it trains D, and the fakes are cut "
        "off from G, which gets no gradient of it. The loss L_G wants 1 for fake images; it trains G: its gradient "
        "flows back through D, which stays as it is."
    )
    display(Diagram(690, 348, parts, description))


def attention():
    """Display scaled dot-product attention: from queries, keys, a mask and values to weighted sums."""
    parts = [
        box(56, 56, 84, 50, "q", "(T, E)", paper=COOL), box(56, 136, 84, 50, "k", "(S, E)", paper=COOL),
        arrow((98, 56), (113, 56), (113, 84), (130, 84)), arrow((98, 136), (113, 136), (113, 108), (130, 108)),
        box(187, 96, 112, 72, "scores", "q kᵀ / √E", "(T, S)"), arrow((243, 96), (267, 96)),
        box(317, 96, 98, 72, "masked", "−∞ where 0", "(T, S)"), arrow((366, 96), (390, 96)),
        box(446, 96, 110, 72, "softmax", "over the S keys", "weights (T, S)", paper=GREEN), arrow((501, 96), (520, 96)),
        box(578, 96, 116, 72, "weighted sum", "weights v", "(T, E′)"),
        arrow((636, 96), (654, 96)), text(669, 96, "out"),
        box(317, 196, 98, 50, "mask", "(T, S), or none"), arrow((317, 171), (317, 133)),
        box(578, 196, 84, 50, "v", "(S, E′)", paper=COOL), arrow((578, 171), (578, 133)),
        text(345, 246, "Each of T queries gets a mean of the S values; its weights are at least 0 and add up to 1."),
    ]  # fmt: skip
    description = (
        "Scaled dot-product attention. Queries q, (T, E), and keys k, (S, E), give scores: the products of q with k "
        "transposed, divided by the root of E, (T, S). Where the mask, (T, S), is 0, the score becomes minus infinity; "
        "there may be no mask. A softmax over the S keys makes weights of the scores, (T, S). The weighted sum of the "
        "values v, (S, E'), is what comes out, (T, E'). Each of T queries gets a mean of the S values; its weights are "
        "at least 0 and add up to 1."
    )
    display(Diagram(690, 266, parts, description))
