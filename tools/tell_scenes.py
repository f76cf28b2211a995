"""Make up the scenes of the mini captions, and tell of each in five sentences as five people might.

Every choice comes from a RandomState, whose stream numpy has frozen, so that the same seed gives the same scenes and
sentences on every machine.
"""

import itertools

import numpy as np

from cs231n.scores.captions import BACKGROUNDS, COLOURS, SCENERY, SETTINGS, VERBS, WHERE, is_true, third

HOMES = {  # what may be met where, the likelier the more often it is named
    "meadow": "house tree car cat dog ball flower flower umbrella bird balloon",
    "beach": "boat boat fish fish house cat dog ball umbrella umbrella bird balloon",
    "snow": "house tree tree car cat dog ball umbrella bird balloon",
    "city": "house tree car car cat dog ball umbrella bird balloon",
    "lake": "boat boat boat fish fish fish house tree cat dog flower bird balloon",
    "night": "house tree car cat dog ball flower umbrella bird balloon",
}
CAMOUFLAGE = {("snow", "white")}
NEVER_IN_TRAINING = {  # (kind, colour): these pairs appear in validation only
    *(("house", "green"), ("tree", "yellow"), ("car", "green"), ("boat", "red"), ("cat", "purple"), ("dog", "blue")),
    *(("bird", "white"), ("fish", "purple"), ("ball", "white"), ("flower", "green"), ("balloon", "green")),
    ("umbrella", "yellow"),
}
FEET = {  # heights in pixels, from the top
    ("air", "small"): (40, 60),
    ("air", "large"): (61, 66),
    ("ground", "small"): (110, 121),
    ("ground", "large"): (114, 121),
    ("water", "beach"): (84, 90),
    ("water", "lake"): (90, 102),
}
COLUMNS = {"small": (23, 64, 105), "large": (35, 64, 93)}
WIDTHS = {"small": 38, "large": 60}


# ---- scenes ---------------------------------------------------------------------------------------------------------


def pick(rng, options):
    """One of the options, a sequence (all as likely) or a dict {option: weight}."""
    weights = np.cumsum([float(w) for w in options.values()] if isinstance(options, dict) else np.ones(len(options)))
    return list(options)[np.searchsorted(weights, rng.random_sample() * weights[-1], side="right")]


def make_thing(rng, kind, background, column):
    colours = [c for c in COLOURS if (background, c) not in CAMOUFLAGE]
    colour, size = pick(rng, colours), pick(rng, ("small", "large"))
    where = WHERE[kind]
    low, high = FEET[where, background if where == "water" else size]
    x = COLUMNS[size][column] + rng.randint(-3, 4)
    return {"kind": kind, "colour": colour, "size": size, "x": int(x), "y": int(rng.randint(low, high + 1))}


def is_crowded(things):
    """Whether two things stand in each other's way; what flies is clear of what stands on the ground."""
    for a, b in itertools.combinations(things, 2):
        apart = {WHERE[a["kind"]], WHERE[b["kind"]]} == {"air", "ground"}
        if not apart and abs(a["x"] - b["x"]) < (WIDTHS[a["size"]] + WIDTHS[b["size"]]) / 2 - 3:
            return True
    return False


def make_scene(rng):
    """A scene of one to three things of different kinds, each in a column of its own."""
    n = pick(rng, {1: 62, 2: 33, 3: 5})
    while True:
        background = pick(rng, BACKGROUNDS)
        kinds = list(dict.fromkeys(pick(rng, HOMES[background].split()) for _ in range(n)))
        columns = rng.permutation((0, 2) if n == 2 else (0, 1, 2))
        things = [make_thing(rng, kind, background, column) for kind, column in zip(kinds, columns)]
        if len(things) == n and not is_crowded(things):
            things.sort(key=lambda thing: thing["x"])
            return {"background": background, "seed": int(rng.randint(10**6)), "things": things}


def has_new_pair(scene):
    """Whether a thing of the scene has a kind and colour that never meet in training."""
    return any((t["kind"], t["colour"]) in NEVER_IN_TRAINING for t in scene["things"])


# ---- sentences ------------------------------------------------------------------------------------------------------


class Teller:
    """The words one teller uses for a scene; each call may choose others."""

    def __init__(self, scene, rng):
        self.scene, self.rng, self.things = scene, rng, scene["things"]

    def noun(self, thing, detail=1.0):
        """The noun with its adjectives, fewer of them where `detail` is small."""
        words = []
        size = self.rng.random_sample() < 0.2 * detail
        if size and thing["size"] == "small" and thing["kind"] in ("cat", "dog") and self.rng.random_sample() < 0.4:
            return self.coloured(thing, {"cat": "kitten", "dog": "puppy"}[thing["kind"]], detail)
        if size:
            words = [
                pick(self.rng, {"small": {"small": 3, "little": 1}, "large": {"large": 2, "big": 1}}[thing["size"]])
            ]
        return " ".join([*words, self.coloured(thing, thing["kind"], detail)])

    def coloured(self, thing, noun, detail):
        return f"{thing['colour']} {noun}" if self.rng.random_sample() < 0.84 + 0.1 * detail else noun

    def a(self, thing, detail=1.0):
        noun = self.noun(thing, detail)
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"

    def setting(self, *things):
        """Words for the background that hold for all these things, the first of the list the likeliest."""
        where = {WHERE[thing["kind"]] for thing in things}
        fit = [
            words
            for words, (backgrounds, places) in SETTINGS.items()
            if self.scene["background"] in backgrounds.split() and where <= set(places.split())
        ]
        return pick(self.rng, {words: 0.3**i for i, words in enumerate(fit)})

    def scenery(self):
        return pick(
            self.rng, [words for words, background in SCENERY.items() if background == self.scene["background"]]
        )

    def picture(self):
        return pick(self.rng, {"a picture of": 2, "a drawing of": 1})

    def doing(self, thing):
        return pick(self.rng, [verb for verb, (_, kinds) in VERBS.items() if thing["kind"] in kinds.split()])

    def does(self, thing):
        verb = self.doing(thing)
        return pick(self.rng, {VERBS[verb][0] or f"is {verb}": 2, f"is {verb}": 1})

    def place(self, thing):
        return {"left": "on the left", "middle": "in the middle", "right": "on the right"}[third(thing["x"])]

    def relation(self, a, b):
        """Words for how a stands to b: above or below, else side by side, else left or right."""
        flies = [WHERE[thing["kind"]] == "air" for thing in (a, b)]
        side = "left" if a["x"] < b["x"] else "right"
        words = {f"to the {side} of": 3, f"{side} of": 1}
        if flies == [True, False]:
            words |= {"above": 4, "over": 2}
        if flies == [False, True]:
            words |= {"under": 4, "below": 2}
        between = [t for t in self.things if WHERE[t["kind"]] != "air" and (t["x"] - a["x"]) * (t["x"] - b["x"]) < 0]
        if flies == [False, False] and not between:
            words |= {"next to": 3, "near": 1}
        return pick(self.rng, words)


