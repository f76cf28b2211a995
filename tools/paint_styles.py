"""Paint the style pictures that ship in datasets/mini/styles: `python -m tools.paint_styles [FOLDER]`.

Everything is drawn by the code below, from fixed seeds, at twice the size and then reduced. Points are (x, y) pairs of
pixels in a picture of SIZE; colours are RGB in 0..255, names of palettes say where they are used.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree

OUT = Path(__file__).resolve().parent.parent / "datasets" / "mini" / "styles"
SIZE, FINE = (448, 352), 2  # width, height; factor of the drawing over the finished picture
BLACK = (23, 20, 28)


def palette(*codes):
    """(n, 3) floats from '#rrggbb' strings."""
    return np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in codes], dtype=float)


def smooth_noise(rng, scale, shape=SIZE[::-1]):
    """Clouds (height, width) of mean 0 and deviation 1, about `scale` pixels wide."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), scale, mode="wrap")
    return (noise - noise.mean()) / noise.std()


def between(colours, t):
    """Colours along a palette, t in 0..1: (..., 3)."""
    t = np.clip(t, 0, 1) * (len(colours) - 1)
    low = np.minimum(t.astype(int), len(colours) - 2)
    part = (t - low)[..., None]
    return colours[low] * (1 - part) + colours[low + 1] * part


