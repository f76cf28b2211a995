"""How good is a generated caption? BLEU against what people wrote, and truth against what the picture holds.

A scene of the mini captions is known exactly, so each statement of a sentence about it can be checked. A sentence is
read into phrases, each phrase is given a letter, and one regular expression over the letters is the whole grammar.
"""

import itertools
import re

import numpy as np
from sacrebleu.metrics import BLEU

from ..coco_utils import decode_captions

WIDTH = 128  # pixels of a picture; "x" of a thing runs from 0 at the left to WIDTH at the right

COLOURS = ("red", "yellow", "green", "blue", "purple", "white")
SIZES = {"small": "small", "little": "small", "large": "large", "big": "large"}
WHERE = dict.fromkeys(("house", "tree", "car", "cat", "dog", "ball", "flower", "umbrella"), "ground")
WHERE |= {"boat": "water", "fish": "water", "bird": "air", "balloon": "air"}
KINDS = tuple(WHERE)
NOUNS = {kind: {"kind": kind} for kind in KINDS}
NOUNS |= {"kitten": {"kind": "cat", "size": "small"}, "puppy": {"kind": "dog", "size": "small"}}

VERBS = {  # participle: (what also says it, the kinds that do it)
    "sitting": ("sits", "cat"),
    "standing": ("stands", "house tree dog umbrella"),
    "parked": (None, "car"),
    "growing": ("grows", "tree flower"),
    "lying": ("lies", "ball"),
    "flying": ("flies", "bird balloon"),
    "floating": ("floats", "boat balloon"),
    "sailing": ("sails", "boat"),
    "jumping": ("jumps", "fish"),
}
SETTINGS = {  # phrase: (the backgrounds it is true of, where the thing must be to have it said of it)
    "in a meadow": ("meadow", "ground air"),
    "in a green field": ("meadow", "ground air"),
    "over a meadow": ("meadow", "air"),
    "on the beach": ("beach", "ground"),
    "at the beach": ("beach", "ground water air"),
    "by the sea": ("beach", "ground"),
    "on the sea": ("beach", "water"),
    "over the sea": ("beach", "air"),
    "in the snow": ("snow", "ground"),
    "on a snowy day": ("snow", "ground air"),
    "in winter": ("snow", "ground air"),
    "in the city": ("city", "ground air"),
    "on a city street": ("city", "ground"),
    "in front of tall buildings": ("city", "ground air"),
    "over the city": ("city", "air"),
    "on a lake": ("lake", "water"),
    "at the lake": ("lake", "ground water air"),
    "by a lake": ("lake", "ground"),
    "over a lake": ("lake", "air"),
    "in front of mountains": ("lake", "ground water air"),
    "at night": ("night", "ground air"),
    "under the moon": ("night", "ground air"),
    "on a starry night": ("night", "ground air"),
    "by the water": ("beach lake", "ground"),
    "in the water": ("beach lake", "water"),
    "on the sand": ("beach", "ground"),
    "under the sun": ("beach", "ground water air"),
    "in the sky": ("meadow beach snow city lake night", "air"),
}
SCENERY = {
    "a meadow": "meadow",
    "a beach": "beach",
    "the sea": "beach",
    "a snowy day": "snow",
    "a city street": "city",
    "a lake": "lake",
    "a starry night": "night",
}
BACKGROUNDS = ("meadow", "beach", "snow", "city", "lake", "night")
RELATIONS = {
    "to the left of": "left of",
    "left of": "left of",
    "to the right of": "right of",
    "right of": "right of",
    "above": "above",
    "over": "above",
    "below": "below",
    "under": "below",
    "next to": "next to",
    "near": "next to",
}
PLACES = {"on the left": "left", "in the middle": "middle", "on the right": "right"}
INTROS = ("there is", "a picture of", "a drawing of")

