"""The mini captions: built as committed, told truly, in the form of COCO's files, and scored as people would."""

import base64
import collections
import io
import itertools
import json
import math
import re
import subprocess
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from cs231n.coco_utils import decode_captions, load_coco_data
from cs231n.scores import captions as metrics
from cs231n.scores.captions import bleu, is_true, plain, scene_facts, score_captions, share_true, why_false
from tools import build_captions, draw_scenes, tell_scenes

ROOT = build_captions.OUT.parents[2]
MINI = build_captions.OUT
SPLITS = {"train": 2000, "val": 400}  # the least number of scenes of each
START, END, NULL, UNK = "<START>", "<END>", "<NULL>", "<UNK>"


@pytest.fixture(scope="module")
def data():
    return load_coco_data(MINI)


@pytest.fixture(scope="module")
def told(data):
    """{split: for each scene the sentences that the committed captions hold}."""
    return {split: sentences_of(data, split) for split in SPLITS}


def sentences_of(data, split):
    scenes = [[] for _ in data[f"{split}_scenes"]]
    for image, row in zip(data[f"{split}_image_idxs"], data[f"{split}_captions"]):
        words = [data["idx_to_word"][i] for i in row]
        scenes[image].append(" ".join(words[1 : words.index(END)]))
    return scenes


def decode_url(url):
    kind, code = url.split(",", 1)
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(code, validate=True))).convert("RGB")).astype(int)


# ---- the committed files --------------------------------------------------------------------------------------------


def test_files_have_cocos_names_shapes_and_dtypes():
    expected = {"coco2014_captions.h5", "coco2014_vocab.json"}
    for split in SPLITS:
        expected |= {f"{split}2014_{rest}" for rest in ("vgg16_fc7_pca.h5", "urls.txt", "scenes.json")}
    assert {path.name for path in MINI.iterdir()} == expected
    assert sum(path.stat().st_size for path in MINI.iterdir()) < 12e6
    with h5py.File(MINI / "coco2014_captions.h5") as file:
        assert set(file) == {f"{split}_{rest}" for split in SPLITS for rest in ("captions", "image_idxs")}
        for split, least in SPLITS.items():
            captions, images = file[f"{split}_captions"], file[f"{split}_image_idxs"]
            assert captions.shape == (5 * len(set(images[:])), 17) and images.shape == (len(captions),)
            assert captions.dtype == images.dtype == np.int32 and len(captions) >= 5 * least
            assert captions.chunks is None and captions.compression is None
    for split, least in SPLITS.items():
        with h5py.File(MINI / f"{split}2014_vgg16_fc7_pca.h5") as file:
            assert list(file) == ["features"] and file["features"].dtype == np.float32
            assert file["features"].shape[1:] == (512,) and len(file["features"]) >= least
            assert file["features"].chunks is None and file["features"].compression is None


def test_every_image_has_five_captions_a_url_a_scene_and_features(data):
    for split in SPLITS:
        count = np.bincount(data[f"{split}_image_idxs"])
        assert (count == 5).all()
        assert {len(data[f"{split}_{what}"]) for what in ("urls", "scenes", "features")} == {len(count)}


def test_vocabulary_is_small_complete_and_used(data, told):
    words = data["idx_to_word"]
    assert words[:4] == [NULL, START, END, UNK] and 60 <= len(words) <= 150 and len(set(words)) == len(words)
    assert data["word_to_idx"] == {word: i for i, word in enumerate(words)}
    in_training = {word for five in told["train"] for text in five for word in text.split()}
    assert in_training == set(words[4:])
    assert {word for five in told["val"] for text in five for word in text.split()} <= in_training


def test_rows_are_start_words_end_padding(data):
    null, start, end, unk = range(4)
    for split in SPLITS:
        rows = data[f"{split}_captions"]
        ends = (rows == end).argmax(axis=1)
        assert (rows[:, 0] == start).all() and ((rows == end).sum(axis=1) == 1).all()
        assert ((rows == start).sum(axis=1) == 1).all() and not (rows == unk).any()
        assert np.array_equal(rows == null, np.arange(17) > ends[:, None])
        assert (ends >= 4).all()  # "the cat is red" is as short as a sentence gets


