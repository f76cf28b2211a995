"""Train a model from the command line, in one process or several: python -m cs231n.train --help.

    python -m cs231n.train gan                                             # in one process
    torchrun --nproc-per-node 2 -m cs231n.train gan                        # in two, each with half of every batch

A run may be broken off anywhere; the same command goes on from its last checkpoint.
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from . import checkpoints
from .loop import train

CHECKPOINT = "checkpoint.pt"
NAMES = {
    "captioner": "Captioner", "gan": "Gan", "wgan": "Wgan", "ddpm": "Diffusion", "guided": "GuidedDiffusion",
    "simclr": "Simclr", "clip": "Clip", "vit": "Vit",
}  # fmt: skip


class Interrupted(BaseException):
    """The user, the system, or torchrun because another process has ended, asks this process to end.

    No Exception, so that nothing on the way takes it for a failure of its own.
    """


def parser():
    """The command's options."""
    p = argparse.ArgumentParser(prog="python -m cs231n.train", description=__doc__.partition(":")[0] + ".")
    p.add_argument("what", choices=NAMES)
    p.add_argument("--steps", type=int, help="in all (default: the recipe's)")
    p.add_argument("--batch-size", type=int, help="over all processes together (default: the recipe's)")
    p.add_argument("--rate", type=float, help="the highest learning rate (default: the recipe's)")
    p.add_argument("--model", choices=["rnn", "lstm", "transformer"], default="lstm", help="captioner only")
    p.add_argument("--loss", choices=["vanilla", "ls"], default="vanilla", help="gan only")
    p.add_argument("--networks", choices=["fc", "dc"], default="fc", help="gan and wgan: fully connected, or DCGAN's")
    p.add_argument("--strength", type=float, default=2.0, help="guided only: how closely to keep to the label")
    p.add_argument("--seed", type=int, default=231)
    p.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    p.add_argument("--dtype", choices=["float32", "float64"], default="float32", help="float64 to compare runs exactly")
    p.add_argument("--folder", type=Path, help="of the checkpoint and the samples (default: runs/ and the name)")
    p.add_argument("--save-every", type=int, default=100, metavar="STEPS")
    p.add_argument("--score", action="store_true", help="measure the result on data not trained on")
    p.add_argument("--timeout", type=float, default=120, help="seconds after which a silent process is given up")
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def main(argv=None):
    """Run the command; the exit status, 0 if all went well."""
    args = parser().parse_args(argv)
    args.folder = args.folder or Path("runs") / args.what
    with interruptible() as no_longer:
        try:
            reason, broken_off = attempt(args)
            no_longer()  # what is to be said from here on will be said
        except Interrupted:
            reason, broken_off = f"asked to end{_as_others_ended()}", True
        if broken_off:
            reason += f"; {_how_to_go_on(args.folder / CHECKPOINT)}"
        if reason:
            print(_which_process() + reason, file=sys.stderr, flush=True)
            _tell_torchrun(reason)
    return int(bool(reason))


def attempt(args):
    """Train as the options say; what went wrong, in a sentence, or "", and whether the run could go on from there."""
    from .ranks import joined  # late: --help need not wait for torch

    numpy_only = args.what == "captioner" and args.model != "transformer"
    try:
        with joined("cpu" if numpy_only else args.device, args.timeout) as ranks:
            run(make_recipe(args, ranks), args)
        return "", False
    except NotImplementedError as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error} (line {place.lineno} of {place.filename})", False
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        return str(error), False
    except RuntimeError as error:
        if not _which_process() or not _lost_contact(error):
            raise
        return "another process has ended or does not answer", True


