"""The figures: what is drawn how, and that each carries a description, in the notebooks too."""

import base64
import io
import json
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from jupyterlab_server.config import get_federated_extensions
from PIL import Image

from cs231n import figures
from tools import lab

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ("RNN", "LSTM", "NetworkVisualization", "StyleTransfer", "GANs", "extras")
PHOTO = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
MAP = np.arange(12.0).reshape(3, 4)


def images_of(name):
    """(cell, media type, its metadata) of every image among a notebook's outputs."""
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        for output in cell.get("outputs", []):
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    yield number, kind, output["metadata"].get(kind, {})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_figure_of_a_notebook_is_described(name):
    without = {number for number, _, metadata in images_of(name) if len(metadata.get("alt", "")) < 20}
    assert not without, f"cells whose figure has no description: {sorted(without)}"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_two_descriptions_of_a_notebook_are_alike(name):
    told = [metadata.get("alt") for _, _, metadata in images_of(name)]
    assert told and len(set(told)) == len(told), [text for text in told if told.count(text) > 1]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_figure_is_wider_than_a_page(name):
    assert all(metadata.get("width", 0) <= 860 for _, _, metadata in images_of(name))


@pytest.fixture
def shown(monkeypatch):
    """[(figure, description)] of what is drawn, in place of showing it."""
    seen = []
    for module in ("captions", "curves", "grids"):
        monkeypatch.setattr(f"cs231n.figures.{module}.show", lambda figure, alt: seen.append((figure, alt)))
    yield seen
    plt.close("all")


@pytest.fixture
def published(monkeypatch):
    """[(data, metadata)] of what a notebook is given, with its backend in use."""
    seen = []
    before = matplotlib.get_backend()
    monkeypatch.setattr("IPython.display.display", lambda data, metadata, raw: seen.append((data, metadata)))
    matplotlib.use("module://matplotlib_inline.backend_inline")
    yield seen
    matplotlib.use(before)


@pytest.mark.parametrize("picture, kind", [(MAP, "image/png"), (PHOTO, "image/jpeg")])
def test_a_notebook_gets_a_sharp_image_and_its_description(published, picture, kind):
    figures.show_grid([[picture]], alt='One of "them",\n  drawn')
    ((data, metadata),) = published
    assert data.keys() == {kind, "text/plain"} and metadata.keys() == {kind}
    assert metadata[kind]["alt"] == 'One of "them", drawn'
    image = Image.open(io.BytesIO(base64.b64decode(data[kind])))
    assert abs(image.width - 2 * metadata[kind]["width"]) <= 1 and abs(image.height - 2 * metadata[kind]["height"]) <= 1
    assert not plt.get_fignums()


def test_elsewhere_a_figure_is_shown_by_matplotlib(monkeypatch):
    calls = []
    monkeypatch.setattr(plt, "show", lambda: calls.append(plt.get_fignums()))
    figures.show(plt.figure(), "nothing yet")
    assert len(calls) == 1 and len(calls[0]) == 1 and not plt.get_fignums()


@pytest.mark.parametrize("alt", [None, "", "  "])
def test_a_figure_without_a_description_is_refused(alt):
    with pytest.raises(ValueError, match="needs a description"):
        figures.show(plt.figure(), alt)
    plt.close("all")


def test_numbers_are_drawn_as_squares_and_photographs_smoothly(shown):
    figures.show_grid([[MAP, PHOTO, Image.fromarray(PHOTO)]])
    figures.show_captions([PHOTO], ["a dot"])
    drawn = [axis.images[0].get_interpolation() for figure, _ in shown for axis in figure.axes if axis.images]
    assert drawn == ["nearest", "hanning", "hanning", "hanning"]


