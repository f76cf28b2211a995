"""Pictures in and out: normalisation, blur, files, and URLs of every kind and in every state of ruin."""

import base64
import io
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import warnings
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as tv

from cs231n import image_utils
from cs231n.image_utils import (
    SQUEEZENET_MEAN,
    SQUEEZENET_STD,
    blur_image,
    deprocess_image,
    image_from_url,
    load_image,
    preprocess_image,
)

RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]


def encode(image, kind="PNG", **options):
    """The bytes of a file of that kind, from an array or a Pillow image."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(out := io.BytesIO(), kind, **options)
    return out.getvalue()


def data_url(data, mime="image/png"):
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def photo(height=20, width=30):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def two_halves(height, width):
    """Red on the left, blue on the right."""
    img = np.empty((height, width, 3), np.uint8)
    img[:, : width // 2], img[:, width // 2 :] = RED, BLUE
    return img


def no_image(url, match, **options):
    """The placeholder for that URL, with exactly one warning, which matches."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        img = image_from_url(url, **options)
    assert [w.category for w in caught] == [UserWarning]
    assert caught[0].filename == __file__  # the warning points at the caller
    assert match in str(caught[0].message)
    assert img.dtype == np.uint8 and img.ndim == 3 and img.shape[2] == 3
    assert len(np.unique(img.reshape(-1, 3), axis=0)) > 20  # drawn letters, not a plain area
    return img


def one_image(url, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        img = image_from_url(url, **options)
    assert img.dtype == np.uint8 and img.ndim == 3 and img.shape[2] == 3 and img.flags.writeable
    return img


# Normalisation and blur


def test_module_works_without_torch():
    code = "import sys, cs231n.image_utils; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_preprocess_equals_torchvision(dtype):
    img = photo()
    expected = tv.normalize(tv.to_tensor(img), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    got = preprocess_image(img.astype(dtype))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected.permute(1, 2, 0).numpy(), rtol=0, atol=1e-6)


def test_constants_are_float32_rgb():
    for constant in (SQUEEZENET_MEAN, SQUEEZENET_STD):
        assert constant.dtype == np.float32 and constant.shape == (3,)


def test_deprocess_gives_every_byte_back():
    every_byte = np.stack([np.arange(256, dtype=np.uint8)] * 3, axis=-1)[None]
    assert np.array_equal(deprocess_image(preprocess_image(every_byte)), every_byte)
    batch = np.stack([photo(), photo()[::-1]])
    assert np.array_equal(deprocess_image(preprocess_image(batch)), batch)


def test_deprocess_clips_what_is_out_of_range():
    img = preprocess_image(np.array([[[-300.0, 128.0, 900.0]]]))
    assert deprocess_image(img).tolist() == [[[0, 128, 255]]]


def test_deprocess_rescale_stretches_all_channels_alike():
    faint = np.array([[[100.0, 110.0, 120.0]]])
    assert deprocess_image(preprocess_image(faint), rescale=True).tolist() == [[[0, 128, 255]]]


def test_deprocess_rescale_leaves_a_plain_image_plain():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for level in range(256):  # on some levels rounding leaves a spread, on others none
            plain = np.full((2, 2, 3), level, np.uint8)
            assert np.array_equal(deprocess_image(preprocess_image(plain), rescale=True), plain)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_deprocess_names_values_that_are_no_colours(value):
    img = preprocess_image(photo())
    img[3, 4, 1] = value
    with pytest.raises(ValueError, match="nan or inf"):
        deprocess_image(img)


@pytest.mark.parametrize("shape", [(), (4, 4), (3, 8, 8), (8, 8, 4)])
def test_wrong_shapes_are_named(shape):
    for function in (preprocess_image, deprocess_image):
        with pytest.raises(ValueError, match=r"\(H, W, 3\)"):
            function(np.zeros(shape))


def test_normalisation_leaves_its_argument_alone():
    for function in (preprocess_image, deprocess_image):
        img = photo().astype(np.float32) / 255
        before = img.copy()
        function(img)
        assert np.array_equal(img, before)


def test_blur_equals_a_depthwise_convolution():
    X = np.random.default_rng(1).standard_normal((2, 3, 9, 7))
    before = X.copy()
    kernel = torch.tensor([[1, 2, 1], [2, 188, 2], [1, 2, 1]], dtype=torch.float64).expand(3, 1, 3, 3) / 200
    padded = torch.nn.functional.pad(torch.from_numpy(X), (1, 1, 1, 1), mode="replicate")
    expected = torch.nn.functional.conv2d(padded, kernel, groups=3).numpy()
    np.testing.assert_allclose(blur_image(X), expected, rtol=0, atol=1e-12)
    assert np.array_equal(X, before)


@pytest.mark.parametrize("dtype, expected", [(np.uint8, np.float32), (np.float32, np.float32)])
def test_blur_keeps_plain_images_and_dtype(dtype, expected):
    plain = np.full((1, 3, 5, 6), 200, dtype)
    assert blur_image(plain).dtype == expected
    np.testing.assert_allclose(blur_image(plain), plain, rtol=1e-6)


@pytest.mark.parametrize("shape", [(5, 5, 3), (2, 8, 8, 3), (3, 8, 8)])
def test_blur_names_a_wrong_shape(shape):
    with pytest.raises(ValueError, match="channels first"):
        blur_image(np.zeros(shape))


# Files


@pytest.mark.parametrize("shape", [(40, 100), (100, 40)])
@pytest.mark.parametrize("size", [20, 64])
def test_load_image_size_is_the_shorter_side(tmp_path, shape, size):
    Image.fromarray(two_halves(*shape)).save(tmp_path / "a.png")
    img = load_image(tmp_path / "a.png", size=size)
    assert img.shape == (*(round(side * size / 40) for side in shape), 3) and img.dtype == np.uint8
    assert img[0, 0].tolist() == RED and img[-1, -1].tolist() == BLUE


def test_load_image_without_size_changes_no_pixel(tmp_path):
    Image.fromarray(photo()).save(tmp_path / "a.png")
    assert np.array_equal(load_image(str(tmp_path / "a.png")), photo())


def test_load_image_of_an_extreme_shape(tmp_path):
    Image.fromarray(two_halves(1, 50)).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", size=2).shape == (2, 100, 3)


@pytest.mark.parametrize("size", [0, -5, float("nan")])
def test_load_image_names_a_bad_size(tmp_path, size):
    Image.fromarray(photo()).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="shorter side"):
        load_image(tmp_path / "a.png", size=size)


