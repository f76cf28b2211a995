"""Style transfer: losses against plain formulas, the descent against the published one, and pictures of every kind."""

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.style_transfer import gradient_error, prepare, published_descent, published_objective
from cs231n import style_transfer_pytorch as st
from cs231n.classifiers.squeezenet import load_squeezenet
from cs231n.datasets.style_pictures import PAINTED, PHOTOS, photo_path, style_path


@pytest.fixture(scope="module")
def cnn():
    return load_squeezenet("cpu").features


def random_tensor(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (2, 70, 3, 7), (1, 130, 1, 1)])
def test_gram_matrix_and_its_gradient(shape):
    F, upstream = random_tensor(*shape).requires_grad_(), random_tensor(shape[0], shape[1], shape[1], seed=1)
    plain = torch.einsum("nchw,ndhw->ncd", F, F) / F[0].numel()
    (expected,) = torch.autograd.grad(plain, F, upstream)
    gram = st.gram_matrix(F)
    (got,) = torch.autograd.grad(gram, F, upstream)
    torch.testing.assert_close(gram, plain, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(st.gram_matrix(F, normalize=False), plain * F[0].numel(), rtol=1e-12, atol=1e-12)


def test_tv_loss_is_the_sum_over_neighbours():
    img = random_tensor(1, 3, 4, 6)
    expected = sum(
        (img[0, c, i, j] - img[0, c, k, m]) ** 2
        for c in range(3) for i in range(4) for j in range(6) for k, m in ((i + 1, j), (i, j + 1)) if k < 4 and m < 6
    )  # fmt: skip
    assert abs(st.tv_loss(img, 0.5).item() - 0.5 * expected.item()) < 1e-10


def test_objective_has_the_textbook_gradient(cnn):
    content, *rest = prepare(cnn, "cat", "the_scream", 64)
    task = content, *rest
    assert gradient_error(content, st.transfer_objective(*task), published_objective(*task)) < 1e-4


@pytest.mark.parametrize("pair", [("cat", "the_scream"), ("rocket", "starry_night")])
def test_ends_well_below_the_published_schedule(cnn, pair):
    content, *rest = prepare(cnn, *pair, 48)
    plain = published_objective(content, *rest)
    ours, losses = st.descend(content, st.transfer_objective(content, *rest), 200, 0.3, quiet=True)
    published = published_descent(content, plain, 200)
    with torch.no_grad():
        assert plain(ours) < 0.8 * plain(published)
    assert losses[-1] < losses[0] and len(losses) == 200
    assert bool((ours >= st.BLACK).all() and (ours <= st.WHITE).all())


def test_content_alone_comes_back_to_the_photo_and_model_stays(cnn):
    before = {name: value.clone() for name, value in cnn.state_dict().items()}
    pictures = photo_path("cat"), style_path("mosaic"), 48, 48
    weight = st.even_weights(*pictures, 1, [], cnn=cnn)["content_weight"]
    image, _ = st.style_transfer(*pictures, 1, weight, [1], [0], 0, True, cnn=cnn, num_iters=300, quiet=True)
    photo = np.asarray(st.deprocess(st.preprocess(photo_path("cat"), 48)), dtype=float)
    assert np.corrcoef(np.asarray(image).ravel(), photo.ravel())[0, 1] > 0.9
    assert all(torch.equal(value, before[name]) for name, value in cnn.state_dict().items())
    assert not any(p.requires_grad or p.grad is not None for p in cnn.parameters())


def test_features_survive_the_layers_that_write_in_place(cnn):
    x = st.preprocess(photo_path("coffee"), 48)
    feats = st.extract_features(x, cnn)
    assert feats[0].min() < 0  # the ReLU after it would have cut this off
    torch.testing.assert_close(feats[1], feats[0].relu())


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "CMYK"])
def test_pictures_of_every_mode(mode, tmp_path):
    image = Image.fromarray(np.arange(40 * 50, dtype=np.uint8).reshape(40, 50)).convert("L" if mode == "I;16" else mode)
    assert st.preprocess(image, 32).shape == (1, 3, 32, 40)


@pytest.mark.parametrize("size", [(1, 40), (40, 1)])
def test_one_pixel_wide(size):
    assert min(st.preprocess(Image.new("RGB", size), 2).shape[2:]) == 2


def test_bad_pictures_are_refused(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match="photo.png"):
        st.preprocess(path)
    (tmp_path / "page.jpg").write_text("<html>not found</html>")
    with pytest.raises(ValueError, match="web page"):
        st.preprocess(tmp_path / "page.jpg")
    with pytest.raises(FileNotFoundError):
        st.preprocess(tmp_path / "nothing.jpg")
    with pytest.raises(ValueError, match="smaller size"):
        st.preprocess(Image.new("L", (20000, 10)), 512)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style_weights": [1.0]}, "1 style_weights"),
        ({"style_layers": [1, 40]}, "no layer 40"),
        ({"content_layer": 13}, "no layer 13"),
        ({"content_weight": float("nan")}, "content_weight is nan"),
        ({"tv_weight": -1}, "tv_weight is -1"),
        ({"image_size": 2}, "image_size"),
        ({"num_iters": 0}, "num_iters"),
    ],
)
def test_bad_arguments_are_named(cnn, changes, message):
    arguments = {
        "content_image": photo_path("cat"), "style_image": style_path("mosaic"), "image_size": 48, "style_size": 48,
        "content_layer": 1, "content_weight": 1.0, "style_layers": [1, 4], "style_weights": [1.0, 1.0],
        "tv_weight": 0.1, "cnn": cnn, "num_iters": 1, "quiet": True,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        st.style_transfer(**{**arguments, **changes})


def test_all_named_pictures_are_there():
    assert all(photo_path(name).is_file() for name in PHOTOS)
    assert all(style_path(name).is_file() for name in PAINTED)
    with pytest.raises(ValueError, match="there is no photo"):
        photo_path("unicorn")


def test_a_painting_is_painted_again_as_committed():
    from tools import paint_styles

    again = np.asarray(paint_styles.stained_glass().convert("RGB"), dtype=float)
    committed = np.asarray(Image.open(style_path("stained_glass")).convert("RGB"), dtype=float)
    assert np.abs(again - committed).mean() < 6  # JPEG