def grid():
    """x and y of every pixel, (height, width) each."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]].astype(float)
    return x, y


def canvas(colour):
    return Image.new("RGB", (SIZE[0] * FINE, SIZE[1] * FINE), tuple(int(c) for c in colour))


def finish(image):
    return image.resize(SIZE, Image.Resampling.LANCZOS)


# Brushwork


def brush(image, rng, colours, angles, count, length, width, where=None, jitter=14, lift=26):
    """Paint `count` strokes that follow a field of directions.

    colours: (height, width, 3) from which each stroke takes one, changed by up to about `jitter`.
    angles: (height, width) directions in radians. length, width: of a stroke, in pixels.
    where: (height, width) bool, where strokes may begin. lift: how much bristles differ in brightness.
    """
    draw = ImageDraw.Draw(image)
    places = np.argwhere(np.ones(SIZE[::-1], bool) if where is None else where)
    for y, x in places[rng.integers(len(places), size=count)]:
        path = follow(angles, x + rng.random(), y + rng.random(), length * rng.uniform(0.6, 1.3))
        stroke(draw, rng, path, colours[y, x] + rng.normal(0, jitter, 3), width * rng.uniform(0.7, 1.3), lift)


def follow(angles, x, y, length, step=3.0):
    """A path (n, 2) along the directions, half of it to either side of (x, y)."""
    sides = []
    for sign in (-1, 1):
        px, py, side = x, y, []
        for _ in range(max(1, round(length / 2 / step))):
            row, column = min(max(int(py), 0), SIZE[1] - 1), min(max(int(px), 0), SIZE[0] - 1)
            angle = angles[row, column]
            px, py = px + sign * step * np.cos(angle), py + sign * step * np.sin(angle)
            side.append((px, py))
        sides.append(side)
    return np.array([*sides[0][::-1], (x, y), *sides[1]])


def stroke(draw, rng, path, colour, width, lift):
    """One stroke of a loaded brush: parallel bristles, lighter on one side and darker on the other."""
    along = np.gradient(path, axis=0)
    across = np.stack((-along[:, 1], along[:, 0]), axis=1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    bristles = max(3, round(width * 1.1))
    for offset in np.linspace(-0.5, 0.5, bristles):
        shade = colour - lift * offset + rng.normal(0, lift / 4)
        first = rng.integers(0, max(1, len(path) // 5) + 1)
        line = (path + across * offset * width)[first : len(path) - rng.integers(0, max(1, len(path) // 5) + 1)]
        if len(line) > 1:
            points = [tuple(p) for p in line * FINE]
            thick = max(1, round(FINE * width / bristles * 1.35))
            draw.line(points, fill=tuple(int(c) for c in np.clip(shade, 0, 255)), width=thick, joint="curve")


def night_sky():
    """Stars and a moon in a sky that turns, over a sleeping village."""
    rng, (x, y) = np.random.default_rng(1889), grid()
    height = y / SIZE[1]
    ridge = 262 + 20 * np.sin(x / 62 + 0.4) + 10 * np.sin(x / 23 + 2) - 34 * np.exp(-(((x - 420) / 90) ** 2))
    lights = [(62, 58, 23), (138, 118, 15), (176, 38, 18), (252, 70, 13), (318, 150, 15), (292, 28, 12), (104, 190, 13),
              (228, 206, 11), (388, 196, 13), (388, 66, 40)]  # fmt: skip
    flow_x, flow_y = 1 + 0 * x, 0.35 * np.sin(x / 55) + 0.25 * np.sin(y / 30 + x / 90)
    for cx, cy, radius, turn in [(205, 138, 62, 1), (290, 118, 42, -1), *((a, b, 1.7 * r, 1) for a, b, r in lights)]:
        dx, dy = x - cx, y - cy
        pull = 5 * turn * np.exp(-(dx**2 + dy**2) / radius**2) / radius
        flow_x, flow_y = flow_x - pull * dy * 1.6, flow_y + pull * dx * 1.6
    sky = np.arctan2(flow_y, flow_x)
    blues = palette("#101c4e", "#1d3478", "#27509c", "#3f78b8", "#79a9cf", "#b9d0cf")
    bands = 0.22 + 0.34 * height + 0.15 * smooth_noise(rng, 9) + 0.12 * np.sin(6 * sky + y / 11)
    colours = between(blues, bands)
    for cx, cy, radius in lights:
        r = np.hypot(x - cx, y - cy) / radius
        halo = between(palette("#fff6c0", "#fbd65a", "#e9a92e", "#c9c27a", "#6fa3b8"), r / 2.1)
        strength = np.clip(1.5 - r / 1.5, 0, 1) * (0.72 + 0.28 * np.cos(5.2 * r))
        colours += strength[..., None] * (halo - colours)
    image = canvas(blues[1])
    above = y < ridge + 4
    brush(image, rng, colours, sky, 5200, 26, 6.5, above)
    brush(image, rng, colours + 10, sky, 4200, 20, 3.4, above, jitter=22)
    _moon(image, rng, 388, 66, 19)
    _hills(image, rng, x, y, ridge)
    _village(image, rng)
    _cypress(image, rng, x, y)
    return finish(image)


def _moon(image, rng, cx, cy, radius):
    draw, gold = ImageDraw.Draw(image), palette("#ffd95e", "#f6a92c", "#fff2b0")
    for _ in range(420):
        angle, r = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
        px, py = cx + r * np.cos(angle), cy + r * np.sin(angle)
        if np.hypot(px - cx - 8, py - cy + 4) > 0.78 * radius:
            turn = angle + np.linspace(-0.3, 0.3, 5)
            path = np.stack((cx + r * np.cos(turn), cy + r * np.sin(turn)), axis=1)
            stroke(draw, rng, path, gold[rng.integers(3)], 3, 30)


def _hills(image, rng, x, y, ridge):
    slope = np.arctan(np.gradient(ridge, axis=1))
    for base, tones in ((0, ("#16284f", "#24486b", "#3d6a86")), (26, ("#122443", "#1f4a55", "#4a7d6a")),
                        (52, ("#0f2036", "#21483f", "#5d8355"))):  # fmt: skip
        below = y > ridge + base + 5 * np.sin(x / 31 + base)
        colours = between(palette(*tones), 0.5 + 0.28 * smooth_noise(rng, 8) + 0.25 * np.sin((y - ridge) / 5))
        brush(image, rng, colours, slope + 0.25 * np.sin(x / 17 + y / 9), 1500, 24, 5.5, below)


def _village(image, rng):
    draw = ImageDraw.Draw(image)

    def shape(points, colour):
        draw.polygon([(px * FINE, py * FINE) for px, py in points], fill=colour, outline="#0b1430", width=2)

    for cx in np.linspace(196, 424, 15):
        px, py, w, h = cx + rng.normal(0, 4), 318 + rng.normal(0, 7), rng.uniform(12, 20), rng.uniform(10, 15)
        wall = tuple(int(c) for c in between(palette("#2b4a7a", "#4d79a0", "#7697a5"), rng.random(1))[0])
        shape([(px, py), (px + w, py), (px + w, py - h), (px, py - h)], wall)
        shape([(px - 2, py - h), (px + w / 2, py - h - rng.uniform(7, 11)), (px + w + 2, py - h)], "#1c2f57")
        if rng.random() < 0.8:
            wx, wy = px + w * rng.uniform(0.2, 0.6), py - h * 0.7
            draw.rectangle([wx * FINE, wy * FINE, (wx + 4) * FINE, (wy + 5) * FINE], fill="#ffc93f")
    shape([(300, 318), (313, 318), (313, 284), (300, 284)], "#3f6690")
    shape([(298, 285), (306.5, 232), (315, 285)], "#14224a")


def _cypress(image, rng, x, y):
    """A dark flame in the left foreground."""
    centre = 74 + 5 * np.sin(y / 21)
    half = 4 + 30 * np.clip((y - 84) / 268, 0, 1) ** 0.75 * (0.78 + 0.22 * np.sin(y / 15 + 1))
    inside = (np.abs(x - centre) < half) & (y > 76)
    lean = -np.pi / 2 + 0.55 * np.sin(y / 19 + x / 13) + 0.25 * (x - centre) / 30
    colours = between(
        palette("#0a1512", "#16281c", "#2a3d20", "#4d5a2c", "#5b3d22"), 0.34 + 0.24 * smooth_noise(rng, 5)
    )
    brush(image, rng, colours, lean, 1500, 34, 5, inside, jitter=9, lift=22)


def fjord():
    """A burning evening sky over dark water, all in long waves."""
    rng, (x, y) = np.random.default_rng(1893), grid()
    shore = 172 + 7 * np.sin(x / 70) + 10 * np.exp(-(((x - 120) / 60) ** 2))
    sway = 0.42 * np.sin(x / 58 + y / 60) + 0.22 * np.sin(x / 31 - y / 22)
    height = y - 17 * np.sin(x / 58 + y / 60) + 6 * np.sin(x / 27)
    fire = palette("#a8281c", "#d9481f", "#f08a24", "#f6c04a", "#e8632a", "#c23424", "#f3a531", "#f5d67a", "#5d86a0")
    sky = between(fire, np.mod(height / 178, 1) * 0.9 + 0.035 * smooth_noise(rng, 10))
    image = canvas(fire[1])
    brush(image, rng, sky, sway, 3000, 74, 7, y < shore + 5, jitter=13)
    brush(image, rng, sky + 8, sway, 1500, 60, 3.2, y < shore, jitter=24)

    dx, dy = x - 300, (y - 236) * 1.7
    swirl = np.arctan2(dx, -dy) * np.exp(-(dx**2 + dy**2) / 120**2) + 0.4 * np.sin(x / 44 + 1.2)
    deep = palette("#0e1a33", "#1a355c", "#2b5c86", "#49889b", "#c58a4a", "#1d2c4e")
    ring = np.hypot(dx, dy) / 13 + 1.2 * np.sin(x / 40)
    water = between(deep, 0.38 + 0.3 * np.sin(ring) + 0.13 * smooth_noise(rng, 9))
    brush(image, rng, water, swirl, 3000, 62, 6.5, y > shore, jitter=11)
    brush(image, rng, water + 6, swirl, 1400, 52, 3, y > shore + 6, jitter=20)
    _headlands(image, rng, x, y)
    _jetty(image, rng)
    return finish(image)


def _headlands(image, rng, x, y):
    for peak, cx, wide, tones in ((44, 400, 120, ("#22314f", "#3d3f66", "#6b5470")),
                                  (26, 66, 100, ("#1b2a45", "#2f4a62", "#57597a"))):  # fmt: skip
        top = 186 - peak * np.exp(-(((x - cx) / wide) ** 2)) - 4 * np.sin(x / 17)
        land = (y > top) & (y < 190 + 3 * np.sin(x / 23))
        slope = np.arctan(np.gradient(top, axis=1))
        colours = between(palette(*tones), 0.5 + 0.3 * np.sin((y - top) / 4) + 0.2 * smooth_noise(rng, 6))
        brush(image, rng, colours, slope, 700, 34, 4.5, land, jitter=8)


def _jetty(image, rng):
    """Planks and two rails that run from the lower left corner into the picture."""
    draw, wood = ImageDraw.Draw(image), palette("#5a2a1c", "#7d4526", "#a9652f", "#3c2230", "#c98b4a")
    vanish = np.array([470.0, 196.0])
    for y0 in np.linspace(268, 470, 120):
        start = np.array([-12.0, y0 + rng.normal(0, 2)])
        t = np.linspace(0, 0.99, 26)[:, None]
        path = start * (1 - t) + vanish * t + np.stack((0 * t, 2.5 * np.sin(9 * t)), axis=-1)[:, 0]
        stroke(draw, rng, path, wood[rng.integers(5)] + rng.normal(0, 8, 3), 4.5, 26)
    for y0, width in ((206, 8), (238, 6), (262, 7)):
        t = np.linspace(0, 0.98, 40)[:, None]
        path = np.array([-12.0, y0]) * (1 - t) + vanish * t
        for _ in range(3):
            stroke(draw, rng, path + rng.normal(0, 0.7, 2), wood[3 if width != 6 else 1], width, 40)
    for t in 1 - 0.74 ** np.arange(0.4, 9):
        top, foot = (np.array([-12.0, y0]) * (1 - t) + vanish * t for y0 in (203, 274))
        stroke(draw, rng, np.linspace(top, foot, 6), wood[3], 9 * (1 - t) + 1.5, 40)


# Glass, stone and paper


def stained_glass():
    """A rose window among deep blue panes, lit from behind."""
    rng = np.random.default_rng(1240)
    shape = SIZE[1] * FINE, SIZE[0] * FINE
    y, x = np.mgrid[: shape[0], : shape[1]] / FINE
    piece = _panes(rng, x, y)
    rose, hue = _rose(x - 224, y - 176)
    piece = np.where(rose >= 0, rose + piece.max() + 1, piece)
    _, piece = np.unique(piece, return_inverse=True)
    piece = piece.reshape(shape)
    count = piece.max() + 1
    tone = ndimage.mean(hue, piece, np.arange(count))
    jewels = palette("#16338f", "#0f6fa8", "#0c8f7a", "#3a1f86", "#7d1f6d",  # panes
                     "#b3152d", "#e8a51c", "#1c51b5", "#f0d264", "#c2401c", "#1e8f4e", "#7a2a9a")  # fmt: skip
    kind = np.where(tone < 0, rng.integers(5, size=count), np.rint(tone).astype(int) + 5)
    glass = (jewels[kind] * rng.uniform(0.8, 1.12, (count, 1)))[piece]
    edge = _edges(piece)
    depth = ndimage.distance_transform_edt(~edge)
    reach = ndimage.maximum(depth, piece, np.arange(count))[piece]
    streaks = ndimage.gaussian_filter(rng.standard_normal(shape), (9, 2)) * 9 + smooth_noise(rng, 22, shape) * 0.5
    light = 0.62 + 0.62 * (depth / np.maximum(reach, 1)) ** 0.8 + 0.07 * streaks
    glow = 1.2 - 0.45 * np.hypot((x - 224) / 260, (y - 176) / 210)
    pixels = glass * (light * glow)[..., None] + 46 * np.clip(light - 1, 0, 1)[..., None]
    lead = np.clip(2.9 - depth, 0, 1)[..., None]
    ridge = 34 + 40 * np.exp(-((depth - 0.8) ** 2))[..., None]
    pixels = pixels * (1 - lead) + ridge * palette("#9a94a0")[0] / 255 * lead
    return finish(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)))


def _panes(rng, x, y, count=150):
    """The nearest of scattered points for each pixel; the points are first spread out evenly."""
    points = rng.random((count, 2)) * SIZE
    pixels = np.stack((x[::4, ::4].ravel(), y[::4, ::4].ravel()), axis=1)
    for _ in range(12):  # Lloyd's algorithm
        nearest = cKDTree(points).query(pixels)[1]
        sums = np.stack([np.bincount(nearest, pixels[:, k], count) for k in (0, 1)], axis=1)
        points = sums / np.maximum(np.bincount(nearest, minlength=count), 1)[:, None]
    return cKDTree(points).query(np.stack((x.ravel(), y.ravel()), axis=1))[1].reshape(x.shape)


def _rose(dx, dy):
    """Piece number and number of the colour of every pixel of a rose window around the origin, -1 outside."""
    r, turn = np.hypot(dx, dy), np.arctan2(dy, dx) / (2 * np.pi) + 0.5
    piece, hue = np.full(r.shape, -1), np.full(r.shape, -1.0)
    inner = 0.0
    rings = [(17, 1, 0, 0, (3,)), (50, 8, 0.5, 0.13, (0, 1)), (82, 8, 0, 0.16, (2, 4)),
             (112, 16, 0.5, 0.06, (1, 2, 0, 2)), (146, 16, 0, 0.09, (0, 6, 2, 6)), (160, 32, 0.5, 0, (3, 5))]
    for n, (outer, sectors, shift, scallop, colours) in enumerate(rings):
        phase = turn * sectors + shift
        sector = np.floor(phase).astype(int) % sectors
        bow = 1 + scallop * (np.abs(np.sin(np.pi * phase)) - 0.6)
        edge = outer * bow
        inside = (piece < 0) & (r < edge)
        piece[inside] = (100 * n + sector)[inside]
        hue[inside] = np.array(colours)[sector % len(colours)][inside]
        inner = outer
    for k in range(16):  # a roundel in each outer petal
        angle = 2 * np.pi * (k + 0.5) / 16
        disc = np.hypot(dx - 127 * np.cos(angle), dy - 127 * np.sin(angle)) < 9.5
        piece[disc], hue[disc] = 2000 + k, (3, 1)[k % 2]
    for k in range(8):
        angle = 2 * np.pi * (k + 0.5) / 8
        disc = np.hypot(dx - 64 * np.cos(angle), dy - 64 * np.sin(angle)) < 8
        piece[disc], hue[disc] = 3000 + k, (0, 3)[k % 2]
    rim = (r >= inner) & (r < inner + 9) & (piece < 0)
    piece[rim] = 4000 + (turn[rim] * 24).astype(int)
    hue[rim] = 4
    return piece, hue


def _edges(piece):
    """Where a pixel's right or lower neighbour belongs to another piece."""
    edge = np.zeros(piece.shape, bool)
    edge[:, :-1] |= piece[:, :-1] != piece[:, 1:]
    edge[:-1] |= piece[:-1] != piece[1:]
    return edge