PHRASES = {"is": ("=", None), "and": ("J", None), "with": ("J", None), "between": ("K", None), "alone": ("L", None)}
PHRASES |= dict.fromkeys(INTROS, ("I", None))
PHRASES |= {verb: ("V", verb) for verb in VERBS} | {verb[0]: ("F", v) for v, verb in VERBS.items() if verb[0]}
PHRASES |= {word: ("R", relation) for word, relation in RELATIONS.items()}
PHRASES |= {word: ("P", place) for word, place in PLACES.items()}
PHRASES |= {word: ("B", word) for word in SETTINGS} | {f"{word} with": ("S", b) for word, b in SCENERY.items()}
PHRASES |= {word: ("A", ("size", size)) for word, size in SIZES.items()} | {c: ("A", ("colour", c)) for c in COLOURS}


def _either(words):
    return "|".join(sorted(words, key=len, reverse=True))


PHRASE = re.compile(
    rf"(?:(?:an?|the) (?:(?P<size>{_either(SIZES)}) )?(?:(?P<colour>{_either(COLOURS)}) )?(?P<noun>{_either(NOUNS)})"
    rf"|(?P<phrase>{_either(PHRASES)}))(?: |$)"
)
# T thing, V "sitting", F "sits", = "is", A "red", P "on the left", R "next to", K "between", J "and", L "alone",
# B "in the snow", S "a beach with", I "there is"
SPOT = "(P|RT|KTJT)"
UNIT = f"TV?L?{SPOT}?"
CLAUSE = f"T((F|=?V)?L?{SPOT}?|=L|=A|={SPOT})"
GRAMMAR = re.compile(f"B?I{UNIT}(B?J{UNIT})*B?|B?{CLAUSE}(B?J{CLAUSE})*B?|I?S{UNIT}(J{UNIT})*")
CLAIMS = {"V": "verb", "F": "verb", "P": "place", "L": "alone", "R": "relation", "B": "setting", "S": "background"}


def plain(sentence):
    """The words of a caption, one space apart: <START>, <NULL> and all from the first <END> on left out."""
    if not isinstance(sentence, str):
        raise TypeError(f"a sentence must be a string of words, got {type(sentence).__name__} {sentence!r:.60}")
    words = sentence.partition("<END>")[0].split()
    return " ".join(word for word in words if word not in ("<START>", "<NULL>"))


def _phrases(sentence):
    """[(letter, value), ...] for the phrases of a plain sentence; ValueError at the first words that are none."""
    items, start = [], 0
    while start < len(sentence):
        match = PHRASE.match(sentence, start)
        if match is None:
            raise ValueError(f"cannot read {sentence[start:]!r}")
        if match["noun"]:
            said = [("size", SIZES.get(match["size"])), ("colour", match["colour"])]
            items.append(("T", [*NOUNS[match["noun"]].items(), *(fact for fact in said if fact[1])]))
        else:
            items.append(PHRASES[match["phrase"]])
        start = match.end()
    return items


def scene_facts(sentence):
    """What a sentence states: (things, claims); ValueError if it cannot be read.

    things: for each thing it names a list of facts, [("kind", "cat"), ("colour", "red")].
    claims: tuples (claim, argument, numbers of the things it is about ...), such as ("place", "left", 0),
    ("relation", "above", 0, 1) or ("background", "beach").
    """
    items = _phrases(plain(sentence))
    letters = "".join(letter for letter, _ in items)
    if not GRAMMAR.fullmatch(letters) or letters.count("B") > 1:
        raise ValueError(f"not a sentence: {plain(sentence)!r}")
    things, claims, subject = [], [], 0
    for i, (letter, value) in enumerate(items):
        n = len(things)  # the number of the thing to be named next
        if letter == "T":
            things.append(list(value))
            if not re.search("(R|K|KTJ)$", letters[:i]):  # otherwise it is the object of a relation
                subject = n
        elif letter == "A":
            things[subject].append(value)
        elif letter in CLAIMS:
            about = {"R": (subject, n), "B": (max(n - 1, 0),), "S": ()}.get(letter, (subject,))
            claims.append((CLAIMS[letter], value, *about))
        elif letter == "K":
            claims.append(("relation", "between", subject, n, n + 1))
    return things, claims


