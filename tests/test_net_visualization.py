"""Looking into SqueezeNet: against captum, closed forms and the textbook's loops; what is left behind; bad input."""

import io

import captum.attr
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from scipy import ndimage
from torch import nn
from torchvision import transforms as T

import cs231n.net_visualization_pytorch as nv
from benchmarks import net_visualization as textbook
from benchmarks import timing
from cs231n.checks.exercises.net_visualization import network
from cs231n.checks.verdict import evaluate
from cs231n.classifiers.squeezenet import load_squeezenet
from cs231n.data_utils import load_imagenet_val

DEVICES = ["cpu", "cuda", "mps"]
TARGETS = [6, 130, 950]  # stingray, flamingo, orange: none of the photos shows any of them


@pytest.fixture(scope="module")
def model():
    return load_squeezenet("cpu")


@pytest.fixture(scope="module")
def photos():
    X, y, _ = load_imagenet_val(5)
    return torch.cat([nv.preprocess(x) for x in X]), torch.from_numpy(y)


@pytest.fixture
def small(photos):
    """Five photos of 64 pixels, for what does not depend on the size."""
    return F.interpolate(photos[0], 64, mode="area"), photos[1]


@pytest.fixture(autouse=True)
def no_windows():
    yield
    plt.close("all")


def device_or_skip(name):
    if name != "cpu" and not getattr(torch, name).is_available():
        pytest.skip(f"no {name} on this machine")
    return torch.device(name)


def relative(a, b):
    return float((a - b).detach().abs().max() / b.detach().abs().max())


def off(a, b):
    """The distance of each image's result in a batch from its right one, relative to that one's length."""
    return (a.double() - b).flatten(1).norm(dim=1) / b.flatten(1).norm(dim=1)


# Saliency, against captum


def test_saliency_is_captums(model, photos):
    X, y = photos
    saliency = nv.compute_saliency_maps(X, y, model)
    assert saliency.shape == (5, 224, 224) and saliency.dtype == torch.float32
    with nv.frozen(model):  # the same kernels, so that equal means equal
        theirs = captum.attr.Saliency(model).attribute(X.clone().requires_grad_(), y)
    assert torch.equal(saliency, theirs.amax(1))


def test_saliency_is_the_slope(model, small):
    """In float64, along the direction in which the gradient points, by a symmetric difference quotient."""
    X, y = small[0][:1].double(), small[1][:1]
    model = load_squeezenet("cpu").double()
    saliency = nv.compute_saliency_maps(X, y, model)
    row, column = divmod(int(saliency.argmax()), 64)
    slopes = []
    for channel in range(3):
        dot = torch.zeros_like(X)
        dot[0, channel, row, column] = 1e-6
        slopes.append(abs(float(model(X + dot)[0, y] - model(X - dot)[0, y])) / 2e-6)
    assert max(slopes) == pytest.approx(float(saliency.max()), rel=1e-4)


def test_batch_of_one_and_row_of_a_batch_agree(model, photos):
    X, y = photos
    alone = nv.compute_saliency_maps(X[2:3], y[2:3], model)
    assert alone.shape == (1, 224, 224)
    assert off(alone, nv.compute_saliency_maps(X, y, model)[2:3].double()) < 1e-2


@pytest.mark.parametrize("labels", [lambda y: y.tolist(), lambda y: y.numpy(), lambda y: y.int(), lambda y: y[:, None]])
def test_labels_of_any_kind(model, small, labels):
    X, y = small
    assert torch.equal(nv.compute_saliency_maps(X, labels(y), model), nv.compute_saliency_maps(X, y, model))


def test_smooth_grad_is_captums_within_sampling_noise(model, small):
    """Two independent means of n gradients differ by their standard errors; ten times as much would be an error."""
    X, y = small[0][:2], small[1][:2]
    n, noise = 60, 0.1
    torch.manual_seed(1)
    ours = nv.smooth_grad(X, y, model, samples=n, noise=noise)
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(model))
    for i in range(2):
        sigma = noise * float(X[i].max() - X[i].min())
        arguments = {"nt_samples": n, "nt_samples_batch_size": 20, "stdevs": sigma, "target": int(y[i]), "abs": False}
        theirs = [tunnel.attribute(X[i : i + 1], **arguments).abs().amax(1)[0] for _ in range(3)]  # smoothgrad
        between = torch.stack([(a - b).norm() for a, b in ((theirs[0], theirs[1]), (theirs[1], theirs[2]))])
        assert (ours[i] - theirs[0]).norm() < 1.3 * between.max()
        plain = nv.compute_saliency_maps(X, y, model)[i]
        assert (plain - theirs[0]).norm() > 1.5 * between.max()  # so that the plain map would not do


