"""The GANs: losses against torch's, a round against a plain one, runs that are cut off, data that does not fit."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from benchmarks.gan import PUBLISHED, published_step
from cs231n.figures import tile
from cs231n.gan_pytorch import (
    NOISE_DIM,
    ChunkSampler,
    bce_loss,
    build_dc_classifier,
    build_dc_generator,
    count_params,
    deprocess_img,
    discriminator,
    discriminator_loss,
    gan_step,
    generator,
    generator_loss,
    get_optimizer,
    ls_discriminator_loss,
    ls_generator_loss,
    preprocess_img,
    rel_error,
    run_a_gan,
    sample_noise,
)
from cs231n.train import checkpoints


def logits(*shape, scale=1.0, seed=0):
    return torch.from_numpy(scale * np.random.default_rng(seed).normal(size=shape))


@pytest.mark.parametrize("shape", [(7,), (7, 1)])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_losses_agree_with_torch(shape, scale):
    real, fake = logits(*shape, scale=scale), logits(*shape, scale=scale, seed=1)
    for target in (torch.zeros(7), torch.ones(7, 1), torch.linspace(0, 1, 7)):
        target = target.double()
        expected = F.binary_cross_entropy_with_logits(real, target.reshape(shape))
        torch.testing.assert_close(bce_loss(real, target), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(discriminator_loss(real, fake), PUBLISHED[0](real, fake), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(generator_loss(fake), PUBLISHED[1](fake), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_losses_at_the_ends_are_exact_and_have_gradients(logit):
    x = torch.full((3,), logit, dtype=torch.float64, requires_grad=True)
    loss = bce_loss(x, torch.ones(3, dtype=torch.float64))
    loss.backward()
    assert loss.item() == pytest.approx(max(-logit, 0), abs=1e-12)
    assert torch.isfinite(x.grad).all()


def test_bce_refuses_another_number_of_targets():
    with pytest.raises(ValueError, match="each logit needs one target"):
        bce_loss(torch.zeros(4), torch.zeros(3))


def test_least_squares():
    real, fake = logits(5, 1), logits(5, 1, seed=1)
    expected = F.mse_loss(real, torch.ones_like(real)) / 2 + F.mse_loss(fake, torch.zeros_like(fake)) / 2
    torch.testing.assert_close(ls_discriminator_loss(real, fake), expected, rtol=1e-12, atol=1e-12)
    expected = F.mse_loss(fake, torch.ones_like(fake)) / 2
    torch.testing.assert_close(ls_generator_loss(fake), expected, rtol=1e-12, atol=1e-12)


def test_published_parameter_counts():
    models = discriminator(), generator(4), build_dc_classifier(), build_dc_generator(4)
    assert [count_params(m) for m in models] == [267009, 1858320, 1102721, 6580801]


def test_networks_take_images_of_either_shape_and_old_batch_size():
    rows = torch.rand(3, 784)
    for D in (discriminator(), build_dc_classifier(), build_dc_classifier(3)):
        torch.testing.assert_close(D(rows), D(rows.view(3, 1, 28, 28)))
    for G in (generator(), build_dc_generator()):
        assert G(sample_noise(3, NOISE_DIM)).shape == (3, 784)


def test_seeds_are_reproducible_and_noise_leaves_the_global_stream_alone():
    state = torch.get_rng_state()
    assert torch.equal(sample_noise(5, 7, seed=3), sample_noise(5, 7, seed=3))
    assert torch.equal(state, torch.get_rng_state())
    for make in (discriminator, generator):
        a, b, c = make(seed=1), make(seed=1), make(seed=2)
        assert torch.equal(next(a.parameters()), next(b.parameters()))
        assert not torch.equal(next(a.parameters()), next(c.parameters()))


def new_game(convolutional=False):
    torch.manual_seed(4)
    D, G = (build_dc_classifier(), build_dc_generator()) if convolutional else (discriminator(), generator())
    return D, G, get_optimizer(D), get_optimizer(G)


LOSSES = discriminator_loss, generator_loss


def digits(N=70):
    return torch.rand(N, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("convolutional", [False, True])
def test_a_round_is_the_textbook_round(convolutional):
    game, real = new_game(convolutional), preprocess_img(digits(8))
    D, G = copy.deepcopy(game[:2])
    solvers = [torch.optim.Adam(m.parameters(), 1e-3, (0.5, 0.999)) for m in (D, G)]
    for k in range(2):
        torch.manual_seed(k)
        ours = gan_step(*game, *LOSSES, real)
        torch.manual_seed(k)
        theirs = published_step(D, G, *solvers, *PUBLISHED, real)
        torch.testing.assert_close(ours, tuple(loss.detach() for loss in theirs), rtol=2e-4, atol=1e-5)
    assert all(p.requires_grad for p in game[0].parameters())


def test_a_run_on_a_tensor_and_on_loaders():
    labels = torch.zeros(70)
    sources = {
        "tensor": digits(),
        "pairs": torch.utils.data.DataLoader(torch.utils.data.TensorDataset(digits(), labels), batch_size=32),
        "images": torch.utils.data.DataLoader(digits().flatten(1), batch_size=32, sampler=ChunkSampler(70)),
    }
    for source in sources.values():
        run = run_a_gan(*new_game(), *LOSSES, source, show_every=2, batch_size=32, num_epochs=3, quiet=True)
        assert len(run.d_losses) == len(run.g_losses) == 6  # the last six images make no batch
        assert run.iterations == [1, 2, 4, 6] and len(run) == 4
        assert all(isinstance(a, np.ndarray) and a.shape == (16, 784) and np.abs(a).max() <= 1 for a in run)


def test_the_callers_modes_stay():
    D, G, *solvers = new_game(convolutional=True)
    run_a_gan(D, G, *solvers, *LOSSES, digits(16), batch_size=8, num_epochs=1, quiet=True)
    assert D.training and G.training and all(p.requires_grad for p in D.parameters())


@pytest.mark.parametrize("source", ["tensor", "loader"])
@pytest.mark.parametrize("stop_at", range(1, 9))
def test_resumed_is_as_never_interrupted(tmp_path, source, stop_at):
    """Two epochs of four rounds, cut off within every round in turn; the last checkpoint is one or two rounds old."""
    images = digits(64)
    if source == "loader":
        images = torch.utils.data.DataLoader(images, batch_size=16, shuffle=True)
    options = {"show_every": 3, "batch_size": 16, "num_epochs": 2, "save_every": 2, "quiet": True}
    torch.manual_seed(11)
    game = new_game()
    whole = run_a_gan(*game, *LOSSES, images, **options)

    calls = 0

    def cut_off(real, fake):
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        return discriminator_loss(real, fake)

    torch.manual_seed(11)
    with pytest.raises(KeyboardInterrupt):
        run_a_gan(*new_game(), cut_off, generator_loss, images, checkpoint=tmp_path / "run.pt", **options)
    again = new_game()
    if stop_at > 2:
        torch.manual_seed(99)  # where a checkpoint is, it brings its own random state
    resumed = run_a_gan(*again, *LOSSES, images, checkpoint=tmp_path / "run.pt", **options)
    assert resumed.d_losses == whole.d_losses and resumed.g_losses == whole.g_losses
    assert resumed.iterations == whole.iterations and np.array_equal(resumed[-1], whole[-1])
    for model, other in zip(again[:2], game[:2]):
        assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters()))


def saved_game(tmp_path):
    path = tmp_path / "run.pt"
    run_a_gan(*new_game(), *LOSSES, digits(32), batch_size=16, num_epochs=1, checkpoint=path, quiet=True)
    return path


def test_a_finished_run_comes_back_at_once(tmp_path):
    path = saved_game(tmp_path)
    run = run_a_gan(*new_game(), *LOSSES, digits(32), batch_size=16, num_epochs=1, checkpoint=path, quiet=True)
    assert len(run.d_losses) == 2
    longer = run_a_gan(*new_game(), *LOSSES, digits(32), batch_size=16, num_epochs=2, checkpoint=path, quiet=True)
    assert len(longer.d_losses) == 4


def damage_truncate(path):
    path.write_bytes(path.read_bytes()[:5000])


def damage_other_state(path):
    torch.save({"hello": 1}, path)


def damage_no_dict(path):
    torch.save([1, 2], path)


class Trap:
    def __reduce__(self):
        return print, ("executed",)


def damage_hostile(path):
    torch.save({"D": Trap()}, path)


@pytest.mark.parametrize("damage", [damage_truncate, damage_other_state, damage_no_dict, damage_hostile])
def test_a_checkpoint_that_cannot_be_used_is_named_and_left(tmp_path, damage, capsys):
    path = saved_game(tmp_path)
    damage(path)
    content, game = path.read_bytes(), new_game()
    before = copy.deepcopy(game[0].state_dict())
    with pytest.raises(ValueError, match="run.pt.*move it away"):
        run_a_gan(*game, *LOSSES, digits(32), batch_size=16, num_epochs=1, checkpoint=path, quiet=True)
    assert path.read_bytes() == content
    assert "executed" not in capsys.readouterr().out
    assert all(torch.equal(value, before[name]) for name, value in game[0].state_dict().items())


@pytest.mark.parametrize("other", [{"batch_size": 8}, {"convolutional": True}, {"D only": True}])
def test_a_checkpoint_of_another_game_is_refused_and_changes_nothing(tmp_path, other):
    path = saved_game(tmp_path)
    content = path.read_bytes()
    D, G, D_solver, G_solver = new_game(other.get("convolutional", False))
    if "D only" in other:
        G = build_dc_generator()
        G_solver = get_optimizer(G)
    before = copy.deepcopy(D.state_dict())
    with pytest.raises(ValueError, match="does not fit"):
        run_a_gan(
            D, G, D_solver, G_solver, *LOSSES, digits(32), batch_size=other.get("batch_size", 16), num_epochs=2,
            checkpoint=path, quiet=True,
        )  # fmt: skip
    assert path.read_bytes() == content
    assert all(torch.equal(value, before[name]) for name, value in D.state_dict().items())


def test_a_write_that_fails_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    checkpoints.save(path, {"round": 1})

    def fail(state, file):
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="no space"):
        checkpoints.save(path, {"round": 2})
    assert checkpoints.load(path) == {"round": 1} and [p.name for p in tmp_path.iterdir()] == ["run.pt"]
    with pytest.raises(FileNotFoundError, match="nothing.pt"):
        checkpoints.load(tmp_path / "nothing.pt")


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    path, calls = tmp_path / "run.pt", []

    def diverging(fake):
        calls.append(1)
        return generator_loss(fake) * (float("nan") if len(calls) == 3 else 1)

    with pytest.raises(FloatingPointError, match="loss of G became nan in round 3"):
        run_a_gan(
            *new_game(), discriminator_loss, diverging, digits(64), batch_size=16, num_epochs=1, checkpoint=path,
            save_every=1, quiet=True,
        )  # fmt: skip
    assert len(checkpoints.load(path)["losses"]["D"]) == 2


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (digits(20), {}, "no batch of 32"),
        (torch.utils.data.DataLoader(digits(64), batch_size=16), {}, "no batch of 32"),
        (digits() * 255, {}, "divide bytes by 255"),
        (digits() - 0.5, {}, "0..1"),
        (digits() * float("nan"), {}, "0..1"),
        (torch.rand(64, 3, 32, 32), {}, r"shape \(32, 3, 32, 32\)"),
        (digits(), {"num_epochs": 0}, "num_epochs"),
        (digits(), {"batch_size": 0}, "batch_size"),
        (digits(), {"save_every": -1}, "save_every"),
    ],
)
def test_data_and_settings_that_do_not_fit(images, options, message):
    with pytest.raises(ValueError, match=message):
        run_a_gan(*new_game(), *LOSSES, images, **{"batch_size": 32, "num_epochs": 1, "quiet": True, **options})


def test_bfloat16_stays_near_and_keeps_float32_weights():
    images = digits(32)
    runs = []
    for bfloat16 in (False, True):
        game = new_game(convolutional=True)
        runs.append(run_a_gan(*game, *LOSSES, images, batch_size=16, num_epochs=1, bfloat16=bfloat16, quiet=True))
        assert all(p.dtype == torch.float32 for p in game[1].parameters())
    np.testing.assert_allclose(runs[1].d_losses, runs[0].d_losses, rtol=0.1)


def test_tile_places_every_image():
    images = np.arange(5)[:, None] * np.ones((5, 16))
    sheet = tile(images, columns=3)
    assert sheet.shape == (9, 14)
    assert [sheet[1, 1], sheet[1, 6], sheet[1, 11], sheet[6, 1], sheet[6, 6]] == [0, 1, 2, 3, 4]


def test_pixels_there_and_back():
    x = digits(2)
    torch.testing.assert_close(deprocess_img(preprocess_img(x)), x)
    assert rel_error(np.ones(3), np.ones(3)) == 0