def third(x):
    """The third of the picture that column x lies in: 'left', 'middle' or 'right'."""
    return ("left", "middle", "right")[min(max(int(3 * x / WIDTH), 0), 2)]


def _is_between(x, a, b):
    return min(a["x"], b["x"]) < x < max(a["x"], b["x"])


def _related(relation, scene, a, b, c=None):
    a_flies, b_flies = (WHERE[thing["kind"]] == "air" for thing in (a, b))
    if relation == "next to":
        barred = any(_is_between(t["x"], a, b) for t in scene["things"] if WHERE[t["kind"]] != "air")
        return not (a_flies or b_flies or barred)
    return {
        "left of": a["x"] < b["x"],
        "right of": a["x"] > b["x"],
        "above": a_flies and not b_flies,
        "below": b_flies and not a_flies,
        "between": c is not None and _is_between(a["x"], b, c),
    }[relation]


def _holds(scene, claim, value, *about):
    if claim == "relation":
        return _related(value, scene, *about)
    if claim == "alone":
        return len(scene["things"]) == 1
    if claim == "background":
        return scene["background"] == value
    (thing,) = about
    where = WHERE[thing["kind"]]
    if claim == "place":
        return value == third(thing["x"])
    if claim == "verb":
        return thing["kind"] in VERBS[value][1].split()
    backgrounds, places = SETTINGS[value]
    return scene["background"] in backgrounds.split() and where in places.split()


def _faults(scene, things, claims, chosen):
    """What is wrong with a sentence if its things are those chosen from the scene: a list of words."""
    faults = []
    for facts, thing in zip(things, chosen):
        kind = facts[0][1]
        if thing["kind"] != kind:
            faults += [f"there is no {kind}"] * 9  # weighs most, so that the reason given is about the right thing
        else:
            faults += [f"the {kind} is not {value}" for key, value in facts if thing[key] != value]
    for claim, value, *numbers in claims:
        if not _holds(scene, claim, value, *(chosen[n] for n in numbers)):
            names = [chosen[n]["kind"] for n in numbers]
            faults.append(f"not {value or claim}" + (f" ({', '.join(names)})" if names else ""))
    return faults


def why_false(sentence, scene):
    """Why a sentence is not wholly true of a scene, in a few words; '' if it is. Arguments as for is_true."""
    _check_scene(scene)
    try:
        things, claims = scene_facts(sentence)
    except ValueError as error:
        return str(error)
    if len(things) > len(scene["things"]):
        return f"it names {len(things)} things, there are {len(scene['things'])}"
    choices = itertools.permutations(scene["things"], len(things))
    faults = min((_faults(scene, things, claims, chosen) for chosen in choices), key=len)
    return "; ".join(dict.fromkeys(faults))


def is_true(sentence, scene):
    """Whether a sentence can be read, states something, and all that it states holds in the scene.

    sentence: words parted by spaces, as decode_captions gives them; special tokens but <UNK> are passed over.
    scene: {"background": str, "things": [{"kind", "colour", "size", "x", "y"}, ...]}; each thing named must be
    another one. Raises TypeError or ValueError for a sentence or scene that is none.
    """
    return not why_false(sentence, scene)


def truth_table(sentences, scenes):
    """Which of S sentences are wholly true of which of N scenes: (S, N) bools, is_true of every pair, but faster."""
    for scene in scenes:
        _check_scene(scene)
    kinds = [{thing["kind"] for thing in scene["things"]} for scene in scenes]
    table = np.zeros((len(sentences), len(scenes)), dtype=bool)
    for row, sentence in zip(table, sentences):
        try:
            things, claims = scene_facts(sentence)
        except ValueError:
            continue
        named = {facts[0][1] for facts in things}
        for n in [n for n, there in enumerate(kinds) if named <= there]:
            choices = itertools.permutations(scenes[n]["things"], len(things))
            row[n] = any(not _faults(scenes[n], things, claims, chosen) for chosen in choices)
    return table