def test_load_image_names_a_missing_file_and_a_folder(tmp_path):
    for path in (tmp_path / "none.png", tmp_path):
        with pytest.raises(FileNotFoundError, match="no image file"):
            load_image(path)


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"just words", "not an image"),
        (b"", "not an image"),
        (b"\n<!DOCTYPE html><title>301</title>", "web page"),
        (encode(photo())[:900], "truncated"),
        (encode(photo(), "JPEG")[:700], "truncated"),
    ],
    ids=["words", "empty", "web page", "cut PNG", "cut JPEG"],
)
def test_load_image_says_what_is_wrong_with_a_file(tmp_path, data, reason):
    (tmp_path / "bad.png").write_bytes(data)
    with pytest.raises(ValueError, match=rf"bad\.png.*{reason}"):
        load_image(tmp_path / "bad.png")


# Every kind of picture becomes RGB


def two_frames():
    frames = [Image.new("RGB", (6, 5), tuple(colour)) for colour in (RED, BLUE)]
    return encode(frames[0], "GIF", save_all=True, append_images=frames[1:])


def see_through(mode):
    """A picture that is red in its right half and fully transparent in its left."""
    alpha = np.repeat([[0, 0, 0, 255, 255, 255]], 5, axis=0).astype(np.uint8)
    image = Image.fromarray(np.dstack([np.broadcast_to(np.uint8(RED), (5, 6, 3)), alpha]))
    return encode(image if mode == "RGBA" else image.quantize(8))