def test_smooth_grad_without_noise_is_saliency(model, small):
    X, y = small
    assert relative(nv.smooth_grad(X, y, model, samples=2, noise=0), nv.compute_saliency_maps(X, y, model)) < 1e-5


def test_integrated_gradients_are_captums(model, small):
    X, y = small
    ours = nv.integrated_gradients(X, y, model, steps=15)
    theirs = captum.attr.IntegratedGradients(model).attribute(X, target=y, n_steps=15, method="riemann_middle")
    assert relative(ours, theirs) < 1e-3
    X, y = X[:3], y[:3]  # many steps: for fewer photos
    fine = captum.attr.IntegratedGradients(model).attribute(X, target=y, n_steps=100, internal_batch_size=50)
    cosine = F.cosine_similarity(nv.integrated_gradients(X, y, model, steps=60).flatten(1), fine.flatten(1))
    assert cosine.min() > 0.95


def test_integrated_gradients_add_up_to_the_score():
    """On a smooth network, where the midpoint rule's error falls with the square of the steps."""
    rng = np.random.default_rng(0)
    model = network(rng.normal(size=(5, 3 * 6 * 6)), rng.normal(size=5))
    X, y = torch.from_numpy(rng.normal(size=(3, 3, 6, 6))), torch.tensor([0, 4, 2])
    for baseline in (None, torch.ones(1, 3, 1, 1)):
        start = torch.zeros_like(X) if baseline is None else torch.ones_like(X)
        gain = (model(X) - model(start)).detach().gather(1, y[:, None])[:, 0]
        for steps, error in ((10, 1e-1), (100, 1e-3)):
            total = nv.integrated_gradients(X, y, model, steps=steps, baseline=baseline).sum((1, 2, 3))
            assert torch.allclose(total, gain, rtol=0, atol=error)


def test_grad_cam_is_captums(model, photos):
    X, y = photos
    theirs = captum.attr.LayerGradCam(model, model.features).attribute(X, y, relu_attributions=True)
    theirs = captum.attr.LayerAttribution.interpolate(theirs, (224, 224), "bilinear")[:, 0]
    assert relative(nv.grad_cam(X, y, model), theirs) < 1e-4


def test_grad_cam_of_a_layer_before_a_relu_in_place(model, photos):
    """features[1] is such a ReLU: it must not change what is kept of features[0]."""
    X, y = photos[0][:1], photos[1][:1]
    kept = model.features[0](X).requires_grad_()
    score = model.classifier(model.features[1:](kept.clone())).flatten(1)[0, y]
    (grad,) = torch.autograd.grad(score.sum(), kept)
    cam = (grad.mean((2, 3), keepdim=True) * kept).sum(1, keepdim=True).relu()
    expected = F.interpolate(cam, (224, 224), mode="bilinear")[:, 0].detach()
    assert relative(nv.grad_cam(X, y, model, layer=model.features[0]), expected) < 1e-4


# Fooling


@pytest.mark.parametrize("photo", range(5))
def test_fooled_in_fewer_than_100_steps(model, photos, photo):
    X = photos[0][photo : photo + 1]
    for target in TARGETS:
        calls = []
        counter = model.register_forward_hook(lambda *_: calls.append(1))  # noqa: B023
        fooling = nv.make_fooling_image(X, target, model)
        counter.remove()
        assert model(fooling).argmax() == target and model(X).argmax() != target
        assert 1 < len(calls) <= 100
        assert 0 < (fooling - X).norm() <= len(calls) - 1 + 1e-3  # steps of length 1


def test_fooling_an_image_that_is_the_target_already(model, photos):
    X, y = photos
    assert torch.equal(nv.make_fooling_image(X[:1], y[0], model), X[:1])