def share_true(sentences, scenes):
    """The share, 0 to 1, of sentences that are wholly true of the scene at the same position."""
    if len(sentences) != len(scenes):
        raise ValueError(f"{len(sentences)} sentences for {len(scenes)} scenes: give one sentence a scene")
    if not len(sentences):
        raise ValueError("no sentences: give at least one")
    return sum(is_true(sentence, scene) for sentence, scene in zip(sentences, scenes)) / len(sentences)


def _check_scene(scene):
    try:
        known = scene["background"] in BACKGROUNDS and all(
            t["kind"] in KINDS and t["colour"] in COLOURS and t["size"] in SIZES and 0 <= t["x"] <= WIDTH
            for t in scene["things"]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no scene of load_coco_data ({error!r}): {scene!r:.120}") from None
    if not known:
        raise ValueError(f"this scene holds what the mini captions do not know: {scene!r:.200}")


def bleu(candidates, references, n=4):
    """Corpus BLEU-n (Papineni et al. 2002; no smoothing), 0 to 1, by sacrebleu on the words as they stand.

    candidates: N strings. references: N lists of strings, any number >= 1 in each. n: the longest n-gram, 1 to 4.
    Special tokens but <UNK> are taken out of both first. Raises ValueError or TypeError where these do not fit.
    """
    if n not in (1, 2, 3, 4):
        raise ValueError(f"n must be 1, 2, 3 or 4, got {n!r}")
    if isinstance(candidates, str) or isinstance(references, str):
        raise TypeError("give a list of candidates, and for each of them a list of references")
    if len(candidates) != len(references):
        raise ValueError(f"{len(candidates)} candidates for {len(references)} lists of references: give one list each")
    if not len(candidates):
        raise ValueError("no candidates: give at least one")
    for i, several in enumerate(references):
        if isinstance(several, str):
            raise TypeError(f"references[{i}] is a string; wrap it in a list: each candidate may have several")
        if not len(several):
            raise ValueError(f"references[{i}] is empty: each candidate needs at least one reference")
    texts = [[plain(text) for text in several] for several in references]
    streams = [list(stream) for stream in itertools.zip_longest(*texts)]  # sacrebleu takes None for "no more"
    metric = BLEU(tokenize="none", force=True, max_ngram_order=int(n), smooth_method="none")
    score = metric.corpus_score([plain(text) for text in candidates], streams).score / 100
    return min(score, 1.0)  # the logarithms inside can end a rounding above


def score_captions(model, data, split="val", num_images=None):
    """Caption the images of a split greedily, and score the captions.

    model: anything with sample(features). num_images: only so many, spread evenly over the split. Returns a dict:
    captions and urls (lists, one an image), true (a bool for each; None where no scenes are known), BLEU-4 and
    BLEU-1 against all human captions of the image, and share_true (nan where no scenes are known).
    """
    features, urls, words = data[f"{split}_features"], data[f"{split}_urls"], data["idx_to_word"]
    images = np.linspace(0, len(features) - 1, min(num_images or len(features), len(features))).astype(int)
    captions = [plain(text) for text in decode_captions(model.sample(features[images]), words)]
    human = {image: [] for image in images}
    for image, row in zip(data[f"{split}_image_idxs"], data[f"{split}_captions"]):
        if image in human:
            human[image].append(plain(decode_captions(row, words)))
    described = [n for n, image in enumerate(images) if human[image]]
    pairs = [captions[n] for n in described], [human[images[n]] for n in described]
    scenes = data.get(f"{split}_scenes")
    true = [is_true(text, scenes[image]) if scenes else None for text, image in zip(captions, images)]
    return {
        "captions": captions,
        "urls": [urls[image] for image in images],
        "true": true,
        "BLEU-4": bleu(*pairs, n=4),
        "BLEU-1": bleu(*pairs, n=1),
        "share_true": sum(true) / len(true) if scenes else float("nan"),
    }
