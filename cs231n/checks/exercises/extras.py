"""The TODOs of extras.ipynb: idioms, each against plain loops, torch in float64, or the pixels that were encoded."""

import io
from unittest import mock

import numpy as np

from ..compare import close
from ..todo import Method, Wrong
from .rnn import random_arrays
from .style_transfer import _tensors, _upstream

MODULE = "cs231n.idioms"


def _value_and_gradients(function_name, name, out, shape, inputs):
    """{name: value of the tensor out} and, where its shape is right, its gradient for each input {label: tensor}."""
    import torch

    if not isinstance(out, torch.Tensor):
        raise Wrong(f"{function_name} must return a torch tensor, not {type(out).__name__}")
    if not out.requires_grad:
        raise Wrong(
            f"no gradient flows from {function_name} back to its input: .item(), .detach(), .data, numpy and "
            "torch.no_grad() all cut the way"
        )
    outputs = {name: out.detach().numpy()}
    if out.shape == shape:
        loss = (out * torch.from_numpy(_upstream(shape)).to(out.dtype)).sum()
        gradients = torch.autograd.grad(loss, list(inputs.values()), allow_unused=True)
        for (label, x), g in zip(inputs.items(), gradients):
            outputs[label] = (x.new_zeros(x.shape) if g is None else g).numpy()
    return outputs


# Selecting --------------------------------------------------------------------------------------------------


def _select_cases():
    def case(seed, dtype, C, *labels):
        return *random_arrays(seed, dtype, (len(labels), C)), np.array(labels)

    return {
        "three images, five classes": case(201, np.float64, 5, 3, 0, 4),
        "as many images as classes": case(202, np.float64, 4, 2, 2, 0, 3),
        "one image": case(203, np.float64, 3, 1),
        "float32": case(204, np.float32, 6, 5, 1, 1, 0),
    }


def _run_select(function, s, y):
    scores, labels = _tensors(s, y)
    got = function(scores.requires_grad_(), labels)
    return _value_and_gradients("select_scores", "selected", got, (len(y),), {"gradient": scores})


select_scores = Method(
    "select_scores",
    f"{MODULE}:select_scores",
    run=_run_select,
    notebook="extras",
    minutes=3,
    cases=_select_cases,
    outputs=("selected", "gradient"),
    hints=(
        "s[i, y[i]] for every i at once: either index with two arrays side by side, s[torch.arange(N), y], or use "
        "s.gather(1, index).",
        "gather's index needs the axes of s: y[:, None] has shape (N, 1), and so has what comes back. Take its column "
        "0; squeeze() without an axis would drop N as well where N is 1.",
        "s.gather(1, y[:, None])[:, 0]",
    ),
)


@select_scores.oracle
def _(s, y):
    gradient, upstream = np.zeros_like(s), _upstream((len(y),))
    for i, label in enumerate(y):
        gradient[i, label] = upstream[i]
    return {"selected": np.array([row[label] for row, label in zip(s, y)], dtype=s.dtype), "gradient": gradient}


@select_scores.mistake("squeeze() without an axis drops the batch as well where it holds one image")
def _(s, y):
    return s.gather(1, y[:, None]).squeeze()


@select_scores.mistake("the axis that gather needed is still there: shape (N, 1)")
def _(s, y):
    return s.gather(1, y[:, None])


@select_scores.mistake("s[:, y] takes all labels from every row, an (N, N) table whose diagonal is wanted")
def _(s, y):
    return s[:, y]


@select_scores.mistake("gather runs along axis 0, so that a label picks an image instead of a class")
def _(s, y):
    return s.gather(0, y[None])[0]


@select_scores.mistake("the highest score of each image is taken, whatever its label")
def _(s, y):
    return s.max(dim=1).values


@select_scores.mistake("the labels are counted from 1")
def _(s, y):
    return s.gather(1, (y[:, None] - 1) % s.shape[1])[:, 0]


@select_scores.mistake("the selected scores are added up: the right thing for backward(), but not what is asked")
def _(s, y):
    return s.gather(1, y[:, None]).sum()


@select_scores.mistake("probabilities are selected: there is a softmax in front")
def _(s, y):
    return s.softmax(dim=1).gather(1, y[:, None])[:, 0]


# Accumulating -----------------------------------------------------------------------------------------------


