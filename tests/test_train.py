"""Training from the command line: two processes learn what one learns, and nothing that ends a run early spoils it."""

import functools
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from cs231n.checks import TODOS
from cs231n.coco_utils import load_coco_data
from cs231n.contrastive import small_pictures
from cs231n.datasets.digits import load_digits
from cs231n.distributed import share_of_batch
from cs231n.train import __main__ as command
from cs231n.train import checkpoints, recipes, train
from cs231n.train.__main__ import CHECKPOINT, main
from cs231n.train.loop import Run
from cs231n.train.ranks import Ranks, joined
from cs231n.train.recipes import captioners, contrastive, diffusion, digits, recognition
from cs231n.train.recipes.recipe import Recipe

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
COMMANDS = {
    "gan": ["gan", "--batch-size", "64"],
    "wgan": ["wgan", "--batch-size", "32", "--rate", "1e-4"],  # at 5e-3 rounding alone grows to 3e-12 in 30 steps
    "ddpm": ["ddpm", "--batch-size", "8"],
    "guided": ["guided", "--batch-size", "8"],
    "numpy lstm": ["captioner", "--batch-size", "50"],
    "clip": ["clip", "--batch-size", "32"],
    "simclr": ["simclr", "--batch-size", "16"],
    "vit": ["vit", "--batch-size", "16", "--rate", "1e-4"],  # at 2e-3 rounding alone grows to 3e-12 in 30 steps
}
SMALL = {
    "gan": lambda **kw: recipes.Gan(batch_size=16, **kw),
    "dcgan": lambda **kw: recipes.Gan(batch_size=8, networks="dc", loss="ls", **kw),
    "wgan": lambda **kw: recipes.Wgan(batch_size=8, **kw),
    "ddpm": lambda **kw: recipes.Diffusion(batch_size=4, **kw),
    "guided": lambda **kw: recipes.GuidedDiffusion(batch_size=4, **kw),
    "numpy rnn": lambda **kw: recipes.Captioner(batch_size=20, cell="rnn", **kw),
    "numpy lstm": lambda **kw: recipes.Captioner(batch_size=20, **kw),
    "transformer": lambda **kw: recipes.TransformerCaptioner(batch_size=20, **kw),
    "clip": lambda **kw: recipes.Clip(batch_size=20, **kw),
    "simclr": lambda **kw: recipes.Simclr(batch_size=8, **kw),
    "vit": lambda **kw: recipes.Vit(batch_size=8, **kw),
}


def fewer_pictures(urls):
    return _first_pictures(tuple(urls[:400]))


_first_pictures = functools.cache(small_pictures)