def test_features_are_standardised_on_the_training_set(data):
    train, val = data["train_features"], data["val_features"]
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-3)
    assert np.isfinite(val).all() and 0.8 < val.std() < 1.2
    assert len(np.unique(np.concatenate([train, val]), axis=0)) == len(train) + len(val)


def test_scenes_are_of_the_stated_world(data):
    backgrounds, kinds, colours, numbers = (collections.Counter() for _ in range(4))
    for scene in [*data["train_scenes"], *data["val_scenes"]]:
        assert set(scene) == {"background", "seed", "things"}
        backgrounds[scene["background"]] += 1
        numbers[len(scene["things"])] += 1
        assert len({thing["kind"] for thing in scene["things"]}) == len(scene["things"])
        assert len({metrics.third(thing["x"]) for thing in scene["things"]}) == len(scene["things"])
        for thing in scene["things"]:
            assert set(thing) == {"kind", "colour", "size", "x", "y"} and thing["size"] in ("small", "large")
            assert 0 < thing["x"] < 128 and 0 < thing["y"] < 128
            kinds[thing["kind"]] += 1
            colours[thing["colour"]] += 1
    assert set(numbers) == {1, 2, 3} and len(backgrounds) >= 6 and len(kinds) >= 10 and len(colours) >= 6
    for counts in (backgrounds, kinds, colours):
        assert min(counts.values()) > 0.2 * sum(counts.values()) / len(counts)


def test_validation_holds_combinations_never_seen_in_training(data):
    def pairs(scene):
        return {(thing["kind"], thing["colour"]) for thing in scene["things"]}

    def facts(scene):
        things = sorted((t["kind"], t["colour"], t["size"]) for t in scene["things"])
        return (scene["background"], *things)

    trained_pairs = set().union(*map(pairs, data["train_scenes"]))
    new_pairs = [scene for scene in data["val_scenes"] if pairs(scene) - trained_pairs]
    assert not trained_pairs & tell_scenes.NEVER_IN_TRAINING
    assert all(pairs(scene) & tell_scenes.NEVER_IN_TRAINING for scene in new_pairs)
    assert len(new_pairs) >= 0.1 * len(data["val_scenes"])
    known = set(map(facts, data["train_scenes"]))
    assert sum(facts(scene) not in known for scene in data["val_scenes"]) >= 0.3 * len(data["val_scenes"])
    assert not set(data["train_urls"]) & set(data["val_urls"])


def test_five_sentences_of_a_scene_differ_and_vary(told):
    for split in SPLITS:
        assert all(len(set(five)) == 5 for five in told[split])
    everything = [text for five in told["train"] for text in five]
    openings = collections.Counter(text.split()[0] for text in everything)
    assert len(openings) >= 6 and len({len(text.split()) for text in everything}) >= 10
    assert len(set(everything)) > 0.4 * len(everything)


# ---- the builder ----------------------------------------------------------------------------------------------------


def test_builder_makes_the_committed_scenes_and_sentences_again(data, told):
    splits = build_captions.make_splits()
    assert {split: data[f"{split}_scenes"] for split in SPLITS} == splits
    assert build_captions.tell_splits(splits) == told
    assert build_captions.make_vocabulary(told)["idx_to_word"] == data["idx_to_word"]
    rows = [build_captions.encode(text, data["word_to_idx"]) for five in told["val"] for text in five]
    assert np.array_equal(rows, data["val_captions"][np.argsort(data["val_image_idxs"], kind="stable")])


@pytest.mark.parametrize("split", SPLITS)
def test_committed_pictures_show_their_scenes(data, split):
    urls, scenes = data[f"{split}_urls"][:20], data[f"{split}_scenes"][:20]
    committed = [decode_url(url) for url in urls]
    drawn = [np.asarray(draw_scenes.draw_scene(scene)) for scene in scenes]
    for url_pixels, picture in zip(committed, drawn):
        assert url_pixels.shape == picture.shape == (128, 128, 3)
        again = decode_url(build_captions.as_url(picture))
        # Encoders differ from one Pillow to the next, and drawing may by rounding; a wrong picture is far off (below).
        assert np.abs(url_pixels - again).mean() < 2
    others = [np.abs(a - b).mean() for i, a in enumerate(committed) for j, b in enumerate(drawn) if i != j]
    assert min(others) > 6