def mosaic():
    """A fish leaping out of the waves before a low sun, in small stones that follow the outlines."""
    rng = np.random.default_rng(79)
    design, colours = _mosaic_design()
    edge = ndimage.distance_transform_edt(~_edges(design))
    angle = np.arctan2(*(ndimage.gaussian_filter(g, 2) for g in np.gradient(ndimage.gaussian_filter(edge, 1.5))))
    image = canvas(palette("#cfc4ab")[0])
    taken = np.zeros((SIZE[1] * FINE, SIZE[0] * FINE), bool)
    side = np.where(design >= FISH, 5.6, 7.0)
    row, off = np.divmod(edge / (1.06 * side), 1)
    x, y = grid()
    in_rows = np.lexsort(((x + 0.8 * y).ravel(), row.ravel()))
    in_rows = in_rows[np.abs(off.ravel()[in_rows] - 0.5) < 0.14]
    anywhere = rng.permutation(edge.size)
    for places, scale, free in ((in_rows, 1, 0.94), (anywhere, 0.8, 0.97), (anywhere, 0.55, 0.97), (anywhere, 0.4, 1)):
        for n in places:
            y, x = divmod(int(n), SIZE[0])
            if not taken[y * FINE, x * FINE]:
                _lay(image, taken, rng, (x, y), angle[y, x], side[y, x] * scale, colours[design[y, x]], free)
    return finish(image)


