"""The idioms against plain loops and torch, in float64, and at their edges."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from cs231n.idioms import accumulate_rows, conv_transpose, image_from_bytes, masked_mean, select_scores

RNG = np.random.default_rng(0)


def normal(*shape, dtype=np.float64):
    return RNG.normal(size=shape).astype(dtype)


def tensor(*shape):
    return torch.from_numpy(normal(*shape)).requires_grad_()


# select_scores


@pytest.mark.parametrize("N, C", [(1, 4), (5, 3), (6, 1), (1, 1), (0, 3)])
def test_select_scores_and_their_gradient(N, C):
    s, y = tensor(N, C), torch.from_numpy(RNG.integers(0, C, N))
    selected = select_scores(s, y)
    assert selected.shape == (N,)
    torch.testing.assert_close(selected, s[torch.arange(N), y], rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(selected.sum(), s)
    torch.testing.assert_close(gradient, F.one_hot(y, C).double(), rtol=0, atol=0)


@pytest.mark.parametrize("label", [3, -1])
def test_select_scores_refuses_a_label_that_is_no_class(label):
    with pytest.raises(RuntimeError, match="out of bounds"):
        select_scores(tensor(2, 3), torch.tensor([0, label]))


# accumulate_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("M, D, num_rows", [(200, 7, 11), (3, 2, 50), (1, 1, 1), (0, 4, 3)])
def test_accumulate_rows(M, D, num_rows, dtype):
    rows, index = (10 * normal(M, D)).astype(dtype), RNG.integers(0, num_rows, M)
    sums = accumulate_rows(rows, index, num_rows)
    expected = np.stack([rows[index == i].sum(axis=0) for i in range(num_rows)])
    assert sums.dtype == dtype and isinstance(sums, np.ndarray)
    np.testing.assert_allclose(sums, expected, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-4)


@pytest.mark.parametrize("bad", [5, -1])
def test_accumulate_rows_refuses_an_index_out_of_range(bad):
    with pytest.raises(ValueError, match="index"):
        accumulate_rows(normal(2, 3), np.array([0, bad]), 5)


# masked_mean


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("N, T, D", [(4, 6, 3), (1, 1, 1), (1, 5, 2), (2, 0, 3)])
def test_masked_mean(N, T, D, dtype):
    x, mask = normal(N, T, D, dtype=dtype), RNG.random((N, T)) < 0.5
    mask[:1] = True
    mean = masked_mean(x, mask)
    expected = [x[n, mask[n]].mean(axis=0) if mask[n].any() else np.zeros(D) for n in range(N)]
    assert mean.dtype == dtype
    np.testing.assert_allclose(mean, expected, rtol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("hidden", [0.0, np.nan, np.inf])
def test_masked_mean_of_an_empty_mask_is_zero(hidden):
    mean = masked_mean(np.full((3, 4, 2), hidden), np.zeros((3, 4), dtype=bool))
    assert np.array_equal(mean, np.zeros((3, 2)))


# conv_transpose

SETTINGS = [(1, 0, 1), (1, 0, 3), (1, 1, 3), (2, 0, 2), (2, 1, 4), (3, 0, 2), (3, 2, 5)]  # stride, padding, K


@pytest.mark.parametrize("stride, padding, K", SETTINGS)
@pytest.mark.parametrize("N, C, Fs, H, W", [(1, 1, 1, 3, 3), (2, 3, 4, 4, 5)])
def test_conv_transpose_is_torchs(N, C, Fs, H, W, stride, padding, K):
    x, weight = tensor(N, C, H, W), tensor(C, Fs, K, K)
    out = conv_transpose(x, weight, stride, padding)
    expected = F.conv_transpose2d(x, weight, stride=stride, padding=padding)
    assert out.shape == (N, Fs, (H - 1) * stride + K - 2 * padding, (W - 1) * stride + K - 2 * padding)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    upstream = torch.from_numpy(normal(*out.shape))
    ours, theirs = (torch.autograd.grad(o, (x, weight), upstream) for o in (out, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("stride, padding, K", SETTINGS)
def test_conv_transpose_is_the_backward_pass_of_a_convolution(stride, padding, K):
    dout, weight = tensor(2, 3, 3, 4).detach(), tensor(3, 2, K, K).detach()
    image = tensor(2, 2, *((side - 1) * stride + K - 2 * padding for side in (3, 4)))
    (gradient,) = torch.autograd.grad(F.conv2d(image, weight, stride=stride, padding=padding), image, dout)
    torch.testing.assert_close(conv_transpose(dout, weight, stride, padding), gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stride, padding, K", [(1, 0, 2), (2, 1, 3)])
def test_conv_transpose_gradients(stride, padding, K):
    def function(x, weight):
        return conv_transpose(x, weight, stride, padding)

    inputs = tensor(1, 2, 2, 3), tensor(2, 2, K, K)
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_conv_transpose_keeps_float32_and_its_arguments():
    x, weight = tensor(1, 2, 3, 3).float(), tensor(2, 1, 2, 2).float()
    before = x.clone(), weight.clone()
    assert conv_transpose(x, weight).dtype == torch.float32
    assert torch.equal(x, before[0]) and torch.equal(weight, before[1])


@pytest.mark.parametrize("padding", [2, 3])
def test_conv_transpose_refuses_to_cut_everything_off(padding):
    with pytest.raises(ValueError, match="padding"):
        conv_transpose(tensor(1, 1, 2, 3), tensor(1, 1, 3, 3), padding=padding)


def test_conv_transpose_refuses_other_channels():
    with pytest.raises(RuntimeError):
        conv_transpose(tensor(1, 2, 3, 3), tensor(3, 1, 2, 2))


# image_from_bytes


def encoded(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


PIXELS = RNG.integers(0, 256, (7, 11, 3), dtype=np.uint8)


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF"])
def test_image_from_bytes_gives_back_the_pixels(format):
    image = image_from_bytes(encoded(Image.fromarray(PIXELS), format))
    assert image.dtype == np.uint8 and image.flags.writeable
    assert np.array_equal(image, PIXELS)


def test_image_from_bytes_reads_jpeg():
    image = image_from_bytes(encoded(Image.new("RGB", (16, 8), (200, 30, 60)), "JPEG", quality=95))
    assert image.shape == (8, 16, 3) and np.abs(image.astype(int) - (200, 30, 60)).max() <= 3


def test_image_from_bytes_makes_grey_rgb():
    image = image_from_bytes(encoded(Image.fromarray(PIXELS[:, :, 0])))
    assert np.array_equal(image, PIXELS[:, :, [0, 0, 0]])


def test_image_from_bytes_lays_transparency_on_white():
    alpha = np.zeros((7, 11, 1), dtype=np.uint8)
    alpha[:3] = 255
    image = image_from_bytes(encoded(Image.fromarray(np.concatenate((PIXELS, alpha), axis=2))))
    assert np.array_equal(image[:3], PIXELS[:3]) and (image[3:] == 255).all()


def test_image_from_bytes_writes_no_file(monkeypatch):
    data = encoded(Image.fromarray(PIXELS))
    monkeypatch.setattr("builtins.open", lambda *args, **kwargs: pytest.fail("a file was opened"))
    monkeypatch.setattr("tempfile._mkstemp_inner", lambda *args: pytest.fail("a temporary file was made"))
    assert np.array_equal(image_from_bytes(data), PIXELS)


@pytest.mark.parametrize("data", [b"", b"no picture", b"<!doctype html><html></html>", b"\x89PNG\r\n\x1a\n"])
def test_image_from_bytes_refuses_what_is_no_image(data):
    with pytest.raises(ValueError, match=f"^{len(data)} bytes that cannot be read as an image: .") as caught:
        image_from_bytes(data)
    assert "BytesIO" not in str(caught.value)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP"])
@pytest.mark.parametrize("kept", [0.3, 0.5, 0.9])
def test_image_from_bytes_refuses_a_file_cut_short(format, kept):
    data = encoded(Image.fromarray(RNG.integers(0, 256, (60, 80, 3), dtype=np.uint8)), format)
    with pytest.raises(ValueError, match="cannot be read as an image: ."):
        image_from_bytes(data[: int(kept * len(data))])


def test_image_from_bytes_wants_bytes():
    with pytest.raises(TypeError):
        image_from_bytes("picture.png")