DEEP_GREY = np.linspace(0, 65535, 30).reshape(5, 6)
MODES = {
    "grey": (encode(np.full((5, 6), 90, np.uint8)), [90] * 3),
    "1 bit": (encode(Image.new("1", (6, 5), 1)), WHITE),
    "palette": (encode(Image.new("RGB", (6, 5), tuple(GREEN)).quantize(4)), GREEN),
    "RGBA": (see_through("RGBA"), [*[WHITE] * 3, *[RED] * 3]),
    "palette with alpha": (see_through("P"), [*[WHITE] * 3, *[RED] * 3]),
    "grey with alpha": (encode(Image.merge("LA", [Image.new("L", (6, 5), v) for v in (90, 0)])), WHITE),
    "16 bit grey": (encode(DEEP_GREY.astype(np.uint16)), np.rint(DEEP_GREY / 257)[..., None]),
    "16 bit TIFF": (encode(DEEP_GREY.astype(np.uint16), "TIFF"), np.rint(DEEP_GREY.astype(int) / 257)[..., None]),
    "float TIFF": (encode(np.float32(DEEP_GREY / 65535), "TIFF"), np.rint(DEEP_GREY / 257)[..., None]),
    "CMYK": (encode(Image.new("CMYK", (6, 5), (255, 0, 255, 0)), "TIFF"), GREEN),
    "animation": (two_frames(), RED),
    "WebP": (encode(Image.new("RGB", (6, 5), tuple(BLUE)), "WEBP", lossless=True), BLUE),
}


@pytest.mark.parametrize("kind", MODES)
def test_every_kind_of_picture_becomes_rgb(kind):
    data, expected = MODES[kind]
    img = one_image(data_url(data))
    assert img.shape == (5, 6, 3)
    # one level of slack: where deep grey falls between two bytes, either will do
    assert np.abs(img.astype(int) - np.array(expected)).max() <= ("16 bit" in kind or "float" in kind)