FISH = 15  # the first of its regions in the mosaic


def _mosaic_design():
    """Region of each pixel, and for each region its palette."""
    x, y = grid()
    design = np.digitize(y + 9 * np.sin(x / 46), (56, 104, 146))
    sun = np.hypot(x - 318, y - 92)
    ray = np.mod(np.arctan2(y - 92, x - 318) / (2 * np.pi) * 18, 1) < 0.5
    design[(sun < 84) & ray] = 4
    design[sun < 54] = 5
    design[sun < 34] = 6
    for n, (base, height, wave) in enumerate(((206, 26, 62), (244, 26, 74), (284, 26, 58), (322, 18, 80))):
        crest = base - height * np.abs(np.sin(np.pi * (x / wave + 0.37 * n))) ** 0.7
        design[y > crest] = 7 + 2 * n
        design[(y > crest) & (y < crest + 10)] = 8 + 2 * n
    fish = _fish(x, y)
    design = np.where(fish > 0, FISH - 1 + fish, design)
    colours = [("#8fc4d6", "#a9d4dc", "#79b2cf"), ("#bfe0dc", "#d6e6d3", "#a7d3d8"), ("#f1dfb0", "#f4cf8e", "#f8e7c4"),
               ("#f2b36b", "#eea05a", "#f6c583"), ("#f4cf5f", "#f7dd86", "#efbd4b"), ("#f2a33a", "#ee8f2d", "#f6b650"),
               ("#e8622c", "#d94f25", "#f07a3a"), ("#2a7f9e", "#236f94", "#3890a8"), ("#e9f1ea", "#cfe4e2", "#f5f3e4"),
               ("#1f6391", "#1a5584", "#2b739b"), ("#bfdfe0", "#e2efe6", "#a9d2d8"), ("#1a4a80", "#163f72", "#24588c"),
               ("#9fcbd3", "#c9e2e0", "#86bbc9"), ("#15356a", "#122d5c", "#1d4278"), ("#7fb2c4", "#a7cdd3", "#6aa2b8"),
               ("#c9472f", "#b93a2a", "#d95a38"), ("#eef1ea", "#f7f3e2", "#dce7e8"), ("#8c2230", "#7a1c2c", "#9d2f38"),
               ("#fbf4df", "#f6ead0", "#ffffff"), ("#14141c", "#1e1e28", "#0e0e14")]  # fmt: skip
    return design, [palette(*tones) for tones in colours]