def of_one(t, a):
    """Ways to tell of the thing a: {function: weight}."""
    ways = {
        lambda: f"{t.a(a)} {t.setting(a)}": 16,
        lambda: f"{t.a(a)} {t.doing(a)} {t.setting(a)}": 4,
        lambda: f"{t.a(a)} {t.does(a)} {t.setting(a)}": 2,
        lambda: f"there is {t.a(a)} {t.place(a)}": 2,
        lambda: f"{t.picture()} {t.a(a)} {t.setting(a)}": 1,
        lambda: f"{t.setting(a)} there is {t.a(a)}": 1,
        lambda: f"{t.scenery()} with {t.a(a)} {t.place(a)}": 1,
        lambda: f"the {a['kind']} is {pick(t.rng, [a['colour'], a['size']])}": 1,
    }
    if len(t.things) == 1:
        ways[lambda: f"{t.a(a)} alone {t.setting(a)}"] = 2
    return ways


def of_two(t, a, b):
    """Ways to tell of the things a and b: {function: weight}."""
    return {
        lambda: f"{t.a(a)} and {t.a(b)} {t.setting(a, b)}": 26,
        lambda: f"{t.a(a)} {t.relation(a, b)} {t.a(b)}": 4,
        lambda: f"{t.a(a)} {t.relation(a, b)} {t.a(b)} {t.setting(b)}": 4,
        lambda: f"{t.a(a)} {t.place(a)} and {t.a(b)} {t.place(b)}": 2,
        lambda: f"{t.a(a)} {t.doing(a)} {t.relation(a, b)} {t.a(b)}": 2,
        lambda: f"{t.scenery()} with {t.a(a)} and {t.a(b)}": 2,
        lambda: f"there is {t.a(a)} and {t.a(b)} {t.setting(a, b)}": 1,
        lambda: f"{t.setting(a, b)} there is {t.a(a)} {t.relation(a, b)} {t.a(b)}": 1,
        lambda: f"the {a['kind']} is {a['colour']} and the {b['kind']} is {b['colour']}": 1,
        lambda: f"the {t.noun(a)} is {t.relation(a, b)} the {t.noun(b)}": 1,
        lambda: f"{t.picture()} {t.a(a)} with {t.a(b)}": 1,
    }


def of_three(t, a, b, c):
    """Ways to tell of the things a, b and c: {function: weight}."""
    ways = {
        lambda: f"{t.a(a, 0.5)} with {t.a(b, 0.5)} and {t.a(c, 0.5)} {t.setting(a, b, c)}": 5,
        lambda: f"{t.a(a, 0.5)} and {t.a(b, 0.5)} and {t.a(c, 0.5)} {t.setting(a, b, c)}": 2,
        lambda: f"{t.a(a, 0.5)} and {t.a(b, 0.5)} {t.relation(b, c)} {t.a(c, 0.5)}": 2,
        lambda: f"{t.scenery()} with {t.a(a, 0.5)} and {t.a(b, 0.5)} and {t.a(c, 0.5)}": 2,
    }
    left, middle, right = t.things
    ways[lambda: f"{t.a(middle, 0.5)} between {t.a(left, 0.5)} and {t.a(right, 0.5)}"] = 2
    return ways


def tell_once(scene, rng):
    """One sentence about one, two or three things of the scene."""
    things = scene["things"]
    number = pick(rng, [{1: 1}, {1: 25, 2: 75}, {1: 30, 2: 50, 3: 20}][len(things) - 1])
    named = []
    while len(named) < number:  # what is large is spoken of first and more often
        rest = {i: {"large": 3, "small": 1}[t["size"]] for i, t in enumerate(things) if i not in named}
        named.append(pick(rng, rest))
    named.sort()
    ways = (of_one, of_two, of_three)[number - 1](Teller(scene, rng), *(things[i] for i in named))
    return pick(rng, ways)()


def tell(scene, rng, n=5, longest=15):
    """n different sentences of at most `longest` words, each wholly true of the scene."""
    sentences = {}
    while len(sentences) < n:
        sentence = tell_once(scene, rng)
        if len(sentence.split()) <= longest:
            assert is_true(sentence, scene), (sentence, scene)
            sentences[sentence] = None
    return list(sentences)