def test_a_mask_keeps_its_two_values(published):
    """Smoothing draws a dotted diagonal that is not there."""
    figures.show_grid([[np.tril(np.ones((20, 20)))]], cmap="gray")
    ((data, _),) = published
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("L"))
    below = image[image.shape[0] // 2 :, : image.shape[1] // 4]
    assert (below[:-10, 10:] == 255).all()


def test_no_grid_appears_in_a_fine_map(published):
    """Squares of one or two pixels each would be seen as stripes."""
    figures.show_grid([[np.indices((224, 224))[1] % 2] * 5], cmap="gray")
    ((data, _),) = published
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("L")).astype(float)
    row = image[image.shape[0] // 2, 40:320]
    means = np.convolve(row, np.ones(20) / 20, mode="valid")
    assert np.ptp(means) < 16, "of 255"


def test_descriptions_are_made_of_the_data(shown):
    figures.show_captions([PHOTO] * 3, ["a dog", "a cat", "a hat"], [True, False, None])
    figures.plot_losses({"RNN": [40.0, 8.0, 4.2]}, {"RNN": [5.0, 4.5]})
    figures.plot_scores({"a": {"k": 0.5}, "b": {"k": 2.0}}, k=("distance", ".1f"))
    figures.show_grid([[MAP, MAP]], ["noise", "mask"], ["row"])
    captions, losses, scores, grid = (alt for _, alt in shown)
    assert "3 pictures" in captions and "“a dog” (true); “a cat” (not true); “a hat”." in captions
    assert "RNN goes from 40 to 4.2 in 3 iterations, on validation data from 5 to 4.5" in losses
    assert "distance: a 0.5, b 2.0" in scores
    assert "2 maps" in grid and "noise; mask" in grid


def test_an_attention_map_says_where_each_word_looked(shown):
    weights = np.full((2, 9), 0.05)
    weights[0, 0] = weights[1, 4] = 0.6
    figures.show_attention(PHOTO, ["red", "ball"], weights)
    ((figure, alt),) = shown
    assert "“red” at the upper left; “ball” in the middle" in alt
    assert np.array_equal(figure.axes[0].images[0].get_array(), PHOTO), "the picture as it is comes first"


def test_true_and_false_differ_by_a_sign_too(shown):
    figures.show_captions([PHOTO] * 2, ["a dog", "a cat"], np.array([True, False]))
    assert [axis.texts[0].get_text() for axis in shown[0][0].axes[:2]] == ["✓ a dog", "✗ a cat"]


def test_a_table_of_fits_frames_what_is_true(shown):
    scores, marks = np.array([[0.9, 0.1], [-0.2, 0.7], [0.8, 0.3]]), np.array([[1, 0], [0, 1], [1, 0]]) == 1
    figures.show_similarities([PHOTO] * 2, ["a dog", "a cat", "the dog is red"], scores, marks)
    ((figure, alt),) = shown
    (axis,) = figure.axes
    frames = {(round(patch.get_y() + 0.46), round(patch.get_x() + 0.46)) for patch in axis.patches}
    assert frames == {(0, 0), (1, 1), (2, 0)}
    assert [text.get_text() for text in axis.texts] == ["0.90", "0.10", "-0.20", "0.70", "0.80", "0.30"]
    assert "0.80 on average where a caption is true" in alt and "“the dog is red” fits picture 1 best" in alt


def test_the_start_of_a_loss_does_not_press_the_rest_flat(shown):
    losses = [40.0, 20.0, *np.linspace(6, 4, 98)]
    figures.plot_losses({"RNN": losses})
    axis = shown[0][0].axes[0]
    assert axis.get_ylim()[1] < 7 and "begins at 40" in axis.texts[0].get_text()


def test_the_running_mean_does_not_trail(shown):
    figures.plot_losses({"a line": np.arange(1000.0)})
    thick = shown[0][0].axes[0].lines[1]
    assert np.allclose(thick.get_xdata(), thick.get_ydata())


def test_text_is_large_enough_and_a_figure_no_wider_than_a_page(shown):
    figures.show_captions([PHOTO] * 4, ["a dog"] * 4)
    figures.show_attention(PHOTO, ["a"] * 12, np.ones((12, 9)))
    figures.show_similarities([PHOTO] * 2, ["a dog", "a cat"], np.ones((2, 2)), np.eye(2) == 1)
    figures.plot_losses({"a": [2.0, 1.0]}, {"a": [1.0]})
    figures.plot_scores({"a": {"k": 0.5}}, k=("distance", ".1f"))
    figures.show_grid([[PHOTO] * 5] * 2, ["title"] * 5, ["one", "two"], size=9)
    for figure, _ in shown:
        texts = [text for text in figure.findobj(matplotlib.text.Text) if text.get_text()]
        assert texts and min(text.get_fontsize() for text in texts) >= 9
        assert figure.get_figwidth() <= 8.7


def test_jupyterlab_finds_the_extension_that_shows_descriptions():
    """It draws images without them; `make lab` tells it of ours."""
    found = get_federated_extensions([str(ROOT / "tools" / "labextensions")])
    load = found["alternative-text"]["jupyterlab"]["_build"]["load"]
    script = (ROOT / "tools" / "labextensions" / "alternative-text" / load).read_text(encoding="utf-8")
    assert '_JUPYTERLAB["alternative-text"]' in script
    assert f"--LabServerApp.extra_labextensions_path={ROOT / 'tools' / 'labextensions'}" in lab.flags()