def test_a_model_left_in_training_mode_is_fooled_for_good(model, photos):
    """Asked again and again while dropout falls, as the assignment's notebooks ask once; and left in its mode."""
    X = photos[0]
    model.train()
    try:
        torch.manual_seed(0)
        for n, target in enumerate(TARGETS):
            fooling = nv.make_fooling_image(X[n : n + 1], target, model)
            assert model.training and all(module.training for module in model.modules())
            with torch.no_grad():
                features = model.features(fooling).expand(50, -1, -1, -1)
                said = model.classifier(features).flatten(1).argmax(1)
            assert (said == target).float().mean() > 0.9
    finally:
        model.eval()


def test_without_dropout_the_mode_changes_nothing():
    rng = np.random.default_rng(0)
    plain = network(rng.normal(size=(5, 3 * 8 * 8)), rng.normal(size=5))
    X = torch.from_numpy(rng.normal(size=(1, 3, 8, 8)))
    assert plain.training
    images = [nv.make_fooling_image(X, 3, plain) for plain in (plain, plain.eval())]
    assert torch.equal(*images)


def test_flat_score_gives_no_nan():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    model[1].weight.data.zero_()
    model[1].bias.data.copy_(torch.tensor([1.0, 0, 0]))
    assert torch.equal(nv.make_fooling_image(torch.ones(1, 3, 2, 2), 1, model), torch.ones(1, 3, 2, 2))


# Class visualisation


class Convinced(Exception):
    """Raised to end a run as soon as its picture convinces."""


def test_class_visualisation_convinces_within_100_steps(model):
    class Frames(list):
        def append(self, frame):
            if model(nv.preprocess(frame[1])).softmax(1)[0, target] > 0.9:
                raise Convinced

    convinced = 0
    for target in (76, 78, 187, 683, 366):  # the assignment's own choice
        torch.manual_seed(0)
        try:
            nv.create_class_visualization(target, model, num_iterations=100, show_every=20, frames=Frames())
        except Convinced:
            convinced += 1
    assert convinced >= 4


def test_fourier_visualisation_convinces_sooner(model):
    torch.manual_seed(0)
    picture = nv.create_fourier_visualization(130, model, num_iterations=40, show_every=0)
    assert picture.size == (224, 224)
    assert model(nv.preprocess(picture)).softmax(1)[0, 130] > 0.9


def test_step_is_in_place_of_its_length_and_leaves_no_gradient(model):
    img = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    before, address = img.detach().clone(), img.data_ptr()
    assert nv.class_visualization_update_step(img, model, 76, 1e-3, 25) is None
    assert img.data_ptr() == address and img.requires_grad and img.grad is None
    assert float((img.detach() - before).norm()) == pytest.approx(25, rel=1e-4)


def test_assignments_own_call(model, monkeypatch):
    """dtype as third argument, every keyword of the old notebooks, and figures drawn on the way."""
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    old = {"l2_reg": 1e-3, "learning_rate": 25, "num_iterations": 4, "blur_every": 2, "max_jitter": 3, "show_every": 2}
    picture = nv.create_class_visualization(76, model, torch.FloatTensor, **old)
    assert isinstance(picture, Image.Image) and picture.size == (224, 224) and picture.mode == "RGB"
    assert len(shown) == 1 and [a.get_title() for a in shown[0].axes] == ["iteration 1", "iteration 2", "iteration 4"]


@pytest.mark.parametrize("create", [nv.create_class_visualization, nv.create_fourier_visualization])
def test_frames_instead_of_figures(model, monkeypatch, create):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("a figure was drawn"))
    frames = []
    picture = create(3, model, num_iterations=5, show_every=2, size=64, frames=frames)
    assert [t for t, _ in frames] == [1, 2, 4, 5]
    assert np.array_equal(frames[-1][1], picture)
    create(3, model, num_iterations=2, show_every=0, size=64)


def test_without_regularisers(model):
    options = {"l2_reg": 0, "blur_every": 0, "max_jitter": 0, "num_iterations": 2, "show_every": 0, "size": 64}
    assert nv.create_class_visualization(3, model, **options).size == (64, 64)
    with pytest.raises(TypeError, match="blur_evry"):
        nv.create_class_visualization(3, model, blur_evry=2)


def test_same_seed_same_picture(model):
    pictures = []
    for _ in range(2):
        torch.manual_seed(5)
        pictures.append(nv.create_fourier_visualization(3, model, num_iterations=3, size=64, show_every=0))
    assert np.array_equal(*pictures)


