"""Train a model from the command line, in one process or several: python -m cs231n.train --help.

    python -m cs231n.train gan                                             # in one process
    torchrun --nproc-per-node 2 -m cs231n.train gan                        # in two, each with half of every batch

A run may be broken off anywhere; the same command goes on from its last checkpoint.
"""

import argparse
import math
import os
import signal
import sys
import time
from pathlib import Path

from . import checkpoints
from .distributed import joined
from .progress_bar import progress_bar

CHECKPOINT = "checkpoint.pt"


class Interrupted(Exception):
    """The system, or torchrun because another process has ended, asks this process to end."""


def train(recipe, *, folder=None, save_every=100, quiet=False):
    """Take all steps of a recipe (see cs231n.recipes), and return it, with its losses and seconds.

    folder: where the checkpoint lies; if there is one already, the run goes on from it. None: no checkpoint.
    save_every: steps between checkpoints. quiet: no progress bar.
    Raises ValueError for a checkpoint of another run, FloatingPointError for a loss that is not finite.
    """
    path = folder and Path(folder) / CHECKPOINT
    recipe.done = resume(recipe, path) if path and path.exists() else 0
    recipe.saved = recipe.done
    with progress_bar(recipe.steps, "training", quiet=quiet or not recipe.ranks.first) as bar:
        bar.update(recipe.done)
        while recipe.done < recipe.steps:
            began = time.perf_counter()
            losses = recipe.learn(recipe.done)
            recipe.seconds += time.perf_counter() - began
            recipe.done += 1
            for name, loss in losses.items():
                if not math.isfinite(loss):
                    raise FloatingPointError(f"{name} became {loss} in step {recipe.done}; try a lower --rate")
                recipe.losses.setdefault(name, []).append(loss)
            bar.set_postfix({name: f"{loss:.3f}" for name, loss in losses.items()}, refresh=False)
            bar.update()
            if path and (recipe.done % save_every == 0 or recipe.done == recipe.steps):
                save(recipe, path)
    return recipe


def save(recipe, path):
    """Write the checkpoint; all processes hold the same, and the first one writes it."""
    if recipe.ranks.first:
        checkpoints.save(path, {
            "settings": recipe.settings, "done": recipe.done, "seconds": recipe.seconds, "losses": recipe.losses,
            "state": recipe.state(),
        })  # fmt: skip
    recipe.saved = recipe.done


def resume(recipe, path):
    """Bring the recipe to where the checkpoint is, and return how many steps that is."""
    found = checkpoints.load(path)
    try:
        differ = [name for name, value in recipe.settings.items() if found["settings"].get(name) != value]
        if differ:
            was = ", ".join(f"{name} {found['settings'].get(name)}" for name in differ)
            now = ", ".join(f"{name} {recipe.settings[name]}" for name in differ)
            raise ValueError(f"it was made with {was}; now it is {now}")
        recipe.load(found["state"])
        recipe.losses = {name: list(history) for name, history in found["losses"].items()}
        recipe.seconds = float(found["seconds"])
        return int(found["done"])
    except (KeyError, ValueError, RuntimeError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"the checkpoint {path} does not fit this run ({reason}); {checkpoints.REMEDY}") from error


# The command ------------------------------------------------------------------------------------------------

NAMES = {"captioner": "Captioner", "gan": "Gan", "wgan": "Wgan", "ddpm": "Diffusion"}


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
    signal.signal(signal.SIGTERM, _interrupt)
    several = f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']}: " if "RANK" in os.environ else ""
    numpy_only = args.what == "captioner" and args.model != "transformer"
    recipe = None
    try:
        with joined("cpu" if numpy_only else args.device, args.timeout) as ranks:
            recipe = make_recipe(args, ranks)
            run(recipe, args)
        return 0
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        reason = str(error)
    except (KeyboardInterrupt, Interrupted):
        reason = f"asked to end; {_how_to_go_on(recipe)}"
    except RuntimeError as error:
        if not several or not _lost_contact(error):
            raise
        reason = f"another process has ended or does not answer; {_how_to_go_on(recipe)}"
    print(several + reason, file=sys.stderr, flush=True)
    return 1


def make_recipe(args, ranks):
    """The recipe that the options ask for."""
    from . import recipes  # late: --help need not wait for it

    name, options = NAMES[args.what], {}
    if args.what == "captioner":
        name, options = ("TransformerCaptioner", {}) if args.model == "transformer" else (name, {"cell": args.model})
    elif args.what in ("gan", "wgan"):
        options = {"networks": args.networks} | ({"loss": args.loss} if args.what == "gan" else {})
    common = {"steps": args.steps, "batch_size": args.batch_size, "rate": args.rate, "seed": args.seed}
    return getattr(recipes, name)(**common, dtype=args.dtype, ranks=ranks, **options)


def run(recipe, args):
    """Train, and leave samples beside the checkpoint; the first process says what goes on."""
    folder, ranks = args.folder or Path("runs") / args.what, recipe.ranks
    say = (lambda *words: print(*words, flush=True)) if ranks.first else (lambda *words: None)
    processes = f"{ranks.size} processes" if ranks.size > 1 else "one process"
    say(f"{args.what}: {recipe.steps} steps of {recipe.batch_size} examples, {processes} on {ranks.device.type}")
    if (folder / CHECKPOINT).exists():
        say(f"going on from {folder / CHECKPOINT}")
    train(recipe, folder=folder, save_every=args.save_every, quiet=args.quiet)
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


def _how_to_go_on(recipe):
    if recipe is None or not recipe.saved:
        return "there is no checkpoint yet: the same command starts anew"
    return f"the last checkpoint is of step {recipe.saved}: the same command goes on from there"


def _lost_contact(error):
    words = str(error).lower()
    return any(sign in words for sign in ("gloo", "nccl", "connection", "timed out", "timeout", "recvvalue"))


def _interrupt(*_):
    raise Interrupted


if __name__ == "__main__":
    sys.exit(main())