def test_committed_features_are_a_linear_map_of_the_activations(data):
    """The basis is too large to ship; a linear map learnt from the other scenes must foretell each scene's features."""
    scenes, features = data["val_scenes"][:24], data["val_features"][:24].astype(float)
    blocks = build_captions.activations([np.asarray(draw_scenes.draw_scene(scene)) for scene in scenes])
    scaled = [(b - b.mean(axis=0)) / (b.std(axis=0) + 0.05) / np.sqrt(b.shape[1]) for b in blocks]
    X = np.concatenate(scaled, axis=1).astype(float)
    assert agreement(X, features) > 0.2
    assert abs(agreement(X, np.roll(features, 1, axis=0))) < 0.1  # features of another scene are not foretold


def agreement(X, Z, ridge=0.1):
    """Mean correlation of each row of Z with its prediction from X, by ridge regression on the other rows."""
    kernel, found = X @ X.T, []
    for i in range(len(Z)):
        rest = np.delete(np.arange(len(Z)), i)
        damped = kernel[np.ix_(rest, rest)] + ridge * np.trace(kernel) / len(Z) * np.eye(len(rest))
        guess = kernel[i, rest] @ np.linalg.solve(damped, Z[rest] - Z[rest].mean(axis=0))
        found.append(np.corrcoef(guess, Z[i] - Z[rest].mean(axis=0))[0, 1])
    return np.mean(found)