def test_photos_stand_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to view
    data = encode(two_halves(20, 40), "PNG", exif=exif)
    (tmp_path / "a.png").write_bytes(data)
    for img in (one_image(data_url(data)), load_image(tmp_path / "a.png")):
        assert img.shape == (40, 20, 3)
        assert img[0, 0].tolist() == RED and img[-1, 0].tolist() == BLUE


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_does_not_cost_the_picture():
    data = encode(photo(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert image_from_url(data_url(data, "image/jpeg")).shape == (20, 30, 3)


# URLs


def test_file_url_with_spaces_and_umlauts(tmp_path):
    path = tmp_path / "eine schöne Katze.png"
    path.write_bytes(encode(photo()))
    assert np.array_equal(one_image(path.as_uri() + "\n"), photo())  # a line of a *_urls.txt file


def test_data_urls_in_base64_and_percent_encoding():
    data = encode(photo())
    for url in (data_url(data), "data:image/png," + quote(data), "data:;base64," + base64.b64encode(data).decode()):
        assert np.array_equal(one_image(url), photo())


def png_that_claims(width, height):
    """A PNG of a few bytes that promises a huge picture."""
    png = b"\x89PNG\r\n\x1a\n"
    for name, body in [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", b"x"),
        (b"IEND", b""),
    ]:
        png += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return png


HOPELESS = {
    "None": (None, "not NoneType"),
    "bytes": (b"http://localhost/", "not bytes"),
    "empty": ("", "start with"),
    "plain path": ("cat.png", "start with"),
    "ftp": ("ftp://127.0.0.1/cat.png", "start with"),
    "Windows path": ("C:\\photos\\cat.png", "start with"),
    "no host": ("http://", "no host"),
    "half an address": ("http://[half", "malformed"),
    "lone surrogate": ("http://\udc80/", "codec"),
    "missing file": ("file:///no/such/file.png", "no such file"),
    "data without data": ("data:image/png", "data URL"),
    "bad base64": ("data:image/png;base64,iVBOR", "base64"),
    "words": (data_url(b"plain words"), "not an image"),
    "cut": (data_url(encode(photo())[:900]), "truncated"),
    "PostScript": (data_url(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "not an image"),
    "bomb": (data_url(png_that_claims(60_000, 60_000)), "decompression bomb"),
    "too large": (data_url(png_that_claims(9_000, 9_000)), "too many"),
}


@pytest.mark.parametrize("kind", HOPELESS)
def test_hopeless_urls_give_a_placeholder(kind):
    no_image(*HOPELESS[kind])


def test_placeholders_say_different_things_inside_their_frame():
    reasons = ["404 Not Found", "no answer in time", "W" * 500, "many words " * 30]
    cards = [image_utils._placeholder(reason, name) for reason in reasons for name in ("host", "W" * 24)]
    assert len({card.tobytes() for card in cards}) == len(cards)
    plain = image_utils._placeholder("", "")
    for card in cards:
        written = np.argwhere((card != plain).any(axis=-1))
        assert written.min() >= 10 and written.max() < len(card) - 10


# A web server in every state, on the loopback only


class Moody(BaseHTTPRequestHandler):
    """Answers by path. Nothing here waits longer than a few seconds, whether or not the client goes away."""

    png = encode(photo())
    closing = threading.Event()

    def do_GET(self):
        getattr(self, self.path.strip("/").split(".")[0])()

    def send(self, data, length=None, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(data) if length is None else length, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def cat(self):
        self.send(self.png)

    def agent(self):
        self.send(self.png if "python" not in self.headers["User-Agent"].lower() else b"robots go home")

    def missing(self):
        self.send(b"<html>gone</html>", status=404)

    def page(self):
        self.send(b"<!doctype html><html>Please log in</html>")

    def moved(self):
        self.send(b"", status=301, Location="/cat.png")

    def circle(self):
        self.send(b"", status=302, Location="/circle")

    def cut(self):
        self.send(self.png[:900], length=len(self.png))

    def silent(self):
        self.closing.wait(5)

    def drip(self):
        self.send(b"", length=len(self.png))
        for byte in self.png[:100]:
            if self.closing.wait(0.05):
                break
            self.wfile.write(bytes([byte]))

    def huge(self):
        self.send(self.png + bytes(200_000))

    def log_message(self, *_):
        pass


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):  # clients that give up half-way are what these tests are about
        pass


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch, QuietServer(("127.0.0.1", 0), Moody) as httpd:
        patch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        Moody.closing.set()
        httpd.shutdown()
        thread.join(5)


@pytest.mark.parametrize("path", ["cat.png", "moved", "agent"])
def test_pictures_from_the_web(server, path):
    assert np.array_equal(one_image(f"{server}/{path}", timeout=5), photo())


@pytest.mark.parametrize(
    "path, match", [("missing", "404"), ("page", "web page"), ("circle", "302"), ("cut", "truncated")]
)
def test_web_failures_give_a_placeholder(server, path, match):
    no_image(f"{server}/{path}", match, timeout=5)


@pytest.mark.parametrize("path", ["silent", "drip"])
def test_slow_servers_are_given_up_in_time(server, path):
    start = time.monotonic()
    no_image(f"{server}/{path}", "in time", timeout=0.3)
    assert time.monotonic() - start < 3  # the server itself would take 5 seconds


def test_endless_bodies_are_not_read_to_the_end(server, monkeypatch):
    monkeypatch.setattr(image_utils, "MAX_BYTES", 100_000)
    no_image(f"{server}/huge", "more than", timeout=5)


def test_dead_hosts_give_a_placeholder(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:  # bound and never listening, so that nobody else takes the port meanwhile
        closed.bind(("127.0.0.1", 0))
        no_image(f"http://127.0.0.1:{closed.getsockname()[1]}/cat.png", "127.0.0.1", timeout=1)


def test_refused_requests_leave_no_connection_open(monkeypatch):
    body = io.BytesIO(b"gone")
    error = urllib.error.HTTPError("http://farm1.example/cat.jpg", 410, "Gone", {}, body)

    def urlopen(request, timeout):
        raise error

    monkeypatch.setattr(image_utils.urllib.request, "urlopen", urlopen)
    no_image("http://farm1.example/cat.jpg", "410 Gone")
    assert body.closed


def test_unknown_hosts_say_so(monkeypatch):
    def resolve(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    no_image("http://farm1.example/cat.jpg", "host not found")