def _accumulate_cases():
    def case(seed, dtype, num_rows, *index, D=3):
        return *random_arrays(seed, dtype, (len(index), D)), np.array(index, dtype=np.int64), num_rows

    rows, index, num_rows = case(214, np.float32, 5, 4, 4, 0, 2, 4, 0, 1)
    return {
        "each index once": case(211, np.float64, 4, 2, 0, 3, 1),
        "an index several times": case(212, np.float64, 3, 2, 0, 2, 1, 0, 2),
        "rows that get nothing": case(213, np.float64, 6, 3, 1, 3),
        "float32 with int32 indices": (rows, index.astype(np.int32), num_rows),
        "no rows at all": case(215, np.float64, 2),
    }


def _run_accumulate(function, rows, index, num_rows):
    return {"sums": function(rows, index, num_rows)}


accumulate_rows = Method(
    "accumulate_rows",
    f"{MODULE}:accumulate_rows",
    run=_run_accumulate,
    notebook="extras",
    minutes=10,
    cases=_accumulate_cases,
    outputs=("sums",),
    hints=(
        "out[index] += rows reads out once and writes it once, so that of equal indices only the last one counts. "
        "np.add.at(out, index, rows) adds them all and is right, though not the fastest.",
        "Row i of the result is the sum over m of B[i, m] * rows[m], with B[i, m] = 1 where index[m] is i, else 0: "
        "a matrix product. B is nearly all zeros, so keep it sparse.",
        "B = sparse.csr_array((np.ones(M, dtype=rows.dtype), (index, np.arange(M))), shape=(num_rows, M)); B @ rows",
    ),
)


@accumulate_rows.oracle
def _(rows, index, num_rows):
    sums = np.zeros((num_rows, rows.shape[1]))
    for row, i in zip(rows, index):
        sums[i] += row
    return {"sums": sums}


def _added(rows, index, num_rows, dtype=None):
    sums = np.zeros((num_rows, rows.shape[1]), dtype=dtype or rows.dtype)
    np.add.at(sums, index, rows)
    return sums


@accumulate_rows.mistake("`out[index] += rows` keeps only the last of several rows with one index")
def _(rows, index, num_rows):
    sums = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    sums[index] += rows
    return sums


@accumulate_rows.mistake("the rows with one index are averaged instead of added up")
def _(rows, index, num_rows):
    count = np.maximum(np.bincount(index, minlength=num_rows), 1).astype(rows.dtype)
    return _added(rows, index, num_rows) / count[:, None]


@accumulate_rows.mistake("the result ends at the largest index that occurs: num_rows is not used")
def _(rows, index, num_rows):
    return _added(rows, index, index.max(initial=-1) + 1)


@accumulate_rows.mistake("indices that do not occur are skipped, so that the sums after them move up")
def _(rows, index, num_rows):
    found, place = np.unique(index, return_inverse=True)
    return _added(rows, place, len(found))


@accumulate_rows.mistake("the result is made without a dtype, so that float32 silently becomes float64")
def _(rows, index, num_rows):
    return _added(rows, index, num_rows, dtype=np.float64)


@accumulate_rows.mistake("the indices are sorted and the rows are not, as if they came in that order already")
def _(rows, index, num_rows):
    return _added(rows, np.sort(index), num_rows)


@accumulate_rows.mistake("rows are picked instead of added: rows[index], the forward pass and not its adjoint")
def _(rows, index, num_rows):
    picked = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    for i, m in zip(range(num_rows), index):
        picked[i] = rows[m % len(rows)]
    return picked


# Masking ----------------------------------------------------------------------------------------------------


def _mean_cases():
    (hidden,) = random_arrays(224, np.float64, (2, 4, 3))
    some = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [1, 0, 0, 1]], dtype=bool)
    hidden[~some[:2]] = np.nan
    return {
        "every step marked": (*random_arrays(221, np.float64, (2, 3, 4)), np.ones((2, 3), dtype=bool)),
        "some steps marked": (*random_arrays(222, np.float64, (3, 4, 2)), some),
        "a sequence without a mark": (*random_arrays(223, np.float64, (3, 4, 2)), some & [[True], [False], [True]]),
        "nan at the unmarked steps": (hidden, some[:2]),
        "float32": (*random_arrays(225, np.float32, (3, 4, 5)), some),
    }


def _run_mean(function, x, mask):
    return {"mean": function(x, mask)}


