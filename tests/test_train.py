"""Training from the command line: two processes learn what one learns, and nothing that ends a run early spoils it."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from cs231n.coco_utils import load_coco_data
from cs231n.distributed import share_of_batch
from cs231n.train import checkpoints, recipes, train
from cs231n.train.__main__ import CHECKPOINT, main
from cs231n.train.ranks import Ranks, joined
from cs231n.train.recipes import digits as digit_recipes
from cs231n.train.recipes.recipe import Recipe

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
COMMANDS = {
    "gan": ["gan", "--batch-size", "64"],
    "wgan": ["wgan", "--batch-size", "32", "--rate", "1e-4"],  # at 5e-3 rounding alone grows to 3e-12 in 30 steps
    "ddpm": ["ddpm", "--batch-size", "8"],
    "numpy lstm": ["captioner", "--batch-size", "50"],
}
SMALL = {
    "gan": lambda **kw: recipes.Gan(batch_size=16, **kw),
    "dcgan": lambda **kw: recipes.Gan(batch_size=8, networks="dc", loss="ls", **kw),
    "wgan": lambda **kw: recipes.Wgan(batch_size=8, **kw),
    "ddpm": lambda **kw: recipes.Diffusion(batch_size=4, **kw),
    "numpy lstm": lambda **kw: recipes.Captioner(batch_size=20, **kw),
    "transformer": lambda **kw: recipes.TransformerCaptioner(batch_size=20, data=load_coco_data(), **kw),
}


def command(args, folder, steps=30, **options):
    more = [x for name, value in options.items() for x in (f"--{name.replace('_', '-')}", str(value))]
    return ["cs231n.train", *args, "--steps", str(steps), "--folder", str(folder), "--quiet", "--device", "cpu", *more]


def run(line, timeout=200):
    return subprocess.run(line, capture_output=True, text=True, timeout=timeout)


def leaves(value, place=""):
    """(place, tensor or number) for everything that a nested state holds."""
    if isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in items:
            yield from leaves(part, f"{place}/{name}")
    else:
        yield place, value


def largest_difference(a, b):
    """Of all tensors and losses in two checkpoints; whatever else they hold must be equal."""
    a, b = dict(leaves(a)), dict(leaves(b))
    assert a.keys() == b.keys() and len(a) > 10
    differences = [0.0]
    for place, value in a.items():
        if isinstance(value, (torch.Tensor, float)):
            value, other = (np.asarray(x, dtype=float) for x in (value, b[place]))
            differences.append(np.abs(value - other).max(initial=0))
        else:
            assert value == b[place], place
    return max(differences)


def assert_same(a, b, tolerance):
    states = [checkpoints.load(folder / CHECKPOINT) for folder in (a, b)]
    assert all(state.pop("seconds") > 0 for state in states)  # which differ
    assert largest_difference(*states) <= tolerance


# Two processes against one


@pytest.mark.parametrize("name", COMMANDS)
def test_two_processes_learn_what_one_learns(name, tmp_path):
    done = run(TORCHRUN + command(COMMANDS[name], tmp_path / "two", dtype="float64"))
    assert done.returncode == 0, done.stderr
    assert "2 processes" in done.stdout
    assert main(command(COMMANDS[name], tmp_path / "one", dtype="float64")[1:]) == 0
    assert_same(tmp_path / "one", tmp_path / "two", 1e-12)


@pytest.mark.parametrize("size", [2, 3])
def test_shares_make_up_the_batch(size):
    batch = torch.arange(12.0).view(6, 2)
    shares = [share_of_batch(batch, rank, size) for rank in range(size)]
    assert torch.equal(torch.cat(shares), batch)
    with pytest.raises(ValueError, match="evenly among 4"):
        share_of_batch(batch, 0, 4)
    with pytest.raises(ValueError, match="rank is 2"):
        share_of_batch(batch, 2, 2)


def test_alone_without_torchrun():
    with joined("cpu") as ranks:
        assert ranks == Ranks() and ranks.first
        assert ranks.share([1, 2, 3]) == [1, 2, 3] and ranks.mean(0.25) == 0.25


def test_a_batch_that_cannot_be_divided_is_refused_at_once():
    with pytest.raises(ValueError, match="batch of 9 cannot be divided evenly among 2"):
        recipes.Gan(batch_size=9, ranks=Ranks(0, 2))


# Interrupted


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("stopped", [1, 4])
def test_interrupted_and_resumed_gives_the_same(name, stopped, tmp_path, monkeypatch):
    whole = train(SMALL[name](steps=5), checkpoint=tmp_path / "whole" / CHECKPOINT, quiet=True)
    cut = SMALL[name](steps=5)
    learn = cut.learn
    monkeypatch.setattr(cut, "learn", lambda n: learn(n) if n < stopped else exec("raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        train(cut, checkpoint=tmp_path / "cut" / CHECKPOINT, save_every=1, quiet=True)
    assert cut.saved == stopped
    resumed = train(SMALL[name](steps=5), checkpoint=tmp_path / "cut" / CHECKPOINT, quiet=True)
    assert resumed.losses == whole.losses
    assert_same(tmp_path / "whole", tmp_path / "cut", 0)


@pytest.mark.parametrize("line", [["gan", "--batch-size", "64"], ["captioner", "--batch-size", "50"]], ids=" ".join)
def test_killed_and_resumed_gives_the_same(line, tmp_path):
    begun = start([sys.executable, "-m", *command(line, tmp_path / "cut", 40, save_every=3)], tmp_path / "cut")
    begun.kill()
    assert begun.wait(20) == -signal.SIGKILL
    assert 0 < checkpoints.load(tmp_path / "cut" / CHECKPOINT)["done"] < 40
    assert main(command(line, tmp_path / "cut", 40)[1:]) == main(command(line, tmp_path / "whole", 40)[1:]) == 0
    assert_same(tmp_path / "whole", tmp_path / "cut", 0)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="finds the processes in /proc")
@pytest.mark.parametrize("line", [["gan", "--batch-size", "64"], ["captioner", "--batch-size", "50"]], ids=" ".join)
def test_a_process_that_dies_ends_the_run_and_one_alone_can_go_on(line, tmp_path):
    cut = command(line, tmp_path / "cut", 60, save_every=3, dtype="float64")
    begun = start(TORCHRUN + cut, tmp_path / "cut")
    os.kill(process_of_rank(1, begun.pid), signal.SIGKILL)
    began = time.monotonic()
    _, said = begun.communicate(timeout=60)
    assert begun.returncode != 0 and time.monotonic() - began < 30
    assert "process 0 of 2: another process has ended" in said
    assert "the same command goes on from there" in said
    assert 0 < checkpoints.load(tmp_path / "cut" / CHECKPOINT)["done"] < 60
    assert main(cut[1:]) == main(command(line, tmp_path / "whole", 60, dtype="float64")[1:]) == 0
    assert_same(tmp_path / "whole", tmp_path / "cut", 1e-11)  # some steps in two processes, the others in one


def start(line, folder):
    """A run that has written its first checkpoint."""
    begun = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(1200):
        if (folder / CHECKPOINT).exists():
            return begun
        assert begun.poll() is None, begun.communicate()[1]
        time.sleep(0.05)
    begun.kill()
    raise AssertionError(f"no checkpoint after a minute: {begun.communicate()[1]}")


def process_of_rank(rank, parent):
    """The id of the process that torchrun started with this rank."""
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/stat") as stat, open(f"/proc/{pid}/environ") as environ:
                is_child = int(stat.read().rpartition(")")[2].split()[1]) == parent
                if is_child and f"RANK={rank}" in environ.read().split("\0"):
                    return int(pid)
        except (OSError, ValueError):
            continue
    raise AssertionError(f"no process of rank {rank}")


# What a step draws


def test_every_epoch_has_every_example_once_in_a_new_order():
    recipe = Recipe(batch_size=5)
    epochs = [np.concatenate([recipe.rows(n, 20) for n in range(4 * e, 4 * e + 4)]) for e in range(3)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[1], epochs[2])
    np.testing.assert_array_equal(recipe.rows(6, 20), Recipe(batch_size=5).rows(6, 20))
    assert not np.array_equal(recipe.rows(6, 20), Recipe(batch_size=5, seed=1).rows(6, 20))
    with pytest.raises(ValueError, match="there are 4 examples"):
        recipe.rows(0, 4)


def test_the_learning_rate_rises_and_falls():
    recipe = Recipe(steps=110, rate=0.5)
    recipe.warm_up = 10 / 110
    rates = [recipe.rate_at(n) for n in range(110)]
    np.testing.assert_allclose(rates[:10], 0.05 * np.arange(1, 11))
    assert rates[10] == 0.5 and rates[60] == pytest.approx(0.25) and 0 < rates[-1] < 1e-3
    assert all(a > b for a, b in zip(rates[10:], rates[11:]))
    recipe.decays = False
    assert recipe.rate_at(109) == 0.5


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_one_run_and_another_seed_another(name):
    one, same, other = (train(SMALL[name](steps=2, seed=seed), quiet=True).losses for seed in (1, 1, 2))
    assert one == same != other


# The command


def test_the_command_leaves_a_checkpoint_and_samples(tmp_path, capsys):
    assert main(command(["gan"], tmp_path / "gan", 2)[1:]) == 0
    said = capsys.readouterr().out
    assert "2 steps of 128 examples, one process on cpu" in said and (tmp_path / "gan" / "samples.png").exists()
    assert main(command(["captioner"], tmp_path / "lstm", 2)[1:]) == 0
    assert len((tmp_path / "lstm" / "samples.txt").read_text().splitlines()) == 40
    assert main(command(["gan"], tmp_path / "gan", 3)[1:]) == 0
    assert "going on from" in capsys.readouterr().out
    assert len(checkpoints.load(tmp_path / "gan" / CHECKPOINT)["losses"]["D"]) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--device", "cuda"], "no device 'cuda'"),
        (["--batch-size", "0"], "batch_size is 0"),
        (["--batch-size", "1000000"], "examples to train on"),
        (["--rate", "-1"], "rate is -1"),
    ],
    ids=lambda x: " ".join(x) if isinstance(x, list) else "",
)
def test_bad_options_are_explained(options, said, tmp_path, capsys):
    if torch.cuda.is_available() and "cuda" in options:
        pytest.skip("there is a graphics card here")
    assert main(["gan", "--steps", "2", "--folder", str(tmp_path), "--quiet", *options]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_run_is_refused_and_left(tmp_path, capsys):
    assert main(command(["gan"], tmp_path, 2)[1:]) == 0
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert main(command(["gan"], tmp_path, 2, seed=5)[1:]) == 1
    assert "it was made with seed 231; now it is seed 5" in capsys.readouterr().err
    assert main(command(["wgan"], tmp_path, 2)[1:]) == 1
    assert "recipe Gan" in capsys.readouterr().err
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04" + bytes(100)], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint_is_refused_and_left(content, tmp_path, capsys):
    (tmp_path / CHECKPOINT).write_bytes(content)
    assert main(command(["gan"], tmp_path, 2)[1:]) == 1
    assert "move it away" in capsys.readouterr().err
    assert (tmp_path / CHECKPOINT).read_bytes() == content


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recipes.Gan, "learn", lambda self, n: {"D": 0.5, "G": 1.0 if n < 2 else float("nan")})
    assert main(command(["gan"], tmp_path, 5)[1:]) == 1
    assert "G became nan in step 3" in capsys.readouterr().err
    assert not (tmp_path / CHECKPOINT).exists()


def test_scores_are_of_data_not_trained_on(monkeypatch):
    gan = train(recipes.Gan(steps=2), quiet=True)
    asked = []
    real = digit_recipes.load_digits
    monkeypatch.setattr(digit_recipes, "load_digits", lambda split: asked.append(split) or real(split))
    found = gan.score()
    assert asked == ["train", "test"] and found["frechet"] > 100 and 0 <= found["rarest digit"] <= 0.1