@pytest.fixture(scope="module", autouse=True)
def data_read_once():
    """The data, which takes longer to read than most runs take here; the Transformer makes do with the RNN's.

    Of what takes longer to draw at the end than it took to learn, less is drawn.
    """
    captions, read = load_coco_data(), {split: load_digits(split) for split in ("train", "test")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(captioners, "load_coco_data", lambda: captions)
        patch.setattr(captioners, "with_spatial_features", lambda data, device: data)
        patch.setattr(contrastive, "load_coco_data", lambda: captions)
        patch.setattr(contrastive.contrastive, "small_pictures", fewer_pictures)
        patch.setattr(diffusion.GuidedDiffusion, "shown", 4)
        for module in (diffusion, digits, recognition):
            patch.setattr(module, "load_digits", read.get)
        yield


def command_line(args, folder, steps=30, **options):
    more = [x for name, value in options.items() for x in (f"--{name.replace('_', '-')}", str(value))]
    return [*args, "--steps", str(steps), "--folder", str(folder), "--quiet", "--device", "cpu", *more]


def begin(program, *args, folder):
    """Start a program; what torchrun would leave in the system's place for such goes into the folder."""
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    return subprocess.Popen(
        [*program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


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

IN_TWO = """
import functools, json, sys
import pytest
from cs231n.checks import TODOS
from cs231n.train.__main__ import make_recipe, parser, run
from cs231n.train.ranks import joined
from cs231n.train.recipes import contrastive, diffusion, digits, recognition
from test_train import broken, fewer_pictures

diffusion.load_digits = digits.load_digits = recognition.load_digits = functools.cache(digits.load_digits)
diffusion.GuidedDiffusion.shown = 4
contrastive.contrastive.small_pictures = fewer_pictures
whole, to_break = json.loads(sys.argv[1])
stopped = []
with joined("cpu") as ranks:
    for line in whole:
        args = parser().parse_args(line)
        run(make_recipe(args, ranks), args)
    for id, line in to_break:
        recipe = make_recipe(parser().parse_args(line), ranks)
        with pytest.MonkeyPatch.context() as patch:
            broken(TODOS[id], patch)
            try:
                recipe.learn(0)
            except NotImplementedError as error:
                stopped.append(str(error).split()[1].strip(":"))
    told = " ".join(["process", str(ranks.rank), "stopped at", *stopped])
    sys.stdout.write(told + chr(10))  # at once: both write here
    sys.stdout.flush()
"""
USED_IN_TWO = [
    ("gan_step", "gan"), ("discriminator_loss", "gan"), ("share_of_batch", "gan"), ("gradient_penalty", "wgan"),
    ("noise_loss", "ddpm"), ("drop_labels", "guided"), ("captioning_rnn_loss", "numpy lstm"),
    ("average_gradients", "numpy lstm"), ("share_of_batch", "numpy lstm"), ("contrastive_loss", "clip"),
    ("contrastive_loss", "simclr"), ("vision_transformer", "vit"), ("share_of_batch", "vit"),
]  # fmt: skip


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder with the checkpoint of every command's run in two processes, and all that these two said.

    One run follows another in the same two, which take a while to start; and so do attempts with a TODO unwritten.
    """
    folder = tmp_path_factory.mktemp("two")
    (folder / "in_two.py").write_text(IN_TWO)
    lines = {name: command_line(args, folder / name, dtype="float64") for name, args in COMMANDS.items()}
    work = list(lines.values()), [(id, lines[name]) for id, name in USED_IN_TWO]
    runs = begin([*TORCHRUN, str(folder / "in_two.py")], json.dumps(work), folder=folder)
    said, errors = runs.communicate(timeout=300)
    assert runs.returncode == 0, errors
    return folder, said


@pytest.mark.parametrize("name", COMMANDS)
def test_two_processes_learn_what_one_learns(name, two, tmp_path):
    folder, said = two
    assert said.count("2 processes") == len(COMMANDS)
    assert main(command_line(COMMANDS[name], tmp_path, dtype="float64")) == 0
    assert_same(tmp_path, folder / name, 1e-12)


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


DIES = """
import os, signal, sys
from cs231n.train import __main__ as command
make = command.make_recipe

def mortal(args, ranks):
    recipe = make(args, ranks)
    learn = recipe.learn
    if ranks.rank == ranks.size - 1:
        recipe.learn = lambda n: learn(n) if n < 8 else os.kill(os.getpid(), signal.SIGKILL)
    return recipe

command.make_recipe = mortal
sys.exit(command.main(sys.argv[1:]))
"""  # in its ninth step, the last process goes


@pytest.fixture
def dies(tmp_path):
    (tmp_path / "dies.py").write_text(DIES)
    return str(tmp_path / "dies.py")


LINES = pytest.mark.parametrize(
    "line", [["gan", "--batch-size", "64"], ["captioner", "--batch-size", "50"]], ids=lambda line: line[0]
)


@LINES
def test_killed_and_resumed_gives_the_same(line, dies, tmp_path):
    cut, whole = (command_line(line, tmp_path / name, 20, save_every=3) for name in ("cut", "whole"))
    assert begin([sys.executable, dies], *cut, folder=tmp_path).wait() == -signal.SIGKILL
    assert checkpoints.load(tmp_path / "cut" / CHECKPOINT)["done"] == 6
    assert main(cut) == main(whole) == 0
    assert_same(tmp_path / "whole", tmp_path / "cut", 0)


@LINES
def test_a_process_that_dies_ends_the_run_and_one_alone_can_go_on(line, dies, tmp_path):
    cut, whole = (command_line(line, tmp_path / name, 20, save_every=3, dtype="float64") for name in ("cut", "whole"))
    begun = begin([*TORCHRUN, dies], *cut, folder=tmp_path)
    _, said = begun.communicate(timeout=300)
    assert begun.returncode != 0
    # torchrun ends the survivor, or it notices by itself: whichever comes first, it says all this
    assert "process 0 of 2: " in said and "another process has ended" in said
    assert "the last checkpoint is of step 6: the same command goes on from there" in said
    assert main(cut) == main(whole) == 0
    assert_same(tmp_path / "whole", tmp_path / "cut", 1e-11)  # some steps in two processes, the others in one


LOST = RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:20519")


INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize("happens", [[LOST], [TERM], [INT, TERM], [LOST, TERM], [TERM, LOST]])
def test_whatever_comes_first_the_user_is_told_how_to_go_on(happens, tmp_path, capsys, monkeypatch):
    def run(recipe, args, happens=tuple(happens)):
        checkpoints.save(args.folder / CHECKPOINT, {"done": 20})
        try:
            end_by(happens[0])
        finally:
            if happens[1:]:
                end_by(happens[1])

    def end_by(event):
        if isinstance(event, Exception):
            raise event
        os.kill(os.getpid(), event)

    for name, value in {"RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(command, "run", run)
    before = [signal.getsignal(s) for s in (INT, TERM)]
    assert main(command_line(["gan"], tmp_path)) == 1
    said = capsys.readouterr().err
    assert said.startswith("process 0 of 2: ") and "another process has ended" in said and said.count("\n") == 1
    assert "the last checkpoint is of step 20: the same command goes on from there" in said
    assert [signal.getsignal(s) for s in (INT, TERM)] == before


# The students' own answers


def broken(todo, patch):
    """Put back the line that raises the TODO, wherever its function is known."""
    function = todo.live()

    def stub(*args, **kwargs):
        raise NotImplementedError(f"TODO {todo.id}: replace this line with your code")

    owner, _, name = todo.attribute.rpartition(".")
    if owner:
        patch.setattr(getattr(sys.modules[todo.module], owner), name, stub)
    for module in [m for name, m in sys.modules.items() if name.startswith("cs231n")]:
        for name in [name for name, value in vars(module).items() if value is function]:
            patch.setattr(module, name, stub)


OPTIONS = {
    "gan": ["gan"], "dcgan": ["gan", "--networks", "dc", "--loss", "ls"], "wgan": ["wgan"], "ddpm": ["ddpm"],
    "guided": ["guided"],
    "numpy rnn": ["captioner", "--model", "rnn"], "numpy lstm": ["captioner"],
    "transformer": ["captioner", "--model", "transformer"], "clip": ["clip"], "simclr": ["simclr"], "vit": ["vit"],
}  # fmt: skip
USES = [
    ("gan", "sample_noise discriminator generator get_optimizer gan_step bce_loss discriminator_loss generator_loss"),
    ("dcgan", "build_dc_classifier build_dc_generator get_optimizer gan_step ls_discriminator_loss ls_generator_loss"),
    ("wgan", "discriminator generator wgan_discriminator_loss wgan_generator_loss gradient_penalty"),
    ("ddpm", "add_noise noise_loss denoise_step"),
    ("guided", "drop_labels guided_noise add_noise noise_loss denoise_step"),
    ("numpy rnn", "word_embedding_forward word_embedding_backward rnn_forward rnn_backward captioning_rnn_loss "
     "rnn_step_forward captioning_rnn_sample"),
    ("numpy lstm", "lstm_forward lstm_backward captioning_rnn_loss lstm_step_forward captioning_rnn_sample"),
    ("transformer", "scaled_dot_product_attention multi_head_attention positional_encoding transformer_decoder_layer "
     "captioning_transformer"),
    ("clip", "contrastive_loss zero_shot"),
    ("simclr", "contrastive_loss"),
    ("vit", "patchify scaled_dot_product_attention multi_head_attention vision_transformer"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "id"), [(name, id) for name, ids in USES for id in ids.split()])
def test_a_run_uses_the_answers_it_says_it_does(name, id, tmp_path, capsys, monkeypatch):
    broken(TODOS[id], monkeypatch)
    assert main(command_line([*OPTIONS[name], "--batch-size", "4"], tmp_path, 1)) == 1
    assert f"TODO {id}: replace this line with your code (line " in capsys.readouterr().err


def test_torchruns_summary_names_the_todo_that_stopped_it(tmp_path, capsys, monkeypatch):
    broken(TODOS["bce_loss"], monkeypatch)
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    assert main(command_line(["gan"], tmp_path, 1)) == 1
    (said,) = capsys.readouterr().err.splitlines()
    failure = ProcessFailure(local_rank=0, pid=1, exitcode=1, error_file=str(tmp_path / "error.json"))
    assert "TODO bce_loss: replace this line" in said
    assert said in ChildFailedError("cs231n.train", {0: failure}).format_msg()


@pytest.mark.parametrize("name", SMALL)
def test_a_run_says_which_answers_it_uses(name, tmp_path, capsys):
    assert main(command_line([*OPTIONS[name], "--batch-size", "4"], tmp_path, 1)) == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("with the answers to ")]
    assert set(dict(USES)[name].split()) <= set(said.removeprefix("with the answers to ").split(", ")) <= set(TODOS)


def test_a_run_in_several_processes_uses_them_too(two):
    said = sorted(line for line in two[1].splitlines() if line.startswith("process "))
    ids = " ".join(id for id, _ in USED_IN_TWO)
    assert said == [f"process {rank} stopped at {ids}" for rank in (0, 1)]


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


def test_a_gans_rate_falls_only_where_it_is_to():
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for decays, rates in ((False, [2e-3] * 3), (True, [2e-3, 1.5e-3, 0.5e-3])):
        gan = recipes.Gan(steps=3, batch_size=4, rate=2e-3, decays=decays, images=images)
        for n, rate in enumerate(rates):
            gan.learn(n)
            assert [solver.param_groups[0]["lr"] for solver in gan.optimizers.values()] == pytest.approx([rate] * 2)
        assert ("steps" in gan.settings) == decays
    with pytest.raises(ValueError, match="give rate, too"):
        recipes.Gan(decays=True, images=images)


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_gives_one_run_and_another_seed_another(name):
    one, same, other = (train(SMALL[name](steps=2, seed=seed), quiet=True).losses for seed in (1, 1, 2))
    assert one == same != other


# The command


def test_the_command_leaves_a_checkpoint_and_samples(tmp_path, capsys):
    assert main(command_line(["gan"], tmp_path / "gan", 2)) == 0
    said = capsys.readouterr().out
    assert "2 steps of 128 examples, one process on cpu" in said and (tmp_path / "gan" / "samples.png").exists()
    assert main(command_line(["captioner"], tmp_path / "lstm", 2)) == 0
    assert len((tmp_path / "lstm" / "samples.txt").read_text().splitlines()) == 40
    assert main(command_line(["gan"], tmp_path / "gan", 3)) == 0
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
    assert main(command_line(["gan"], tmp_path, 2)) == 0
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert main(command_line(["gan"], tmp_path, 2, seed=5)) == 1
    assert "it was made with seed 231; now it is seed 5" in capsys.readouterr().err
    assert main(command_line(["wgan"], tmp_path, 2)) == 1
    assert "recipe Gan" in capsys.readouterr().err
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04" + bytes(100)], ids=["empty", "text", "cut"])
def test_a_damaged_checkpoint_is_refused_and_left(content, tmp_path, capsys):
    (tmp_path / CHECKPOINT).write_bytes(content)
    assert main(command_line(["gan"], tmp_path, 2)) == 1
    assert "move it away" in capsys.readouterr().err
    assert (tmp_path / CHECKPOINT).read_bytes() == content


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(recipes.Gan, "learn", lambda self, n: {"D": 0.5, "G": 1.0 if n < 2 else float("nan")})
    assert main(command_line(["gan"], tmp_path, 5)) == 1
    assert "G became nan in step 3" in capsys.readouterr().err
    assert not (tmp_path / CHECKPOINT).exists()


def test_scores_are_of_data_not_trained_on(monkeypatch):
    gan, asked, read = train(recipes.Gan(steps=2), quiet=True), [], digits.load_digits

    def some(split):
        asked.append(split)
        return [part[:4000] for part in read(split)]

    monkeypatch.setattr(digits, "load_digits", some)
    found = gan.score()
    assert asked == ["train", "test"] and found["frechet"] > 100 and 0 <= found["rarest digit"] <= 0.1


def test_in_a_notebook_the_bar_is_text_and_says_where_a_stopped_run_was(monkeypatch, capsys):
    """A widget would be gone when the notebook is opened again."""
    kernel = type("Kernel", (), {"config": {"IPKernelApp": {}}})()
    monkeypatch.setattr("IPython.get_ipython", lambda: kernel)
    monkeypatch.setenv("TQDM_DISABLE", "0")

    class Stopped(Run):
        steps = 40

        def learn(self, n):
            if n == 17:
                raise KeyboardInterrupt
            return {"loss": 40.0 - n}

        def after_step(self, bar):
            if self.done == 1:
                bar.write("(Iteration 1 / 40) loss: 40.0")

    with pytest.raises(KeyboardInterrupt):
        train(Stopped())
    out, err = capsys.readouterr()
    assert err == ""
    assert "17/40" in out.splitlines()[-1] and "loss=24.000" in out.splitlines()[-1]