def test_bfloat16_is_near(model):
    for create in (nv.create_class_visualization, nv.create_fourier_visualization):
        pictures = []
        for bfloat16 in (False, True):
            torch.manual_seed(5)
            picture = create(3, model, num_iterations=1, size=64, show_every=0, bfloat16=bfloat16)
            pictures.append(np.asarray(picture, dtype=float))
        assert 0 < np.abs(pictures[0] - pictures[1]).mean() < 10


# Against the textbook's loops


def test_saliency_is_as_near_to_float64_as_the_textbook(model, photos):
    """Not nearer to each other: where two numbers before a maximum are almost equal, rounding picks the winner."""
    X, y = photos
    exact = textbook.compute_saliency_maps(X.double(), y, load_squeezenet("cpu").double())
    ours, theirs = (module.compute_saliency_maps(X, y, model) for module in (nv, textbook))
    assert off(ours, exact).max() < 2 * off(theirs, exact).max() + 1e-5
    assert off(ours, exact).median() < 0.01


def test_same_as_textbook(model, photos):
    X = photos[0]
    ours, theirs = (module.make_fooling_image(X[:1], 958, model) for module in (nv, textbook))
    assert relative(ours - X[:1], theirs - X[:1]) < 1e-2
    torch.manual_seed(0)
    ours = nv.create_class_visualization(958, model, num_iterations=3, show_every=0)
    theirs = textbook.create_class_visualization(958, model, num_iterations=3, size=224)
    assert np.abs(np.asarray(ours, dtype=int) - np.asarray(theirs, dtype=int)).max() <= 2


def test_benchmark_runs(monkeypatch):
    monkeypatch.setattr(timing.gc, "collect", lambda: None)  # slow with all that tests have loaded
    rows = list(textbook.rows(tiny=True))
    assert [row.target for row in rows] == [0.75, 0.75, 0.75, None]
    assert all(row.ratio > 0 for row in rows)


# Answers written as they often are


def published_saliency(X, y, model):
    model.eval()
    X.requires_grad_()
    scores = model(X)
    correct = scores.gather(1, y.view(-1, 1)).squeeze(1)
    correct.backward(torch.ones_like(correct))
    saliency, _ = X.grad.data.abs().max(dim=1)
    return saliency


def published_fooling(X, target_y, model):
    X_fooling = X.clone().requires_grad_()
    for _ in range(100):
        scores = model(X_fooling)
        if scores.data.max(1)[1][0].item() == target_y:
            break
        scores[:, target_y].backward()
        with torch.no_grad():
            X_fooling += X_fooling.grad / torch.norm(X_fooling.grad, p=2)
            X_fooling.grad.zero_()
    return X_fooling


def published_step(img, model, target_y, l2_reg, learning_rate):
    score = model(img)[:, target_y] - l2_reg * torch.sum(img * img)
    score.backward()
    img.data.add_(img.grad.data, alpha=learning_rate / img.grad.data.norm().item())
    img.grad = None
    return img


@pytest.mark.parametrize("id, answer", [
    ("compute_saliency_maps", published_saliency),
    ("make_fooling_image", published_fooling),
    ("class_visualization_update_step", published_step),
])  # fmt: skip
def test_other_right_answers_pass(monkeypatch, id, answer):
    monkeypatch.setattr(nv, id, answer)
    result = evaluate(id)
    assert result.state == "passed", result


# What is left behind


def state_of(model):
    return (
        [module.training for module in model.modules()],
        [(p.requires_grad, p.grad, p.data_ptr(), p._version, p.stride()) for p in model.parameters()],
        [len(module._forward_hooks) for module in model.modules()],
    )