def _fish(x, y):
    """0 outside a leaping fish; 1 back, 2 belly, 3 fins and tail, 4 and 5 its eye."""
    u, v = (x - 128) * 0.86 - (y - 134) * 0.5, (x - 128) * 0.5 + (y - 134) * 0.86  # along its length, across
    v = v - 0.0021 * u**2 + 12
    half = 41 * np.sqrt(np.clip(1 - (u / 92) ** 2, 0, 1)) * np.clip(0.66 + u / 150, 0.2, 1.05)
    part = np.zeros(x.shape, int)
    part[(u > -128) & (u < -70) & (np.abs(v) < 7 + 0.86 * (-70 - u)) & (np.abs(v) > 1.5 * (-106 - u))] = 3
    part[(u > -38) & (u < 44) & (v < 0) & (-v < half + 22 * np.sqrt(np.clip(1 - ((u - 3) / 41) ** 2, 0, 1)))] = 3
    part[(u > -8) & (u < 26) & (v > 0) & (v < half + 17 - 0.6 * (u + 8))] = 3
    body = np.abs(v) < half
    part[body] = 1
    part[body & (v > 0.22 * half)] = 2
    part[body & (np.abs(u - 46 + 0.008 * v**2) < 3.2)] = 3
    eye = np.hypot(u - 64, v + 7)
    part[eye < 9] = 4
    part[eye < 4.5] = 5
    return part


