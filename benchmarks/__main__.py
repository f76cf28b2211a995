"""`python -m benchmarks [--strict] [NAME ...]`: run some benchmarks, or all, and print what they measured."""

import argparse
import os
import sys

# Before numpy is loaded: a pool of threads that wait for work slows down the one thread that has some.
os.environ.update(
    {f"{pool}_NUM_THREADS": "1" for pool in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}, TQDM_DISABLE="1"
)

import importlib
from dataclasses import replace

import torch
from rich.console import Console
from rich.table import Table

from .timing import blas_in_use

# Each is a module of this folder with rows(tiny), which yields timing.Row, and NOTES, the words below its table.
BENCHES = ("captioning", "net_visualization", "style_transfer", "gan")


def main(argv):
    """Run what `argv` names and return the exit status: 0, or 1 if --strict was given and a target was missed."""
    options = parse(argv)
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    console.print(blas_in_use(avx512=torch.backends.cpu.get_cpu_capability() == "AVX512"))
    missed = sum(report(console, name, options.tiny) for name in options.names or BENCHES)
    if options.tiny:
        console.print("Tiny sizes: all of it runs, and none of the ratios means anything.")
    elif missed:
        console.print(f"[red]Missed: {missed}.[/] On a busy machine, look twice before you believe it.")
    else:
        console.print("[green]Every target met.[/]")
    return int(options.strict and missed > 0)


def parse(argv):
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="CPU-time ratios on one thread.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; none means all")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if a target is missed")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, no targets: shows that all of it runs")
    options = parser.parse_args(argv)
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; choose from {', '.join(BENCHES)}")
    return options


def report(console, name, tiny):
    """Run benchmark `name`, print its table, and return how many targets it missed."""
    bench = importlib.import_module(f"benchmarks.{name}")
    with console.status(f"measuring {name} ..."):
        rows = list(bench.rows(tiny))
    if tiny:
        rows = [replace(row, target=None) for row in rows]
    table = Table("what", title=name, box=None)
    for heading in ("CPU ms", "against", "CPU ms", "ratio", "target", ""):
        table.add_column(heading, justify="left" if heading in ("against", "") else "right")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table, bench.NOTES, sep="\n")
    return sum(row.missed for row in rows)


def cells(row):
    """The texts of one line of the table."""
    target, verdict = "", ""
    if row.target is not None:
        target = f"{'≥' if row.at_least else '≤'} {row.target:g}"
        verdict = "[red]MISSED[/]" if row.missed else "[green]ok[/]"
    return row.name, f"{row.ms:.1f}", row.against, f"{row.against_ms:.1f}", f"{row.ratio:.3f}", target, verdict


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