def test_fit_features_spans_the_principal_components(monkeypatch):
    rng = np.random.RandomState(0)
    monkeypatch.setattr(build_captions, "NUM_FEATURES", 3)
    hidden = rng.randn(60, 3) * (5, 2, 1)
    blocks = [hidden @ rng.randn(3, 8) + 4, hidden @ rng.randn(3, 20) - 1]  # exactly three dimensions
    Z = build_captions.fit_features(blocks, num_train=40)
    assert Z.shape == (60, 3) and Z.dtype == np.float32
    np.testing.assert_allclose(Z[:40].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(Z[:40].std(axis=0), 1, atol=1e-5)
    design = np.column_stack([hidden, np.ones(60)])  # new rows too go through the one affine map fitted on the first
    left_over = Z - design @ np.linalg.lstsq(design[:40], Z[:40], rcond=None)[0]
    np.testing.assert_allclose(left_over, 0, atol=1e-4)


@pytest.fixture
def tiny(monkeypatch):
    """The builder cut down to 20 scenes and 6 features."""
    monkeypatch.setattr(build_captions, "COUNTS", {"train": 14, "val": 6})
    monkeypatch.setattr(build_captions, "NEW_PAIRS", 2)
    monkeypatch.setattr(build_captions, "NUM_FEATURES", 6)


def read_all(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if "fc7" not in path.name}


def test_building_twice_gives_the_same_files(tiny, tmp_path):
    for name in "ab":
        assert build_captions.main(["--out", str(tmp_path / name)]) == 0
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")
    first, second = (load_coco_data(tmp_path / name) for name in "ab")
    for split, n in (("train", 14), ("val", 6)):
        assert first[f"{split}_features"].shape == (n, 6) and first[f"{split}_captions"].shape == (5 * n, 17)
        np.testing.assert_allclose(first[f"{split}_features"], second[f"{split}_features"], atol=1e-4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]  # no scratch left behind


def test_a_failed_build_leaves_the_old_files(tiny, tmp_path, monkeypatch):
    out = tmp_path / "captions"
    out.mkdir()
    (out / "kept.txt").write_text("old")

    def fail(picture):
        raise OSError("disk full")

    monkeypatch.setattr(build_captions, "activations", lambda pictures: [np.random.RandomState(0).rand(20, 9)])
    monkeypatch.setattr(build_captions, "as_url", fail)
    with pytest.raises(OSError, match="disk full"):
        build_captions.main(["--out", str(out)])
    assert [path.name for path in tmp_path.iterdir()] == ["captions"] and (out / "kept.txt").read_text() == "old"


# ---- the renderer: does a picture show what its facts say? ----------------------------------------------------------


def draw_night(*things):
    return np.asarray(draw_scenes.draw_scene({"background": "night", "seed": 5, "things": list(things)})).astype(int)


@pytest.fixture(scope="module")
def empty():
    return draw_night()


def painted(empty, kind, colour, size="large", x=64):
    """What a thing changes in the picture of an empty night: its pixels (n, 3) and their columns (n,)."""
    foot = 62 if metrics.WHERE[kind] == "air" else 116
    full = draw_night({"kind": kind, "colour": colour, "size": size, "x": x, "y": foot})
    changed = np.abs(full - empty).max(axis=2) > 40
    return full[changed], np.nonzero(changed)[1]


@pytest.mark.parametrize("kind", metrics.KINDS)
def test_a_thing_has_its_colour(empty, kind):
    pure = {"red": (220, 40, 40), "yellow": (250, 220, 50), "green": (50, 160, 70), "blue": (40, 100, 220)}
    pure |= {"purple": (140, 70, 190), "white": (250, 250, 250)}
    assert set(pure) == set(metrics.COLOURS)
    drawn = {colour: painted(empty, kind, colour)[0] for colour in pure}

    def share(colour, of):
        return (np.abs(drawn[of] - pure[colour]).sum(axis=1) < 110).mean()

    for colour in pure:  # a tree's trunk or a wheel is the same in each picture, so the picture of its colour must win
        shares = {of: share(colour, of) for of in pure}
        assert max(shares, key=shares.get) == colour and shares[colour] > 0.15, (kind, colour, shares)


@pytest.mark.parametrize("kind", metrics.KINDS)
def test_a_thing_has_its_size_and_place(empty, kind):
    for x, side in ((30, "left"), (64, "middle"), (98, "right")):
        large, columns = painted(empty, kind, "yellow", "large", x)
        small, _ = painted(empty, kind, "yellow", "small", x)
        assert metrics.third(np.median(columns)) == side
        assert len(large) > 1.7 * len(small)


def test_drawing_depends_on_the_scene_alone(data):
    scene = data["train_scenes"][0]
    first = np.asarray(draw_scenes.draw_scene(scene))
    np.random.seed(3)
    assert np.array_equal(first, np.asarray(draw_scenes.draw_scene(json.loads(json.dumps(scene)))))
    assert not np.array_equal(first, np.asarray(draw_scenes.draw_scene(scene | {"seed": scene["seed"] + 1})))


# ---- the scorer -----------------------------------------------------------------------------------------------------


def thing(kind, colour, size, x):
    return {"kind": kind, "colour": colour, "size": size, "x": x, "y": 60}


SNOW = {"background": "snow", "things": [thing("cat", "red", "small", 24), thing("house", "blue", "large", 93)]}
BEACH = {
    "background": "beach",
    "things": [
        thing("boat", "green", "small", 23),
        thing("dog", "white", "small", 64),
        thing("bird", "blue", "large", 93),
    ],
}
CITY = {"background": "city", "things": [thing("car", "yellow", "large", 64)]}
JUDGED = [  # (scene, sentence, would a person looking at the scene call it true?)
    (SNOW, "a cat", True),
    (SNOW, "a red cat and a blue house in the snow", True),
    (SNOW, "a blue cat and a red house in the snow", False),
    (SNOW, "a red cat and a red house in the snow", False),
    (SNOW, "a kitten to the left of a big house", True),
    (SNOW, "a kitten to the right of a big house", False),
    (SNOW, "a large house right of a little red cat on a snowy day", True),
    (SNOW, "a house left of a cat", False),
    (SNOW, "a big red cat in winter", False),
    (SNOW, "the cat is red and the house is blue", True),
    (SNOW, "the cat is blue and the house is red", False),
    (SNOW, "the house is large", True),
    (SNOW, "the house is small", False),
    (SNOW, "a cat sitting next to a house", True),
    (SNOW, "a house stands in the snow", True),
    (SNOW, "a cat flying over a house", False),
    (SNOW, "a cat above a house", False),
    (SNOW, "a cat on the left and a house on the right", True),
    (SNOW, "a cat on the left and a house on the left", False),
    (SNOW, "there is a cat in the middle", False),
    (SNOW, "in winter there is a red cat near a blue house", True),
    (SNOW, "at night there is a red cat near a blue house", False),
    (SNOW, "a snowy day with a cat and a house", True),
    (SNOW, "a beach with a cat and a house", False),
    (SNOW, "a red cat alone in the snow", False),
    (SNOW, "a cat and a dog", False),
    (SNOW, "a cat and a cat", False),
    (SNOW, "a drawing of a house with a kitten", True),
    (BEACH, "a green boat with a white dog and a blue bird at the beach", True),
    (BEACH, "a green boat with a blue dog and a white bird at the beach", False),
    (BEACH, "a white dog between a green boat and a blue bird", True),
    (BEACH, "a green boat between a white dog and a blue bird", False),
    (BEACH, "a bird flying over the sea", True),
    (BEACH, "a dog standing on the sand", True),
    (BEACH, "a boat standing on the sand", False),
    (BEACH, "a boat sails on the sea", True),
    (BEACH, "a dog on the sea", False),
    (BEACH, "a dog under a large bird", True),
    (BEACH, "a dog over a large bird", False),
    (BEACH, "the sea with a boat and a puppy and a bird", True),
    (BEACH, "a boat next to a bird", False),
    (BEACH, "a white dog at night", False),
    (BEACH, "a white dog under the moon", False),
    (BEACH, "a white dog under the sun", True),
    (BEACH, "a boat on a lake", False),
    (CITY, "a yellow car alone in the city", True),
    (CITY, "a big yellow car is parked on a city street", True),
    (CITY, "a little yellow car parked in front of tall buildings", False),
    (CITY, "a yellow car in the sky", False),
    (CITY, "a green car in the city", False),
]
UNREADABLE = [
    "",
    "the",
    "in the snow",
    "red blue",
    "a snowy day with",
    "a cat on the",
    "a cat next to",
    "a cat and",
    "a red cat in the snow in the snow",
    "a red red cat",
    "a cat a house",
    "a cat is",
    "a cat is is red",
    "cat red a",
    "a <UNK> cat",
    "a cat in the <UNK>",
    "a zebra",
    "a cat and and a house",
    "a cat between a house",
    "a red cat , in the snow",
]


@pytest.mark.parametrize("scene, sentence, truth", JUDGED)
def test_scorer_agrees_with_a_person(scene, sentence, truth):
    assert is_true(sentence, scene) is truth, why_false(sentence, scene)
    assert bool(why_false(sentence, scene)) is not truth


@pytest.mark.parametrize("sentence", UNREADABLE)
def test_what_is_no_sentence_is_not_true(sentence):
    assert not is_true(sentence, SNOW)
    with pytest.raises(ValueError):
        scene_facts(sentence)


def test_every_committed_caption_is_true(data, told):
    for split in SPLITS:
        for scene, five in zip(data[f"{split}_scenes"], told[split]):
            for text in five:
                assert is_true(text, scene), (text, scene, why_false(text, scene))


OTHERS = {
    "background": {
        "meadow": ["in a meadow", "in a green field"],
        "beach": ["at the beach", "under the sun"],
        "snow": ["on a snowy day", "in winter"],
        "city": ["in the city", "in front of tall buildings"],
        "lake": ["at the lake", "in front of mountains"],
        "night": ["at night", "on a starry night"],
    },
    "kind": ["house", "tree", "car", "cat", "dog", "ball", "flower", "umbrella", "boat", "fish", "bird", "balloon"],
    "colour": ["red", "yellow", "green", "blue", "purple", "white"],
}
OPPOSITES = {"small": "large", "little": "big", "large": "small", "big": "little", "left": "right", "right": "left"}
UPSIDE_DOWN = {"above": "under", "below": "over"}  # "under" and "over" also speak of the moon and the sea


def changed(sentence, scene):
    """(what was changed, sentence with one fact word changed so that it is surely false), for each fact word.

    In a scene each kind of thing is there once, so another colour, size or side said of a kind is false of it.
    """
    words = sentence.split()
    present = {thing["kind"] for thing in scene["things"]}
    for i, word in enumerate(words):
        if words[max(i - 2, 0) : i] == ["in", "a"] and word == "green":
            continue  # "in a green field" is a background
        swaps = []
        if word in OTHERS["colour"]:
            swaps = [("colour", other) for other in OTHERS["colour"] if other != word]
        elif word in present:
            swaps = [("kind", other) for other in OTHERS["kind"] if other not in present][:4]
        elif word in OPPOSITES:
            swaps = [("size" if word not in ("left", "right") else "side", OPPOSITES[word])]
        elif word in UPSIDE_DOWN:
            swaps = [("height", UPSIDE_DOWN[word])]
        for what, other in swaps:
            yield what, " ".join([*words[:i], other, *words[i + 1 :]])
    own = OTHERS["background"][scene["background"]]
    for phrase, (name, others) in itertools.product(own, OTHERS["background"].items()):
        if phrase in sentence and name != scene["background"]:
            for other in others:
                yield "background", sentence.replace(phrase, other)


def test_a_changed_fact_word_makes_a_caption_false(data, told):
    tried = collections.Counter()
    for split in SPLITS:
        for scene, five in zip(data[f"{split}_scenes"][:600], told[split]):
            for what, wrong in itertools.chain.from_iterable(changed(text, scene) for text in five):
                if tried[what] == 5000:
                    continue  # enough of these; the rarer ones need all scenes
                assert scene_facts(wrong)  # it reads well: it is false for what it states
                assert not is_true(wrong, scene), (what, wrong, scene)
                tried[what] += 1
    assert all(tried[what] > 30 for what in ("colour", "kind", "size", "side", "height", "background")), tried


def test_true_of_one_scene_is_seldom_true_of_another(data, told):
    firsts = [five[0] for five in told["val"]]
    assert share_true(firsts, data["val_scenes"]) == 1
    assert share_true(firsts, np.roll(data["val_scenes"], 1).tolist()) < 0.1


def test_special_tokens_are_passed_over():
    assert plain("<START> a cat <END> <NULL> <NULL> a dog") == "a cat"
    assert is_true("<START> a red cat <END> <NULL>", SNOW) and not is_true("<START> a <UNK> cat <END>", SNOW)


@pytest.mark.parametrize(
    "sentence, reason",
    [
        ("a blue cat in the snow", "the cat is not blue"),
        ("a dog in the snow", "there is no dog"),
        ("a cat at night", "not at night"),
        ("a cat with a house and a dog", "names 3 things"),
        ("a cat in the <UNK>", "cannot read 'in the <UNK>'"),
    ],
)
def test_why_false_names_the_fault(sentence, reason):
    assert reason in why_false(sentence, SNOW)


def test_share_true_counts():
    assert share_true(["a cat", "a dog", "a red cat", "a cat on"], [SNOW] * 4) == 0.5


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: share_true(["a cat"], []), ValueError, "1 sentences for 0 scenes"),
        (lambda: share_true([], []), ValueError, "no sentences"),
        (lambda: is_true(7, SNOW), TypeError, "must be a string"),
        (lambda: is_true("a cat", {"things": []}), ValueError, "no scene"),
        (lambda: is_true("a cat", None), ValueError, "no scene"),
        (lambda: is_true("a cat", SNOW | {"background": "moon"}), ValueError, "do not know"),
        (lambda: bleu("a cat", [["a cat"]]), TypeError, "list of candidates"),
        (lambda: bleu(["a cat"], ["a cat"]), TypeError, r"references\[0\] is a string"),
        (lambda: bleu(["a cat"], [[]]), ValueError, r"references\[0\] is empty"),
        (lambda: bleu(["a cat"], [["a"], ["b"]]), ValueError, "1 candidates for 2"),
        (lambda: bleu([], []), ValueError, "no candidates"),
        (lambda: bleu(["a"], [["a"]], n=5), ValueError, "n must be"),
        (lambda: bleu([3], [["a"]]), TypeError, "must be a string"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


# ---- BLEU -----------------------------------------------------------------------------------------------------------


def papineni(candidates, references, n):
    """BLEU by its definition (Papineni et al. 2002, sections 2.1 and 2.3), written without sacrebleu."""

    def grams(words, k):
        return collections.Counter(tuple(words[i : i + k]) for i in range(len(words) - k + 1))

    length = closest = 0
    matches, totals = [0] * n, [0] * n
    for candidate, several in zip(candidates, references):
        words, texts = candidate.split(), [text.split() for text in several]
        length += len(words)
        closest += min((abs(len(text) - len(words)), len(text)) for text in texts)[1]
        for k in range(n):
            most = collections.Counter()
            for text in texts:
                most |= grams(text, k + 1)
            matches[k] += (grams(words, k + 1) & most).total()
            totals[k] += grams(words, k + 1).total()
    if not all(matches):
        return 0.0
    precision = math.exp(sum(math.log(m / t) for m, t in zip(matches, totals)) / n)
    return precision * min(1, math.exp(1 - closest / length))


def test_bleu_by_hand():
    assert bleu(["a b c d e"], [["a b c d f"]]) == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert bleu(["a b"], [["a b c"]], n=1) == pytest.approx(math.exp(1 - 3 / 2))  # the brevity penalty
    assert bleu(["a a a"], [["a b c"]], n=1) == pytest.approx(1 / 3)  # clipped counts
    assert bleu(["a b c d"], [["w x y z", "a b c d"]]) == 1
    assert bleu(["a b c d"], [["d c b a"]]) == 0
    assert bleu(["<START> a b c d <END> e"], [["<START> a b c d <END> <NULL>"]]) == 1


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_bleu_equals_its_definition(n, told):
    rng = np.random.RandomState(n)
    candidates = [five[0] for five in told["val"][:60]]
    references = [list(five[1 : 2 + rng.randint(4)]) for five in told["val"][:60]]  # one to four references
    assert len({len(several) for several in references}) > 2
    assert bleu(candidates, references, n) == pytest.approx(papineni(candidates, references, n), rel=1e-9)
    mixed = rng.permutation(candidates).tolist()
    assert bleu(mixed, references, n) == pytest.approx(papineni(mixed, references, n), rel=1e-9)


# ---- score_captions -------------------------------------------------------------------------------------------------


class Parrot:
    """A model that says the first committed caption of the image it is shown, or the same words of every image."""

    def __init__(self, data, words=None):
        self.data, self.words = data, words

    def sample(self, features):
        rows = []
        for feature in features:
            image = np.abs(self.data["val_features"] - feature).sum(axis=1).argmin()
            rows.append(self.data["val_captions"][self.data["val_image_idxs"] == image][0])
        if self.words is not None:
            rows = [build_captions.encode(self.words, self.data["word_to_idx"]) for _ in features]
        return np.array(rows, dtype=np.int32)


def test_score_captions_knows_right_from_wrong(data):
    right = score_captions(Parrot(data), data, "val", num_images=20)
    assert right["share_true"] == 1 and right["BLEU-4"] == pytest.approx(1) and all(right["true"])
    assert len(right["captions"]) == len(right["urls"]) == 20 and right["urls"][0] == data["val_urls"][0]
    wrong = score_captions(Parrot(data, "a car under a fish"), data, "val", num_images=20)
    assert wrong["share_true"] == 0 and wrong["BLEU-4"] < 0.1
    without = score_captions(Parrot(data), {k: v for k, v in data.items() if "scenes" not in k}, num_images=5)
    assert math.isnan(without["share_true"]) and set(without["true"]) == {None}


def test_scorer_needs_neither_torch_nor_tools():
    code = "import sys, cs231n.scores.captions; sys.exit(any(m in sys.modules for m in ('torch', 'tools')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_decoded_captions_go_straight_into_the_scorer(data):
    sentences = decode_captions(data["val_captions"][:10], data["idx_to_word"])
    assert re.search("<END>", sentences[0])
    assert share_true(sentences, [data["val_scenes"][i] for i in data["val_image_idxs"][:10]]) == 1