@contextlib.contextmanager
def interruptible():
    """Within this, a SIGINT or SIGTERM raises Interrupted: the first one, until the function that it yields is called.

    More than one comes where a whole terminal is told, and torchrun then tells its processes; the second must not
    break into what is done and said because of the first. A signal that is ignored stays so.
    """
    asked = [s for s in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(s) is not signal.SIG_IGN]

    def no_longer():
        for s in asked:
            signal.signal(s, signal.SIG_IGN)

    def interrupt(*_):
        no_longer()
        raise Interrupted

    before = {s: signal.signal(s, interrupt) for s in asked}
    try:
        yield no_longer
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def make_recipe(args, ranks):
    """The recipe that the options ask for."""
    from . import recipes  # late: --help need not wait for it

    name, options = NAMES[args.what], {}
    if args.what == "captioner":
        name, options = ("TransformerCaptioner", {}) if args.model == "transformer" else (name, {"cell": args.model})
    elif args.what in ("gan", "wgan"):
        options = {"networks": args.networks} | ({"loss": args.loss} if args.what == "gan" else {})
    elif args.what == "guided":
        options = {"strength": args.strength}
    common = {"steps": args.steps, "batch_size": args.batch_size, "rate": args.rate, "seed": args.seed}
    return getattr(recipes, name)(**common, dtype=args.dtype, ranks=ranks, **options)


def run(recipe, args):
    """Train, and leave samples beside the checkpoint; the first process says what goes on."""
    folder, ranks = args.folder, recipe.ranks
    say = (lambda *words: print(*words, flush=True)) if ranks.first else (lambda *words: None)
    processes = f"{ranks.size} processes" if ranks.size > 1 else "one process"
    say(f"{args.what}: {recipe.steps} steps of {recipe.batch_size} examples, {processes} on {ranks.device.type}")
    several = recipe.uses_in_several if ranks.size > 1 else ()
    say("with the answers to", ", ".join((*recipe.uses, *several)))
    if (folder / CHECKPOINT).exists():
        say(f"going on from {folder / CHECKPOINT}")
    train(recipe, checkpoint=folder / CHECKPOINT, save_every=args.save_every, quiet=args.quiet)
    if ranks.first:
        say(f"{recipe.seconds:.1f} s of training; loss of the last 100 steps:", ", ".join(_recent(recipe)))
        say(f"checkpoint: {folder / CHECKPOINT}, samples: {write_samples(recipe.samples(), folder)}")
        if args.score:
            say(", ".join(f"{name}: {value:.3g}" for name, value in recipe.score().items()))


def write_samples(samples, folder):
    """Captions into a text file, a picture into a PNG file; the file's path."""
    if isinstance(samples, list):
        path = folder / "samples.txt"
        path.write_text("\n".join(samples) + "\n", encoding="utf-8")
    else:
        from PIL import Image

        path = folder / "samples.png"
        picture = Image.fromarray(samples)
        picture.resize((2 * picture.width, 2 * picture.height), Image.Resampling.NEAREST).save(path)
    return path


def _recent(recipe):
    for name, losses in recipe.losses.items():
        last = losses[-100:]
        yield f"{name} {sum(last) / len(last):.4f}"


def _how_to_go_on(path):
    if not path.exists():
        return "there is no checkpoint yet: the same command starts anew"
    step = checkpoints.load(path)["done"]  # of the file itself: what this process remembers may be a moment older
    return f"the last checkpoint is of step {step}: the same command goes on from there"


def _which_process():
    """Of several, started by torchrun: which one speaks."""
    return f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']}: " if "RANK" in os.environ else ""


def _tell_torchrun(reason):
    """Have the reason in the summary that torchrun ends with, which would name nothing but a process and its status."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        extra = {"py_callstack": reason, "timestamp": str(int(time.time()))}
        Path(path).write_text(json.dumps({"message": {"message": reason, "extraInfo": extra}}), encoding="utf-8")


def _as_others_ended():
    """torchrun asks all to end when one has ended, and a process cannot tell that from being asked by anybody else."""
    return ", perhaps because another process has ended" if _which_process() else ""


def _lost_contact(error):
    words = str(error).lower()
    return any(sign in words for sign in ("gloo", "nccl", "connection", "timed out", "timeout", "recvvalue"))


if __name__ == "__main__":
    sys.exit(main())
