"""Draw the scenes of the mini captions: cut-paper pictures of 128 x 128 pixels, a pure function of a scene's facts.

A scene is a dict {"background": str, "seed": int, "things": [{"kind", "colour", "size", "x", "y"}, ...]} with
x the middle and y the foot of a thing in pixels. Everything is drawn three times too large and then reduced, which is
all the antialiasing there is. Things are drawn in design units: a square of 100 x 100 whose lower edge is the ground.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from cs231n.scores.captions import WHERE

SIDE, SCALE = 128, 3
HEIGHTS = {"small": 37, "large": 59}  # pixels, for a thing that fills its design square
PAINT = {
    "red": (217, 52, 50),
    "yellow": (252, 213, 60),
    "green": (58, 158, 78),
    "blue": (48, 110, 214),
    "purple": (138, 72, 182),
    "white": (250, 248, 242),
}
CREAM, INK, WOOD, LEAF, GLASS = (255, 244, 214), (54, 44, 52), (134, 92, 62), (76, 146, 72), (196, 228, 240)


def mix(colour, other, share):
    """The colour `share` of the way from colour to other, each an (r, g, b)."""
    return tuple(round(a + share * (b - a)) for a, b in zip(colour, other))


def darker(colour, share=0.25):
    return mix(colour, (24, 16, 48), share)


def lighter(colour, share=0.35):
    return mix(colour, (255, 252, 240), share)


def accent(colour, share=0.5):
    """A paler tone of colour for stripes and bellies; white, which has no paler tone, takes a bluish one."""
    return lighter(colour, share) if colour != PAINT["white"] else (204, 216, 234)


def smooth(points, closed=True, steps=10):
    """A Catmull-Rom curve through the points (n, 2), `steps` samples a piece: (m, 2)."""
    p = np.asarray(points, dtype=float)
    p = np.concatenate([p[-1:], p, p[:2]]) if closed else np.concatenate([p[:1], p, p[-1:]])
    t = np.arange(steps)[:, None, None] / steps  # (steps, 1, 1)
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    curve = curve.transpose(1, 0, 2).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, p[-2:-1]])


def ring(x, y, rx, ry, n, phase=0.0):
    """n points evenly round an ellipse, the first at the top: (n, 2)."""
    angle = phase + 2 * np.pi * np.arange(n) / n - np.pi / 2
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


class Pen:
    """Opaque shapes on an RGBA sheet, in units of `unit` sheet pixels from `origin` (in units)."""

    def __init__(self, width, height, unit, origin=(0, 0), paper=(0, 0, 0, 0)):
        self.sheet = Image.new("RGBA", (width, height), paper)
        self.draw = ImageDraw.Draw(self.sheet)
        self.unit, self.origin = unit, np.asarray(origin, dtype=float)

    def at(self, points):
        return [tuple(p) for p in ((np.asarray(points, dtype=float) + self.origin) * self.unit).tolist()]

    def poly(self, points, fill):
        self.draw.polygon(self.at(points), fill=fill)

    def blob(self, points, fill):
        self.poly(smooth(points), fill)

    def oval(self, x, y, rx, ry, fill):
        self.draw.ellipse(sum(self.at([(x - rx, y - ry), (x + rx, y + ry)]), ()), fill=fill)

    def box(self, x0, y0, x1, y1, fill, radius=0.0):
        self.draw.rounded_rectangle(sum(self.at([(x0, y0), (x1, y1)]), ()), radius * self.unit, fill=fill)

    def pie(self, x, y, rx, ry, start, end, fill):
        self.draw.pieslice(sum(self.at([(x - rx, y - ry), (x + rx, y + ry)]), ()), start, end, fill=fill)

    def stroke(self, points, width, fill, curved=True):
        """A line with round ends; `width` in units."""
        path = self.at(smooth(points, closed=False) if curved else points)
        self.draw.line(path, fill=fill, width=max(1, round(width * self.unit)), joint="curve")
        r = width * self.unit / 2
        for x, y in (path[0], path[-1]):
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)


# ---- things: each draws itself in colour c inside the design square -------------------------------------------------


def draw_house(pen, c):
    pen.box(70, 14, 82, 40, darker(c, 0.45))
    pen.box(14, 44, 86, 100, c)
    pen.poly([(2, 48), (50, 6), (98, 48)], (112, 74, 74))
    pen.poly([(2, 48), (50, 6), (50, 13), (14, 48)], (142, 98, 92))
    pen.box(42, 66, 60, 100, CREAM, 4)
    pen.oval(55.5, 84, 2, 2, WOOD)
    for x in (20, 66):
        pen.box(x, 58, x + 15, 76, CREAM, 2)
        pen.box(x + 2.5, 60.5, x + 12.5, 73.5, (255, 214, 110) if c != PAINT["yellow"] else GLASS, 1)
        pen.stroke([(x + 7.5, 60), (x + 7.5, 74)], 1.8, CREAM, curved=False)
    pen.oval(50, 36, 6, 6, CREAM)
    pen.oval(50, 36, 3.8, 3.8, GLASS)


def draw_tree(pen, c):
    pen.blob([(43, 52), (45, 84), (36, 100), (64, 100), (55, 84), (57, 52)], WOOD)
    pen.stroke([(50, 70), (60, 58)], 4, WOOD)
    for x, y, r in [(28, 46, 22), (72, 46, 22), (50, 56, 18), (36, 24, 21), (64, 24, 21), (50, 36, 26)]:
        pen.oval(x, y, r, r, darker(c, 0.12))
    for x, y, r in [(28, 42, 18), (70, 42, 18), (38, 21, 17), (62, 22, 17), (50, 34, 20)]:
        pen.oval(x, y, r, r, c)
    for x, y in [(34, 15), (24, 36), (58, 16), (48, 38), (70, 36)]:
        pen.stroke([(x - 5, y + 2), (x, y - 2), (x + 5, y)], 3, lighter(c, 0.3))


def draw_car(pen, c):
    pen.blob([(20, 68), (27, 48), (36, 43), (62, 43), (72, 48), (84, 66)], darker(c, 0.12))
    pen.poly([(30, 65), (35, 49), (49, 49), (49, 65)], GLASS)
    pen.poly([(53, 65), (53, 49), (65, 49), (76, 65)], GLASS)
    pen.poly([(33, 65), (38, 49), (43, 49), (38, 65)], lighter(GLASS, 0.6))
    pen.box(-3, 63, 103, 90, c, 11)
    pen.box(-3, 78, 103, 84, darker(c, 0.3), 3)
    pen.oval(98, 71, 5, 5, (255, 240, 170))
    pen.box(-3, 67, 3, 75, (255, 120, 90), 2)
    pen.box(46, 69, 56, 72, darker(c, 0.4), 1.5)
    for x in (22, 78):
        pen.oval(x, 88, 13.5, 13.5, INK)
        pen.oval(x, 88, 6.5, 6.5, (214, 214, 220))


def draw_boat(pen, c):
    pen.box(46, 4, 50, 78, WOOD)
    pen.blob([(52, 8), (70, 34), (84, 68), (66, 66), (52, 67)], CREAM if c != PAINT["white"] else (206, 224, 240))
    pen.poly([(44, 14), (44, 66), (14, 66)], lighter(c, 0.25))
    pen.poly([(48, 4), (48, 14), (64, 9)], c)
    pen.poly([(0, 72), (100, 72), (84, 98), (18, 98)], c)
    pen.poly([(0, 72), (100, 72), (97, 79), (3.5, 79)], lighter(c, 0.6) if c != PAINT["white"] else (198, 90, 80))
    for x in (34, 52, 70):
        pen.oval(x, 87, 3.4, 3.4, darker(c, 0.45))


def draw_cat(pen, c):
    dark, pale = darker(c, 0.28), accent(c)
    pen.stroke([(68, 94), (92, 88), (90, 66), (98, 54)], 9, dark)
    pen.blob([(50, 44), (30, 62), (24, 90), (32, 100), (68, 100), (76, 90), (70, 62)], c)
    pen.blob([(50, 60), (40, 74), (41, 92), (50, 96), (59, 92), (60, 74)], pale)
    for x in (38, 62):
        pen.oval(x, 96, 9, 5, pale)
    for s in (-1, 1):
        pen.poly([(50 + 30 * s, 4), (50 + 4 * s, 18), (50 + 30 * s, 38)], c)
        pen.poly([(50 + 26 * s, 12), (50 + 13 * s, 20), (50 + 26 * s, 30)], (246, 170, 170))
    pen.oval(50, 34, 32, 24, c)
    for x in (42, 50, 58):
        pen.stroke([(x, 11), (x, 19)], 3.5, dark)
    pen.oval(50, 43, 14, 9, pale)
    draw_eyes(pen, c, [(37, 32), (63, 32)], 5)
    pen.poly([(46, 38), (54, 38), (50, 43)], (232, 110, 120))
    for s in (-1, 1):
        pen.stroke([(50, 43), (50 + 4 * s, 47), (50 + 8 * s, 45)], 1.8, INK)
        pen.stroke([(50 + 18 * s, 42), (50 + 36 * s, 39)], 1.2, dark)
        pen.stroke([(50 + 18 * s, 46), (50 + 36 * s, 48)], 1.2, dark)


def draw_eyes(pen, c, places, r):
    for x, y in places:
        pen.oval(x, y, r * 1.15, r * 1.3, lighter(c, 0.9))
        pen.oval(x, y, r * 0.75, r, INK)
        pen.oval(x + r * 0.25, y - r * 0.35, r * 0.3, r * 0.3, (255, 255, 255))


def draw_dog(pen, c):
    dark, pale = darker(c, 0.3), accent(c, 0.45)
    pen.stroke([(14, 60), (2, 48), (4, 34)], 8, c)
    for x, shade in [(24, dark), (60, dark), (16, c), (68, c)]:
        pen.box(x - 6, 66, x + 6, 100, shade, 6)
    for x in (16, 68):
        pen.oval(x + 3, 97, 8, 4, pale)
    pen.blob([(10, 58), (30, 50), (60, 50), (78, 56), (76, 76), (50, 80), (16, 78)], c)
    pen.oval(34, 62, 12, 9, dark)
    pen.blob([(60, 58), (62, 30), (74, 16), (90, 22), (108, 34), (108, 46), (90, 52), (80, 66)], c)
    pen.blob([(88, 38), (98, 34), (109, 37), (108, 47), (92, 51)], pale)
    pen.oval(107, 35, 4.6, 4, INK)
    pen.stroke([(92, 48), (100, 47), (106, 43)], 1.6, INK)
    draw_eyes(pen, c, [(87, 29)], 4.6)
    pen.blob([(74, 16), (64, 18), (56, 36), (60, 52), (70, 46), (76, 30)], dark)
    pen.stroke([(60, 56), (70, 63), (82, 62)], 5, (232, 70, 70) if c != PAINT["red"] else (250, 210, 70))
    pen.oval(74, 67, 3.6, 3.6, (250, 210, 80))


def draw_bird(pen, c):
    dark, pale = darker(c, 0.28), accent(c)
    beak = (250, 168, 40) if c != PAINT["yellow"] else (226, 84, 60)
    pen.poly([(20, 58), (-10, 52), (-2, 64), (-10, 74), (22, 68)], dark)
    pen.blob([(44, 52), (30, 26), (36, 2), (52, 14), (66, 42)], dark)
    pen.blob([(14, 62), (36, 46), (64, 40), (82, 30), (98, 38), (96, 56), (76, 76), (44, 82)], c)
    pen.blob([(50, 76), (74, 62), (90, 56), (78, 74), (62, 80)], pale)
    pen.poly([(97, 38), (114, 45), (96, 51)], beak)
    pen.blob([(30, 54), (12, 30), (14, 6), (34, 16), (52, 34), (62, 56)], darker(c, 0.14))
    for x in (20, 29, 38):
        pen.stroke([(x, 20 + x / 3), (x + 12, 40 + x / 4)], 2, lighter(c, 0.3))
    draw_eyes(pen, c, [(86, 41)], 5)


def draw_fish(pen, c):
    dark, pale = darker(c, 0.28), accent(c, 0.55)
    pen.blob([(22, 50), (4, 28), (-6, 22), (-2, 50), (-6, 76), (4, 70)], dark)
    pen.blob([(34, 32), (48, 12), (70, 18), (72, 34)], dark)
    pen.blob([(46, 66), (48, 84), (62, 80), (64, 66)], dark)
    pen.blob([(14, 50), (36, 30), (66, 26), (92, 38), (102, 50), (92, 62), (66, 74), (36, 70)], c)
    pen.blob([(34, 62), (60, 62), (88, 58), (66, 72), (42, 70)], pale)
    for x in (34, 48, 62):
        pen.stroke([(x, 36), (x + 6, 48), (x, 60)], 4, pale)
    draw_eyes(pen, c, [(85, 44)], 6)
    pen.stroke([(96, 56), (91, 58), (86, 57)], 1.8, INK)
    foam = (255, 255, 255)
    for x, y, r in [(20, 96, 10), (38, 92, 12), (60, 93, 13), (80, 96, 10), (50, 99, 16)]:
        pen.oval(x, y, r, r * 0.5, foam)
    for x, y in [(6, 84), (26, 80), (92, 82), (104, 88)]:
        pen.oval(x, y, 3, 4, foam)


def draw_ball(pen, c):
    other = (255, 252, 244) if c != PAINT["white"] else (190, 204, 226)
    pen.oval(50, 60, 40, 40, other)
    for start in (20, 140, 260):
        path = [(50, 60), (*ring(50, 60, 20, 20, 1, np.radians(start - 14))[0],)]
        arc = [ring(50, 60, 40, 40, 1, np.radians(a))[0] for a in range(start, start + 73, 6)]
        back = ring(50, 60, 20, 20, 1, np.radians(start + 58))[0]
        pen.poly([path[0], path[1], *arc, back], c)
    pen.oval(50, 60, 8, 8, lighter(c, 0.2))
    pen.oval(34, 40, 7, 5, (255, 255, 255))


def draw_flower(pen, c):
    pen.stroke([(50, 40), (53, 70), (50, 99)], 5.5, LEAF)
    pen.blob([(51, 92), (30, 84), (18, 64), (40, 70)], LEAF)
    pen.blob([(52, 88), (70, 80), (84, 60), (62, 68)], darker(LEAF, 0.15))
    for x, y in ring(50, 32, 22, 22, 8, 0.39):
        pen.oval(x, y, 13, 13, darker(c, 0.15))
    for x, y in ring(50, 32, 19, 19, 8):
        pen.oval(x, y, 12, 12, c)
    heart = (255, 205, 64) if c != PAINT["yellow"] else (140, 84, 48)
    pen.oval(50, 32, 13, 13, darker(heart, 0.2))
    pen.oval(49, 31, 11, 11, heart)


def draw_balloon(pen, c):
    stripe = accent(c, 0.55)
    pen.stroke([(33, 62), (43, 84)], 1.6, INK, curved=False)
    pen.stroke([(67, 62), (57, 84)], 1.6, INK, curved=False)
    pen.blob([(50, -4), (78, 6), (88, 32), (76, 56), (60, 72), (40, 72), (24, 56), (12, 32), (22, 6)], c)
    pen.blob([(50, -3), (62, 8), (67, 32), (62, 56), (56, 71), (44, 71), (38, 56), (33, 32), (38, 8)], stripe)
    pen.blob([(50, -3), (55, 8), (57, 32), (55, 56), (52, 71), (48, 71), (45, 56), (43, 32), (45, 8)], c)
    pen.box(38, 70, 62, 74, darker(c, 0.35), 2)
    pen.box(40, 83, 60, 100, WOOD, 4)
    pen.box(38, 82, 62, 87, lighter(WOOD, 0.3), 2)


def draw_umbrella(pen, c):
    other = accent(c, 0.6)
    pen.stroke([(50, 2), (50, 88)], 4, WOOD, curved=False)
    pen.stroke([(50, 86), (52, 96), (60, 98), (66, 90)], 5, WOOD)
    edge = np.linspace(-2, 102, 6)
    for i, fill in enumerate([c, other, c, other, c]):
        lo, hi = edge[i], edge[i + 1]
        outer = [
            (50 + (x - 50) * np.sin(t), 54 - 46 * np.cos(t))
            for x, ts in ((lo, np.linspace(0, np.pi / 2, 10)), (hi, np.linspace(np.pi / 2, 0, 10)))
            for t in ts
        ]
        scallop = [(lo + (hi - lo) * s, 54 - 22 * s * (1 - s)) for s in np.linspace(0, 1, 8)]
        pen.poly(outer[:10] + scallop + outer[10:], fill)
    pen.oval(50, 6, 3.5, 4.5, darker(c, 0.3))


DRAW_THING = {
    name[5:]: function for name, function in list(globals().items()) if name.startswith("draw_") and name != "draw_eyes"
}


def thing_sheet(kind, colour, height, mirrored):
    """A thing on a transparent RGBA sheet of 1.4 x its height, softly lit from the upper left, with a thin edge."""
    unit = height * SCALE / 100
    pen = Pen(round(140 * unit), round(140 * unit), unit, origin=(20, 24))
    DRAW_THING[kind](pen, PAINT[colour])
    sheet = pen.sheet.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else pen.sheet
    side = np.linspace(-0.5, 0.5, sheet.width)
    light = 1 - 0.2 * side[:, None] - 0.14 * side  # (h, w), from 1.17 to 0.83
    pixels = np.asarray(sheet).astype(np.float32)
    pixels[..., :3] *= light[..., None]
    lit = Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))
    alpha = lit.getchannel("A")
    edge = Image.new("RGBA", lit.size, (*darker(PAINT[colour], 0.62), 0))
    edge.putalpha(alpha.filter(ImageFilter.MaxFilter(5)).point(lambda a: a * 0.6))
    edge.alpha_composite(lit)
    return edge


# ---- backgrounds: each paints a whole sheet, in pixels of the finished picture ---------------------------------------


def gradient(*stops):
    """An RGB canvas shaded from the top to the bottom through the colours `stops`."""
    rows = np.linspace(0, len(stops) - 1, SIDE * SCALE)
    bands = np.stack([np.interp(rows, range(len(stops)), channel) for channel in zip(*stops)], axis=1)  # (H, 3)
    return Image.fromarray(np.repeat(bands.round().astype(np.uint8)[:, None], SIDE * SCALE, axis=1))


class Backdrop(Pen):
    """A Pen over a canvas it repaints layer by layer; `rng` draws what may vary between two pictures."""

    def __init__(self, rng, *stops):
        super().__init__(SIDE * SCALE, SIDE * SCALE, SCALE)
        self.canvas, self.rng = gradient(*stops), rng

    def lay(self, share=1.0, blur=0.0):
        """Put what was drawn since the last call on the canvas, `share` opaque and blurred by `blur` pixels."""
        layer = self.sheet
        if blur:  # premultiplied, or the colour of the empty sheet would bleed in
            layer = layer.convert("RGBa").filter(ImageFilter.BoxBlur(blur * SCALE)).convert("RGBA")
        self.canvas.paste(layer, (0, 0), layer.getchannel("A").point(lambda a: a * share))
        self.sheet.paste((0, 0, 0, 0), (0, 0, *self.sheet.size))

    def glow(self, x, y, r, colour, halo):
        """A disc with a soft halo: the sun or the moon."""
        self.box(0, 0, SIDE, SIDE, colour)
        self.sheet.putalpha(0)
        self.sheet.paste(colour, (0, 0, *self.sheet.size))
        mask = Image.new("L", self.sheet.size)
        ImageDraw.Draw(mask).ellipse(sum(self.at([(x - halo, y - halo), (x + halo, y + halo)]), ()), fill=130)
        self.sheet.putalpha(mask.filter(ImageFilter.BoxBlur(halo * SCALE * 0.6)))
        self.lay()
        self.oval(x, y, r, r, colour)
        self.lay()

    def cloud(self, x, y, r, colour=(255, 255, 255), share=0.85):
        for dx, dy, s in [(-1.3, 0.25, 0.62), (-0.5, -0.2, 0.85), (0.5, 0, 0.75), (1.3, 0.3, 0.55), (0, 0.35, 0.8)]:
            self.oval(x + dx * r, y + dy * r, s * r * 1.15, s * r * 0.72, colour)
        self.lay(share, 0.6)

    def clouds(self, n, low, high, colour=(255, 255, 255), share=0.85):
        for i in range(n):
            x = (i + self.rng.uniform(0.35, 0.65)) * SIDE / n
            self.cloud(x, self.rng.uniform(low, high), self.rng.uniform(6, 8), colour, share)

    def hills(self, y, swing, colour, bumps=4, foot=None):
        """A rolling skyline about height y, shaded down to the colour `foot` at the lower edge."""
        xs = np.linspace(-20, SIDE + 20, bumps + 2)
        ys = y + swing * self.rng.uniform(-1, 1, len(xs))
        line = smooth(np.stack([xs, ys], axis=1), closed=False, steps=16)
        mask = Image.new("L", self.sheet.size)
        ImageDraw.Draw(mask).polygon(self.at([*line, (SIDE + 20, SIDE), (-20, SIDE)]), fill=255)
        sky = max(1, round((y - swing) * SCALE))
        shade = gradient(colour, foot or darker(colour, 0.18)).resize((SIDE * SCALE, SIDE * SCALE - sky))
        self.canvas.paste(shade, (0, sky), mask.crop((0, sky, *self.sheet.size)))

    def scatter(self, n, low, high, draw):
        """Call draw(x, y) for n spots between the heights low and high, the farther ones first."""
        for y in np.sort(self.rng.uniform(low, high, n)):
            draw(self.rng.uniform(2, SIDE - 2), y)
        self.lay()

    def tuft(self, x, y, colour):
        for lean in (-2.2, 0, 2.2):
            self.stroke([(x + lean * 0.3, y), (x + lean, y - 3.4 + abs(lean) * 0.3)], 0.8, colour, curved=False)


def paint_meadow(rng):
    b = Backdrop(rng, (118, 192, 240), (196, 230, 246), (250, 244, 218))
    b.clouds(3, 12, 24)
    b.hills(68, 3, (150, 200, 160), foot=(150, 200, 160))
    b.hills(80, 2.5, (146, 206, 104), 3, (150, 206, 100))
    b.hills(93, 1.5, (122, 190, 78), 3, (86, 160, 64))
    b.scatter(26, 98, 127, lambda x, y: b.tuft(x, y, (84, 154, 62)))
    b.scatter(9, 98, 126, lambda x, y: b.oval(x, y, 1.1, 1.1, (255, 252, 230)))
    return b.canvas


def paint_beach(rng):
    b = Backdrop(rng, (94, 200, 228), (172, 228, 232), (240, 246, 226))
    b.glow(64 + rng.uniform(-4, 4), 18, 9, (255, 240, 150), 20)
    b.clouds(2, 14, 26)
    b.box(0, 64, SIDE, SIDE, (36, 152, 190))
    b.box(0, 72, SIDE, SIDE, (54, 176, 202))
    b.box(0, 82, SIDE, SIDE, (96, 204, 212))
    b.lay(1, 1.5)
    b.scatter(
        16, 67, 88, lambda x, y: b.stroke([(x, y), (x + 3, y - 1), (x + 6, y), (x + 9, y - 1)], 0.7, (206, 242, 244))
    )
    b.hills(94, 1.8, (255, 255, 255), 5)
    b.hills(96.5, 1.8, (248, 224, 164), 5, (234, 196, 124))
    b.scatter(40, 102, 127, lambda x, y: b.oval(x, y, 0.6, 0.5, (214, 176, 110)))
    b.scatter(3, 104, 126, lambda x, y: b.pie(x, y, 2.4, 2.4, 200, 340, (255, 246, 236)))
    return b.canvas


def paint_snow(rng):
    b = Backdrop(rng, (150, 178, 212), (200, 216, 234), (236, 240, 248))
    b.hills(72, 3.5, (206, 220, 238), 3, (206, 220, 238))

    def fir(x, y):
        b.box(x - 0.8, y - 2, x + 0.8, y + 1, (108, 96, 104))
        for k in range(3):
            b.poly([(x - 5 + k, y - 2 - 4 * k), (x + 5 - k, y - 2 - 4 * k), (x, y - 9 - 4 * k)], (126, 160, 168))
            b.poly([(x - 1.6, y - 6.5 - 4 * k), (x + 1.6, y - 6.5 - 4 * k), (x, y - 9 - 4 * k)], (248, 250, 254))

    for x in range(8, SIDE, 16):
        fir(x + rng.uniform(-4, 4), rng.uniform(78, 83))
    b.lay()
    b.hills(88, 2, (240, 244, 252), 3, (214, 226, 244))
    b.scatter(7, 102, 126, lambda x, y: b.stroke([(x, y), (x + 7, y - 1.5), (x + 15, y)], 0.8, (206, 218, 238)))
    b.scatter(44, 2, 120, lambda x, y: b.oval(x, y, 0.9, 0.9, (255, 255, 255)))
    return b.canvas


def paint_city(rng):
    b = Backdrop(rng, (176, 186, 224), (222, 206, 226), (252, 224, 206))
    plan = np.random.RandomState(3)  # the city stays the same one; only its roofs rise and fall a little
    for tone, low, high, width in [((190, 180, 208), 28, 46, 16), ((150, 144, 182), 50, 68, 20)]:
        x = -plan.uniform(0, 10)
        while x < SIDE:
            w, top = width * plan.uniform(0.7, 1.1), plan.uniform(low, high) + rng.uniform(-2, 2)
            b.box(x, top, x + w - 1, 100, mix(tone, (120, 120, 150), plan.uniform(0, 0.3)))
            for wx in np.arange(x + 2.5, x + w - 4, 5):
                for wy in np.arange(top + 3, 92, 7):
                    b.box(wx, wy, wx + 2.4, wy + 3.6, (255, 230, 170) if plan.rand() < 0.6 else (134, 130, 166))
            x += w
        b.lay()
    b.box(0, 96, SIDE, SIDE, (206, 202, 200))
    b.box(0, 104, SIDE, SIDE, (120, 118, 126))
    b.box(0, 103, SIDE, 104.5, (162, 158, 158))
    for x in np.arange(rng.uniform(-14, 0), SIDE, 20):
        b.box(x, 120.5, x + 11, 122.5, (244, 238, 214))
    b.lay()
    return b.canvas


def paint_lake(rng):
    b = Backdrop(rng, (160, 206, 238), (208, 226, 242), (250, 236, 224))
    b.clouds(2, 8, 16)
    for x, y, w in [(18, 34, 34), (104, 30, 38), (62, 40, 36)]:
        x, y = x + rng.uniform(-4, 4), y + rng.uniform(-2, 2)
        b.poly([(x - w, 72), (x, y), (x + w, 72)], (140, 150, 194))
        b.poly([(x, y), (x + w, 72), (x + w * 0.2, 72)], (120, 132, 180))
        b.poly([(x - w * 0.24, y + 9), (x, y), (x + w * 0.24, y + 9), (x + 3, y + 7), (x - 2, y + 11)], (248, 250, 255))
    b.lay()
    b.hills(64, 2, (86, 140, 122), 8, (86, 140, 122))
    b.box(0, 69, SIDE, SIDE, (70, 140, 196))
    b.box(0, 86, SIDE, SIDE, (88, 164, 212))
    b.lay(1, 2)
    b.scatter(20, 72, 104, lambda x, y: b.stroke([(x - 6, y), (x + 6, y)], 0.8, (166, 212, 236)))
    b.hills(110, 1.5, (126, 182, 92), 4, (88, 150, 70))
    b.scatter(14, 112, 127, lambda x, y: b.tuft(x, y, (74, 132, 58)))
    return b.canvas


def paint_night(rng):
    b = Backdrop(rng, (16, 22, 66), (36, 46, 108), (84, 84, 150))
    b.scatter(46, 3, 74, lambda x, y: b.oval(x, y, *(2 * [rng.choice([0.5, 0.7, 1.0])]), (255, 250, 214)))
    x = 64 + rng.uniform(-4, 4)
    b.glow(x, 22, 11, (255, 246, 206), 22)
    for dx, dy, r in [(-3, -3, 2.4), (4, 2, 1.8), (-2, 5, 1.4)]:
        b.oval(x + dx, 22 + dy, r, r, (236, 222, 176))
    b.lay()
    b.hills(74, 3, (48, 56, 112), 4, (48, 56, 112))
    b.hills(86, 2.5, (38, 62, 98), 3, (38, 62, 98))
    b.hills(97, 1.5, (46, 88, 96), 3, (26, 56, 74))
    b.scatter(22, 102, 127, lambda x, y: b.tuft(x, y, (30, 66, 80)))
    return b.canvas


PAINT_BACKGROUND = {name[6:]: function for name, function in list(globals().items()) if name.startswith("paint_")}


def place_thing(canvas, thing, mirrored):
    """Paste a thing on the canvas, over the shadow it casts on the paper behind it or on the ground at its foot."""
    sheet = thing_sheet(thing["kind"], thing["colour"], HEIGHTS[thing["size"]], mirrored)
    unit = sheet.width / 140
    corner = round(thing["x"] * SCALE - 70 * unit), round(thing["y"] * SCALE - 124 * unit)
    shadow = Image.new("L", sheet.size)
    if WHERE[thing["kind"]] == "air":
        shadow.paste(sheet.getchannel("A").point(lambda a: a * 0.22), (SCALE, 2 * SCALE))
    else:
        ImageDraw.Draw(shadow).ellipse((20 * unit, 117 * unit, 126 * unit, 133 * unit), fill=90)
    canvas.paste((34, 26, 60), corner, shadow.filter(ImageFilter.BoxBlur(SCALE)))
    canvas.paste(sheet, corner, sheet)


def draw_scene(scene):
    """The picture of a scene: an RGB image of SIDE x SIDE pixels."""
    rng = np.random.RandomState(scene["seed"])  # RandomState: its stream is frozen for good, default_rng's is not
    canvas = PAINT_BACKGROUND[scene["background"]](rng)
    for thing in sorted(scene["things"], key=lambda thing: thing["y"]):
        place_thing(canvas, thing, mirrored=thing["x"] > SIDE / 2)  # what has a face looks towards the middle
    return canvas.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