masked_mean = Method(
    "masked_mean",
    f"{MODULE}:masked_mean",
    run=_run_mean,
    notebook="extras",
    minutes=5,
    cases=_mean_cases,
    outputs=("mean",),
    hints=(
        "Two numbers for each sequence: the sum over its marked steps, and how many there are. mask[:, :, None] "
        "spreads over the D columns.",
        "x * mask is not enough where x is nan; np.where(mask[:, :, None], x, 0), or sum's argument where=, leaves "
        "those steps out. Divide by np.maximum(count, 1): 0 / 1 is the zero that is asked for.",
        "total = x.sum(axis=1, where=mask[:, :, None]); count = np.maximum(mask.sum(axis=1), 1).astype(x.dtype); "
        "total / count[:, None]",
    ),
)


@masked_mean.oracle
def _(x, mask):
    N, T, D = x.shape
    mean = np.zeros((N, D))
    for n in range(N):
        steps = [x[n, t] for t in range(T) if mask[n, t]]
        if steps:
            mean[n] = sum(steps) / len(steps)
    return {"mean": mean}


def _mean(x, mask, count=lambda mask: np.maximum(mask.sum(axis=1, keepdims=True), 1)):
    total = np.where(mask[:, :, None], x, 0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return (total / count(mask)).astype(x.dtype)


@masked_mean.mistake("the sum is divided by T, all steps, instead of by the marked ones")
def _(x, mask):
    return _mean(x, mask, lambda mask: mask.shape[1])


@masked_mean.mistake("the mask is ignored: a plain mean over all steps")
def _(x, mask):
    return x.mean(axis=1)


@masked_mean.mistake("a sequence without a mark gives 0 / 0, nan, instead of zeros")
def _(x, mask):
    return _mean(x, mask, lambda mask: mask.sum(axis=1, keepdims=True))


@masked_mean.mistake("unmarked steps are multiplied by 0, and nan times 0 is nan; leave them out")
def _(x, mask):
    count = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    return ((x * mask[:, :, None]).sum(axis=1) / count).astype(x.dtype)


@masked_mean.mistake("the sum is not divided by anything")
def _(x, mask):
    return _mean(x, mask, lambda mask: 1)


@masked_mean.mistake("the sum is divided by the marks of all sequences together")
def _(x, mask):
    return _mean(x, mask, lambda mask: mask.sum())


@masked_mean.mistake("the mask is the wrong way round: it marks the steps to keep, not those to drop")
def _(x, mask):
    return _mean(x, ~mask)


@masked_mean.mistake("x[mask] throws the steps of all sequences together: one mean (D,) instead of N")
def _(x, mask):
    return x[mask].mean(axis=0)


@masked_mean.mistake("float32 is divided by an int64 count, which makes float64")
def _(x, mask):
    return _mean(x, mask).astype(np.float64)


# Stamping ---------------------------------------------------------------------------------------------------

MANY = 250  # torch operations; a loop over the places of a kernel of 4 x 4 needs about 90


def _transpose_cases():
    def case(seed, dtype, x, weight, stride, padding):
        return *random_arrays(seed, dtype, x, weight), stride, padding

    return {
        "one pixel": case(231, np.float64, (1, 2, 1, 1), (2, 3, 3, 3), 1, 0),
        "stride 1, left to its default": case(232, np.float64, (2, 2, 3, 4), (2, 3, 2, 2), None, None),
        "stamps side by side": case(233, np.float64, (1, 2, 3, 2), (2, 1, 2, 2), 2, 0),
        "stamps that overlap, with padding": case(234, np.float64, (2, 2, 3, 4), (2, 3, 3, 3), 2, 1),
        "gaps between the stamps": case(235, np.float64, (1, 1, 2, 3), (1, 2, 2, 2), 3, 0),
        "as many channels out as in": case(236, np.float64, (1, 3, 3, 3), (3, 3, 2, 2), 1, 1),
        "many pixels": case(237, np.float64, (1, 1, 20, 25), (1, 2, 3, 3), 2, 1),
        "float32": case(238, np.float32, (2, 3, 4, 4), (3, 2, 4, 4), 2, 1),
    }


def _torch_calls():
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        """Notes the names of the torch operations that are called."""

        def __init__(self):
            super().__init__()
            self.names = []

        def __torch_function__(self, function, types, args=(), kwargs=None):
            self.names.append(getattr(function, "__name__", ""))
            return function(*args, **(kwargs or {}))

    return Calls()


def _run_transpose(function, x, weight, stride, padding):
    x_t, weight_t = (a.requires_grad_() for a in _tensors(x, weight))
    settings = () if stride is None else (stride, padding)
    with _torch_calls() as calls:
        out = function(x_t, weight_t, *settings)
    if any(name.startswith("conv_transpose") for name in calls.names):
        raise Wrong("conv_transpose calls torch's own transposed convolution; here it is to be written by hand")
    if len(calls.names) > MANY:
        raise Wrong(
            f"conv_transpose makes {len(calls.names)} torch operations for {x.shape[2]} x {x.shape[3]} pixels: loop "
            "over the places of the kernel, which are few, and stamp all pixels at once"
        )
    (N, _, H, W), (_, F, K, _), (stride, padding) = x.shape, weight.shape, settings or (1, 0)
    shape = (N, F, *((side - 1) * stride + K - 2 * padding for side in (H, W)))
    inputs = {"gradient_x": x_t, "gradient_weight": weight_t}
    return _value_and_gradients("conv_transpose", "out", out, shape, inputs)


conv_transpose = Method(
    "conv_transpose",
    f"{MODULE}:conv_transpose",
    run=_run_transpose,
    notebook="extras",
    minutes=20,
    cases=_transpose_cases,
    outputs=("out", "gradient_x", "gradient_weight"),
    hints=(
        "A convolution reads K x K pixels and writes one; its adjoint reads one and writes K x K. Pixel (h, w) adds "
        "x[n, :, h, w] times the kernel to the output, its top left corner at (h * stride, w * stride).",
        "Take one place (i, j) of the kernel at a time. All pixels' stamps there land at rows i, i + stride, ... and "
        "columns j, j + stride, ...: one strided slice of the output, H x W in size. Add, for stamps overlap.",
        'out[:, :, i : i + stride * H : stride, j : j + stride * W : stride] += torch.einsum("nchw,cf->nfhw", x, '
        "weight[:, :, i, j]), on an output of (H-1)*stride + K rows; then cut `padding` pixels off all four sides.",
    ),
)


@conv_transpose.oracle
def _(x, weight, stride, padding):
    import torch
    import torch.nn.functional as F

    x_t, weight_t = (torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in (x, weight))
    out = F.conv_transpose2d(x_t, weight_t, stride=stride or 1, padding=padding or 0)
    gradients = torch.autograd.grad(out, (x_t, weight_t), torch.from_numpy(_upstream(out.shape)))
    named = zip(("out", "gradient_x", "gradient_weight"), (out.detach(), *gradients))
    return {name: value.numpy() for name, value in named}


def _stamped(x, weight, stride=1, padding=0, *, add=True, cut=lambda padding: (padding, padding)):
    """A transposed convolution place by place; the switches make its known mistakes."""
    import torch

    (N, _, H, W), (_, F, K, _) = x.shape, weight.shape
    out = x.new_zeros(N, F, (H - 1) * stride + K, (W - 1) * stride + K)
    for i in range(K):
        for j in range(K):
            place = (..., slice(i, i + stride * H, stride), slice(j, j + stride * W, stride))
            stamps = torch.einsum("nchw,cf->nfhw", x, weight[:, :, i, j])
            out[place] = out[place] + stamps if add else stamps
    before, after = cut(padding)
    return out[:, :, before : out.shape[2] - after, before : out.shape[3] - after]


@conv_transpose.mistake("the kernel is flipped: the stamp is the kernel as it is, not upside down")
def _(x, weight, *settings):
    return _stamped(x, weight.flip(2, 3), *settings)


@conv_transpose.mistake("rows and columns of the kernel are exchanged")
def _(x, weight, *settings):
    return _stamped(x, weight.transpose(2, 3), *settings)


@conv_transpose.mistake("the channels of the weight are read as (F, C), as in a convolution; here C comes first")
def _(x, weight, *settings):
    return _stamped(x, weight.transpose(0, 1), *settings)


@conv_transpose.mistake("stamps that overlap overwrite each other instead of adding up")
def _(x, weight, *settings):
    return _stamped(x, weight, *settings, add=False)


@conv_transpose.mistake("the padding is not cut off")
def _(x, weight, *settings):
    return _stamped(x, weight, *settings, cut=lambda padding: (0, 0))


@conv_transpose.mistake("the padding is added around the output instead of cut off")
def _(x, weight, *settings):
    import torch.nn.functional as F

    return F.pad(_stamped(x, weight, *settings[:1]), [settings[1] if settings else 0] * 4)


@conv_transpose.mistake("the padding is cut off twice at the bottom and right, and not at the top and left")
def _(x, weight, *settings):
    return _stamped(x, weight, *settings, cut=lambda padding: (0, 2 * padding))


@conv_transpose.mistake("the stride is ignored: the stamps are one pixel apart")
def _(x, weight, stride=1, padding=0):
    return _stamped(x, weight, 1, padding)


@conv_transpose.mistake("it is a convolution, which makes the picture smaller, and not its adjoint")
def _(x, weight, stride=1, padding=0):
    import torch.nn.functional as F

    return F.conv2d(x, weight.transpose(0, 1), stride=stride, padding=padding)


@conv_transpose.mistake("no gradient reaches the weight: it was detached on the way")
def _(x, weight, *settings):
    return _stamped(x, weight.detach(), *settings)


# Decoding ---------------------------------------------------------------------------------------------------

PALETTE = np.array([[250, 20, 40], [10, 200, 90], [0, 30, 255], [255, 255, 120]], dtype=np.uint8)


def _image_cases():
    rng = np.random.default_rng(241)
    colour, grey = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8), rng.integers(0, 256, (5, 8), dtype=np.uint8)
    alpha = rng.choice(np.array([0, 255], dtype=np.uint8), size=(6, 9, 1))
    large = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)  # long enough to be cut in the middle of its pixels
    return {
        "a colour picture": (colour, "RGB", None),
        "a grey picture": (grey, "L", None),
        "a picture with alpha": (np.concatenate((colour, alpha), axis=2), "RGBA", None),
        "a palette of four colours": (grey % len(PALETTE), "P", None),
        "bytes that are no image": (colour, "RGB", "no image"),
        "a file cut short": (large, "RGB", "cut short"),
    }