CALLS = {
    "saliency": lambda X, y, model: nv.compute_saliency_maps(X, y, model),
    "fooling": lambda X, y, model: nv.make_fooling_image(X[:1], 130, model),
    "step": lambda X, y, model: nv.class_visualization_update_step(X[:1].clone(), model, 130, 1e-3, 25),
    "class": lambda X, y, model: nv.create_class_visualization(
        7, model, num_iterations=2, max_jitter=0, show_every=0, size=64
    ),
    "smooth_grad": lambda X, y, model: nv.smooth_grad(X, y, model, samples=2),
    "integrated_gradients": lambda X, y, model: nv.integrated_gradients(X, y, model, steps=2),
    "grad_cam": lambda X, y, model: nv.grad_cam(X, y, model),
    "fourier": lambda X, y, model: nv.create_fourier_visualization(7, model, num_iterations=2, show_every=0, size=64),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("breaks", [False, True])
def test_nothing_is_left_behind(small, call, breaks):
    """Even of a model in training, its parameters asking for gradients, and when the call ends in an error."""
    X, y, untouched = small[0], small[1], small[0].clone()
    model = load_squeezenet("cpu").train().requires_grad_(True)
    model.features[3].eval()  # a mixture of modes must come back as it was
    model.features[0].weight.requires_grad = False
    fuse = model.classifier[1].register_forward_hook(lambda *_: 1 / 0) if breaks else None
    before, random = state_of(model), torch.is_grad_enabled()
    try:
        result = CALLS[call](X, y, model)
        assert not breaks
    except ZeroDivisionError:
        assert fuse
        result = None
    assert state_of(model) == before and torch.is_grad_enabled() == random
    assert torch.equal(X, untouched) and not X.requires_grad and X.grad is None
    assert not getattr(result, "requires_grad", False)


def test_dropout_is_off(small):
    X, y = small
    model = load_squeezenet("cpu")
    expected = nv.compute_saliency_maps(X, y, model)
    assert torch.equal(nv.compute_saliency_maps(X, y, model.train()), expected)


@pytest.mark.parametrize("call", ["saliency", "fooling", "grad_cam", "fourier"])
def test_works_where_gradients_are_off(small, call, model):
    with torch.no_grad():
        CALLS[call](*small, model)
        assert not torch.is_grad_enabled()


def test_images_that_take_gradients_keep_theirs(small, model):
    X = small[0].clone().requires_grad_()
    X.sum().backward()
    nv.compute_saliency_maps(X, small[1], model)
    nv.make_fooling_image(X[:1], 130, model)
    assert torch.equal(X.grad, torch.ones_like(X)) and torch.equal(X.detach(), small[0])


@pytest.mark.parametrize("device", DEVICES)
def test_every_device(small, device):
    """The image follows the model, and the answer is the processor's."""
    device = device_or_skip(device)
    X, y = small
    model, reference = load_squeezenet(device), load_squeezenet("cpu")
    saliency = nv.compute_saliency_maps(X, y, model)
    assert saliency.device.type == device.type
    assert relative(saliency.cpu(), nv.compute_saliency_maps(X, y, reference)) < 1e-2
    assert nv.make_fooling_image(X[:1], 130, model).device.type == device.type
    for call in ("class", "fourier", "smooth_grad", "integrated_gradients", "grad_cam"):
        CALLS[call](X, y, model)


def test_other_networks_and_precisions():
    """A network without named layers, in float64, with five classes: nothing is made for SqueezeNet alone."""
    rng = np.random.default_rng(0)
    model = network(rng.normal(size=(5, 3 * 8 * 8)), rng.normal(size=5))
    X, y = torch.from_numpy(rng.normal(size=(2, 3, 8, 8))), [0, 4]
    assert nv.compute_saliency_maps(X.float(), y, model).dtype == torch.float64
    assert nv.create_class_visualization(4, model, num_iterations=2, size=8, show_every=0).size == (8, 8)
    with pytest.raises(ValueError, match="there is no class 5: the model's classes are 0 to 4"):
        nv.make_fooling_image(X[:1], 5, model)


# Pictures in and out


@pytest.mark.parametrize("shape", [(224, 224), (300, 400), (301, 227), (50, 90), (224, 500)])
def test_preprocess_is_torchvisions(shape):
    pixels = np.random.default_rng(0).integers(256, size=(*shape, 3), dtype=np.uint8)
    theirs = T.Compose([T.Resize(224), T.ToTensor(), T.Normalize(nv.SQUEEZENET_MEAN, nv.SQUEEZENET_STD)])
    expected = theirs(Image.fromarray(pixels))[None]
    for img in (pixels, Image.fromarray(pixels)):
        assert torch.allclose(nv.preprocess(img), expected, atol=1e-5)


def test_preprocess_and_back():
    pixels = np.random.default_rng(0).integers(256, size=(40, 40, 3), dtype=np.uint8)
    pixels[0, 0], pixels[0, 1] = 0, 255  # the full range, so that stretching changes nothing
    x = nv.preprocess(pixels, size=40)
    for should_rescale in (True, False):
        assert np.array_equal(nv.deprocess(x, should_rescale), pixels)


def test_deprocess_stretches_if_asked():
    x = nv.preprocess(np.tile(np.arange(100, 140, dtype=np.uint8)[:, None, None], (1, 40, 3)), size=40)
    assert np.asarray(nv.deprocess(x)).min() == 0 and np.asarray(nv.deprocess(x)).max() == 255
    assert np.asarray(nv.deprocess(x, should_rescale=False)).min() == 100


@pytest.mark.parametrize("value", [0.3, -7.0, 12.0])
def test_rescale_of_a_constant_image(value):
    flat = nv.rescale(torch.full((1, 3, 4, 4), value))
    assert flat.min() == flat.max() == pytest.approx(min(max(value, 0), 1))
    assert np.ptp(np.asarray(nv.deprocess(torch.full((1, 3, 4, 4), value))), axis=(0, 1)).max() == 0


def test_rescale():
    assert torch.equal(nv.rescale(torch.tensor([2.0, 4, 3])), torch.tensor([0, 1, 0.5]))


@pytest.mark.parametrize("sigma", [0.5, 1, 3])
def test_blur_is_scipys_and_in_place(sigma):
    X = torch.randn(2, 3, 20, 30)
    expected = ndimage.gaussian_filter1d(ndimage.gaussian_filter1d(X.numpy(), sigma, axis=2), sigma, axis=3)
    assert nv.blur_image(X, sigma) is X
    assert np.allclose(X, expected, atol=1e-6)


@pytest.mark.parametrize("ox, oy", [(0, 0), (3, 0), (0, 2), (3, 2), (-3, -2), (1, -4)])
def test_jitter_moves_right_and_down(ox, oy):
    X = torch.randn(2, 3, 9, 11)
    moved = nv.jitter(X, ox, oy)
    assert torch.equal(moved, textbook.roll(X, ox, oy))
    assert moved[0, 0, (4 + oy) % 9, (5 + ox) % 11] == X[0, 0, 4, 5]
    assert torch.equal(nv.jitter(moved, -ox, -oy), X)


# Bad input


def grey(mode="L", size=(300, 260)):
    return Image.fromarray(np.random.default_rng(0).integers(256, size=size[::-1], dtype=np.uint8)).convert(mode)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_pictures_of_every_mode(mode):
    x = nv.preprocess(grey(mode))
    assert x.shape == (1, 3, 224, 258) and x.isfinite().all()


@pytest.mark.parametrize("shape", [(250, 300), (250, 300, 1), (250, 300, 4)])
def test_arrays_grey_and_transparent(shape):
    pixels = np.full(shape, 255, dtype=np.uint8)
    white = (1 - nv.MEAN) / nv.STD
    assert torch.allclose(nv.preprocess(pixels), white.expand(1, 3, 224, 268), atol=1e-5)


def test_one_pixel_wide(model):
    assert nv.preprocess(grey(size=(1, 9)), size=4).shape == (1, 3, 36, 4)
    with pytest.raises(ValueError, match="1 x 60000 pixels to a shorter side of 224; crop it"):
        nv.preprocess(grey(size=(1, 60_000)))
    with pytest.raises(ValueError, match="too few pixels"):
        nv.compute_saliency_maps(torch.zeros(1, 3, 200, 1), [0], model)


def test_enormous_picture():
    assert nv.preprocess(Image.new("L", (9000, 5000))).shape == (1, 3, 224, 403)
    with pytest.raises(ValueError, match="crop it"):
        nv.preprocess(grey(), size=20_000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_truncated_file(kind):
    file = io.BytesIO()
    grey("RGB").save(file, kind)
    cut = Image.open(io.BytesIO(file.getvalue()[: len(file.getvalue()) // 2]))
    with pytest.raises(ValueError, match="cannot be read"):
        nv.preprocess(cut)


@pytest.mark.parametrize("thing", [
    None, "cat.jpg", [[1, 2], [3, 4]], torch.zeros(3, 8, 8), np.zeros((8, 8, 3)), np.zeros((8, 8, 3), dtype=int),
])  # fmt: skip
def test_not_an_image(thing):
    with pytest.raises(TypeError, match="expected a Pillow image or a uint8 array"):
        nv.preprocess(thing)


@pytest.mark.parametrize("shape", [(8,), (8, 8, 2), (8, 8, 5), (2, 8, 8, 3), (0, 8, 3), (8, 0)])
def test_arrays_of_odd_shape(shape):
    with pytest.raises(ValueError, match="expected pixels"):
        nv.preprocess(np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("size", [0, -5])
def test_sizes_below_one(size):
    with pytest.raises(ValueError, match="shorter side"):
        nv.preprocess(grey(), size)


@pytest.mark.parametrize("target", [-1, 1000, 12345])
@pytest.mark.parametrize("call", [
    lambda X, t, m: nv.make_fooling_image(X[:1], t, m),
    lambda X, t, m: nv.class_visualization_update_step(X[:1], m, t, 1e-3, 25),
    lambda X, t, m: nv.create_class_visualization(t, m, show_every=0),
    lambda X, t, m: nv.create_fourier_visualization(t, m, show_every=0),
    lambda X, t, m: nv.compute_saliency_maps(X[:2], [t, 0], m),
    lambda X, t, m: nv.smooth_grad(X[:2], [0, t], m),
    lambda X, t, m: nv.integrated_gradients(X[:1], [t], m),
    lambda X, t, m: nv.grad_cam(X[:1], t, m),
])  # fmt: skip
def test_classes_that_do_not_exist(model, small, call, target):
    before = small[0].clone()
    with pytest.raises(ValueError, match=f"there is no class {target}: the model's classes are 0 to 999"):
        call(small[0], target, model)
    assert torch.equal(small[0], before)


@pytest.mark.parametrize("target", [2.0, "2", None])
def test_targets_that_are_no_integers(model, small, target):
    with pytest.raises(TypeError, match="integer"):
        nv.make_fooling_image(small[0][:1], target, model)


@pytest.mark.parametrize("target", [np.int64(130), torch.tensor(130)])
def test_targets_of_other_integer_types(model, small, target):
    assert model(nv.make_fooling_image(small[0][:1], target, model)).argmax() == 130


@pytest.mark.parametrize("y", [[1], [1, 2, 3, 4], torch.zeros(5), torch.ones(5).bool(), []])
def test_labels_that_do_not_fit(model, small, y):
    with pytest.raises(ValueError, match="5 integer labels"):
        nv.compute_saliency_maps(small[0], y, model)


@pytest.mark.parametrize("X, error", [
    (np.zeros((1, 3, 64, 64)), TypeError), (None, TypeError), (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), TypeError),
    (torch.zeros(3, 64, 64), ValueError), (torch.zeros(1, 64, 64, 3), ValueError),
    (torch.zeros(1, 1, 64, 64), ValueError), (torch.zeros(0, 3, 64, 64), ValueError),
    (torch.zeros(2, 3, 64, 64), ValueError),
])  # fmt: skip
def test_images_that_are_none(model, X, error):
    for call in (
        lambda: nv.make_fooling_image(X, 3, model),
        lambda: nv.class_visualization_update_step(X, model, 3, 1e-3, 25),
        lambda: nv.deprocess(X),
    ):
        with pytest.raises(error, match="must (be a tensor of floats|have shape)"):
            call()


def test_model_that_is_none(small):
    with pytest.raises(TypeError, match="torch.nn.Module"):
        nv.compute_saliency_maps(*small, lambda X: X)
    with pytest.raises(ValueError, match="scores of classes"):
        nv.compute_saliency_maps(*small, nn.Conv2d(3, 4, 1))
    with pytest.raises(ValueError, match="no `features`"):
        nv.grad_cam(small[0][:1], [0], nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 5)))


def test_image_of_another_precision_than_the_model(model):
    with pytest.raises(ValueError, match="float64 on cpu, the model torch.float32"):
        nv.class_visualization_update_step(torch.zeros(1, 3, 64, 64).double(), model, 3, 1e-3, 25)


def test_diverged_image_is_not_shown():
    with pytest.raises(ValueError, match="nan or inf"):
        nv.deprocess(torch.full((1, 3, 4, 4), torch.nan))