def _lay(image, taken, rng, place, angle, side, tones, free):
    """Put one stone there if its place is (nearly) free."""
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * side / 2
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    corners = (square @ turn + place) * FINE
    low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    right, bottom = np.ceil(corners.max(0)).astype(int) + 1
    window = taken[low[1] : bottom, low[0] : right]
    mask = Image.new("1", (window.shape[1], window.shape[0]))
    ImageDraw.Draw(mask).polygon([tuple(p) for p in corners - low], fill=1)
    stone = np.asarray(mask)
    if (stone & window).sum() > (1 - free) * stone.sum():
        return
    window |= stone
    colour = tones[rng.integers(len(tones))] + rng.normal(0, 8) + rng.normal(0, 4, 3)
    middle = corners.mean(0)
    inner = middle + (corners - middle) * (1 - 1.0 / side)
    ImageDraw.Draw(image).polygon([tuple(p) for p in inner], fill=tuple(int(c) for c in np.clip(colour, 0, 255)))


def composition():
    """An abstract: washes of colour, arcs, circles and black lines, dense in the middle."""
    rng = np.random.default_rng(1913)
    image = canvas(palette("#efe6cf")[0])
    bright = palette("#d7322b", "#f0b323", "#2456a6", "#3a8f5c", "#e8702a", "#7d3b8c", "#f4dc72", "#5aa9c9", "#e7a0a8",
                     "#1e2a4f", "#c9d6c4", "#fbf3df")  # fmt: skip
    for n in range(230):
        scale = np.interp(n, (0, 60, 230), (105, 60, 17))
        cx, cy = rng.normal(224, 112), rng.normal(176, 84)
        image = _wash(image, rng, cx, cy, scale * rng.uniform(0.5, 1.2), bright[rng.integers(len(bright))])
    for _ in range(52):
        _arc(image, rng, rng.normal(224, 112), rng.normal(176, 84), bright)
    for _ in range(24):
        _stripe(image, rng, bright)
    for _ in range(15):
        _target(image, rng, rng.normal(224, 120), rng.normal(176, 88), rng.uniform(6, 23), bright)
    grain = smooth_noise(rng, 1.6, (SIZE[1] * FINE, SIZE[0] * FINE))[..., None] * 3
    return finish(Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)))