def _encoded(pixels, mode, damage):
    """The bytes of a PNG file of these pixels; damage: None, "no image" or "cut short"."""
    from PIL import Image

    if damage == "no image":
        return b"404: there is no picture at this address"
    image = Image.fromarray(pixels)  # (H, W) is L, (H, W, 3) RGB, (H, W, 4) RGBA
    if mode == "P":
        image.putpalette(PALETTE.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()[: file.tell() // 2 if damage else None]


class OtherError(Wrong):
    """Raised when an answer lets an error out that is no ValueError; not to be confused with one that lets none."""


def _run_image(function, pixels, mode, damage):
    data = _encoded(pixels, mode, damage)
    if damage:
        _check_refused(function, data, damage)
        return {"refused": True}
    image = function(data)
    if isinstance(image, np.ndarray) and image.dtype != np.uint8 and close(image, _picture(pixels, mode)):
        raise Wrong(f"the image is {image.dtype}; it must be uint8, as pictures are stored and shown")
    return {"image": image}


def _check_refused(function, data, damage):
    wanted = f"image_from_bytes must raise ValueError for a file that is {damage}"
    try:
        function(data)
    except ValueError as error:
        if str(error):
            return
        raise Wrong("the ValueError must say what is wrong with the bytes; its message is empty") from error
    except NotImplementedError:  # a TODO that is not written yet
        raise
    except Exception as error:
        raise OtherError(f"{wanted}; it raised {type(error).__name__}") from error
    raise Wrong(f"{wanted}; it raised nothing")


image_from_bytes = Method(
    "image_from_bytes",
    f"{MODULE}:image_from_bytes",
    run=_run_image,
    notebook="extras",
    minutes=10,
    cases=_image_cases,
    outputs=("image",),
    hints=(
        "Image.open takes a file name or anything that reads like a file, and io.BytesIO(data) does. Pictures come in "
        "many modes; _to_rgb, imported from image_utils, makes RGB of them all.",
        "Image.open reads the header alone, and image.load() the pixels: both belong into the try. What they raise is "
        "no ValueError for the most part, so catch Exception and raise ValueError(...) from it.",
        "try: image = Image.open(io.BytesIO(data)); image.load() - except Exception as error: raise ValueError(f'not "
        "a readable image: {error}') from error - return np.array(_to_rgb(image))",
    ),
)


@image_from_bytes.oracle
def _(pixels, mode, damage):
    return {"refused": True} if damage else {"image": _picture(pixels, mode)}


def _picture(pixels, mode):
    """The pixels as RGB, worked out in numpy: transparent ones are white."""
    if mode == "P":
        return PALETTE[pixels]
    if mode == "L":
        return np.stack([pixels] * 3, axis=2)
    return np.where(pixels[:, :, 3:] == 0, 255, pixels[:, :, :3]).astype(np.uint8) if mode == "RGBA" else pixels


def _opened(data):
    """A decoded Pillow image in whatever mode it has; a ValueError if there is none."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception as error:
        raise ValueError("not a readable image") from error
    return image


def _rgb_of(data):
    return np.array(_on_white(_opened(data)))


def _on_white(image):
    from PIL import Image

    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


@image_from_bytes.mistake("the picture is not made RGB: a grey one is (H, W), one with alpha has a fourth channel")
def _(data):
    return np.array(_opened(data))


@image_from_bytes.mistake("every picture gets an alpha channel: (H, W, 4)")
def _(data):
    return np.array(_opened(data).convert("RGBA"))


@image_from_bytes.mistake("the alpha channel is just dropped, so that colours hidden under transparency come to light")
def _(data):
    return np.array(_opened(data).convert("RGBA"))[:, :, :3]


@image_from_bytes.mistake("the channels are in the order blue, green, red")
def _(data):
    return _rgb_of(data)[:, :, ::-1]


@image_from_bytes.mistake("the pixels are scaled to 0..1")
def _(data):
    return _rgb_of(data) / 255


@image_from_bytes.mistake("the pixels are in 0..255, but as floats")
def _(data):
    return _rgb_of(data).astype(np.float32)


@image_from_bytes.mistake("the picture is upside down: an image's first row is its top")
def _(data):
    return _rgb_of(data)[::-1]


@image_from_bytes.mistake("the axes are (W, H, 3): Pillow's size is (width, height), an array has its rows first")
def _(data):
    return _rgb_of(data).swapaxes(0, 1)


@image_from_bytes.mistake("Pillow's own errors go out to the caller, and they are no ValueError")
def _(data):
    from PIL import Image

    return np.array(_on_white(Image.open(io.BytesIO(data))))


@image_from_bytes.mistake("only Image.open is guarded, but a cut shows later, when the pixels are decoded")
def _(data):
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data))
    except Exception as error:
        raise ValueError("not an image") from error
    return np.array(_on_white(image))


@image_from_bytes.mistake("a file cut short passes for a picture: LOAD_TRUNCATED_IMAGES fills in what is missing")
def _(data):
    with mock.patch("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True):
        return _rgb_of(data)


@image_from_bytes.mistake("errors are swallowed: a black picture comes back where there is none")
def _(data):
    try:
        return _rgb_of(data)
    except ValueError:
        return np.zeros((8, 8, 3), dtype=np.uint8)


# Beam search ------------------------------------------------------------------------------------------------

START, END = 1, 2


def language(seed, V):
    """step and state of a made-up language: the next word's log-probabilities follow from the last two words."""
    (table,) = random_arrays(seed, np.float64, (V, V, V))
    table = 1.5 * table
    table -= np.log(np.exp(table).sum(axis=-1, keepdims=True))

    def step(words, state):
        return table[state[0], words], (np.array(words),)

    return table, step, (np.zeros(1, dtype=int),)


def _beam_cases():
    return {
        "width 1, greedy": (121, 6, 1, 8),
        "width 3": (398, 6, 3, 8),
        "wide enough for every caption": (123, 4, 300, 4),
        "cut off before any caption ends": (124, 7, 2, 1),
        "width 2, longer": (390, 8, 2, 12),
    }


def _run_beam(function, seed, V, width, max_length):
    _, step, state = language(seed, V)
    got = function(step, state, START, END, width, max_length)
    if not isinstance(got, tuple) or len(got) != 2:
        kind = "None" if got is None else f"one {type(got).__name__}" if not isinstance(got, tuple) else f"{len(got)}"
        raise Wrong(f"beam_search must return two things, the ids and their log-probability; it returned {kind}")
    ids = np.asarray(got[0])
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise Wrong(f"the ids must be one row of whole numbers; they are {ids.dtype} of shape {ids.shape}")
    if not isinstance(got[1], (float, np.floating)):
        raise Wrong(f"the log-probability must be one number, not a {type(got[1]).__name__}")
    padded = np.full(max_length + 1, -1.0)
    padded[: len(ids)] = ids[: max_length + 1]
    return {"ids": padded, "log-probability": float(got[1])}


beam_search = Method(
    "beam_search",
    "cs231n.decoding:beam_search",
    run=_run_beam,
    notebook="extras",
    minutes=25,
    cases=_beam_cases,
    outputs=("ids", "log-probability"),
    hints=(
        "Keep four things side by side, a row for each unfinished caption: its last word, its score so far, its ids, "
        "and its rows of the state. After each step, choose rows of all four with the same indices.",
        "scores[:, None] + log_probs holds the score of every caption grown by every word. The flat index of an entry "
        "divided by V is the caption it came from, the rest is the word: np.divmod.",
        "Take np.argsort(-grown, axis=None)[:width]; captions whose new word is end go to a list of finished ones, the "
        "others stay. At the end the best of finished and unfinished ones wins. No division by the length here.",
    ),
)


@beam_search.oracle
def _(seed, V, width, max_length):
    """Plain Python, one caption at a time, without the early stop."""
    table, *_ = language(seed, V)
    beam, finished = [((), 0.0)], []
    for _ in range(max_length):
        grown = [((*ids, w), score + table[(0, START, *ids)[-2:]][w]) for ids, score in beam for w in range(V)]
        grown = sorted(grown, key=lambda item: -item[1])[:width]
        finished += [item for item in grown if item[0][-1] == END]
        beam = [item for item in grown if item[0][-1] != END]
    ids, score = max([*finished, *beam], key=lambda item: item[1])
    return {"ids": np.array([*ids, *[-1] * (max_length + 1 - len(ids))], dtype=float), "log-probability": score}


def _beam(step, state, start, end, width, max_length, slip=""):
    """beam_search with one thing wrong."""
    beam, finished = [((), 0.0, tuple(a[0] for a in state))], []
    for _ in range(max_length):
        grown = []
        for ids, score, rows in beam:
            log_probs, new = step(np.array([ids[-1] if ids else start]), tuple(a[None] for a in rows))
            kept = rows if slip == "old state" else tuple(a[0] for a in new)
            grown += [
                ((*ids, w), (0 if slip == "last word" else score) + (np.exp(p) if slip == "probabilities" else p), kept)
                for w, p in enumerate(log_probs[0])
            ]
        grown.sort(key=lambda item: item[1] if slip == "worst" else -item[1])
        grown = grown[:width]
        if slip == "state rows":  # row i of the new state belongs to row i of the old beam
            after = [
                step(np.array([ids[-1] if ids else start]), tuple(a[None] for a in rows))[1] for ids, _, rows in beam
            ]
            grown = [
                (ids, score, tuple(a[0] for a in after[i % len(after)])) for i, (ids, score, _) in enumerate(grown)
            ]
        ended = [item for item in grown if item[0][-1] == end and slip != "goes on"]
        finished += ended
        beam = grown if slip == "goes on" else [item for item in grown if item[0][-1] != end]
        if not beam or (slip == "first end" and ended):
            break
    pool = (beam or finished) if slip == "unfinished" else finished + beam
    ids, score, _ = max(pool, key=lambda item: item[1] / (len(item[0]) if slip == "length" else 1))
    return np.array([start, *ids] if slip == "start" else ids), float(score)


for title, slip in {
    "probabilities are added up: it is their logarithms that add": "probabilities",
    "each step looks at the last word's log-probability alone, not at the whole caption's": "last word",
    "the least likely captions are kept: argsort puts the smallest first": "worst",
    "the state is not handed on: every step begins from the first one": "old state",
    "the state's rows are not chosen along with the captions: each caption goes on from another's state": "state rows",
    "it stops at the first caption that ends, though another may still win": "first end",
    "captions that have ended stay in the beam and grow on behind <END>": "goes on",
    "the finished captions are forgotten, and an unfinished one wins": "unfinished",
    "the score is divided by the length: that compares something else than log-probabilities": "length",
    "<START> is part of the caption": "start",
}.items():
    beam_search.mistake(title)(lambda *args, slip=slip: _beam(*args, slip=slip))


@beam_search.mistake("it is greedy: the beam never holds more than one caption")
def _(step, state, start, end, width, max_length):
    return _beam(step, state, start, end, 1, max_length)