def _wash(image, rng, cx, cy, radius, colour):
    """A soft patch with a wavering outline, shaded across, transparent here and there."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    wobble = sum(rng.normal(0, 0.25 / k) * np.sin(k * turn + rng.uniform(0, 6)) for k in range(1, 6))
    stretch, lean = rng.uniform(0.35, 1), rng.uniform(0, np.pi)
    px, py = radius * (1 + wobble) * np.cos(turn), stretch * radius * (1 + wobble) * np.sin(turn)
    outline = np.stack((cx + px * np.cos(lean) - py * np.sin(lean), cy + px * np.sin(lean) + py * np.cos(lean)), axis=1)
    mask = Image.new("L", SIZE)
    ImageDraw.Draw(mask).polygon([tuple(p) for p in outline], fill=255)
    cover = ndimage.gaussian_filter(np.asarray(mask) / 255.0, 1.2)
    x, y = grid()
    across = ((x - cx) * np.cos(lean + 1) + (y - cy) * np.sin(lean + 1)) / max(radius, 1)
    cover *= np.clip(0.72 + 0.3 * rng.choice((-1, 1)) * across + 0.08 * smooth_noise(rng, 2.5), 0.1, 0.97)
    alpha = Image.fromarray((255 * cover).astype(np.uint8)).resize(image.size, Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", image.size, tuple(int(c) for c in colour)), image, alpha)


def _arc(image, rng, cx, cy, colours):
    """A piece of an ellipse that swells in the middle."""
    turn = rng.uniform(0, 2 * np.pi) + np.linspace(0, rng.uniform(0.8, 3.2), 300)
    radius, squeeze = rng.uniform(14, 74), rng.uniform(0.5, 1)
    path = np.stack((cx + radius * np.cos(turn), cy + squeeze * radius * np.sin(turn)), axis=1)
    _ink(image, path, rng.uniform(1.4, 6), BLACK if rng.random() < 0.5 else colours[rng.integers(len(colours))])


def _ink(image, path, width, colour):
    """A line (n, 2) that swells to `width` in its middle and ends in points."""
    draw, swell = ImageDraw.Draw(image), np.sqrt(np.sin(np.linspace(0.02, np.pi - 0.02, len(path))))
    for (px, py), r in zip(path * FINE, swell * width / 2 * FINE):
        draw.ellipse([px - r, py - r, px + r, py + r], fill=tuple(int(c) for c in colour))


def _target(image, rng, cx, cy, radius, colours):
    draw = ImageDraw.Draw(image)
    for share, colour in zip((1, 0.8, 0.5, 0.25), colours[rng.permutation(len(colours))[:4]]):
        r = radius * share
        fill = tuple(int(c) for c in (BLACK if share == 1 else colour))
        draw.ellipse([(cx - r) * FINE, (cy - r) * FINE, (cx + r) * FINE, (cy + r) * FINE], fill=fill)


def _stripe(image, rng, colours):
    """A straight line, or a few in parallel."""
    lean, half = rng.uniform(0, np.pi), rng.uniform(16, 72)
    along, across = np.array([np.cos(lean), np.sin(lean)]), np.array([-np.sin(lean), np.cos(lean)])
    middle = np.array([rng.normal(224, 104), rng.normal(176, 78)])
    colour = BLACK if rng.random() < 0.7 else colours[rng.integers(len(colours))]
    width = rng.uniform(1, 3.4)
    for k in range(rng.choice((1, 1, 1, 3, 5))):
        path = middle + (width + 4) * k * across + np.linspace(-half, half, 200)[:, None] * along
        _ink(image, path, width, colour)


PICTURES = (night_sky, fjord, composition, stained_glass, mosaic)


def main(folder):
    """Paint every picture into the folder, as JPEG."""
    folder.mkdir(parents=True, exist_ok=True)
    for paint in PICTURES:
        path = folder / f"{paint.__name__}.jpg"
        paint().save(path, quality=88, subsampling=0, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
