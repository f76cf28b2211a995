"""Who imports whom: no circles, no private names, checks apart, torch only where it is needed, nothing else on top."""

import ast
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cs231n.checks.todo import TODOS

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = [  # what the assignment's notebooks import by name
    "layers", "rnn_layers", "transformer_layers", "optim", "gradient_check", "captioning_solver",
    "captioning_solver_transformer", "coco_utils", "data_utils", "image_utils",
    "net_visualization_pytorch", "style_transfer_pytorch", "gan_pytorch",
]  # fmt: skip
FOLDERS = ["classifiers", "datasets", "scores", "train", "figures", "checks", "doctor", "grade"]
WITHOUT_TORCH = [
    "layers", "rnn_layers", "optim", "gradient_check", "classifiers.rnn", "captioning_solver", "coco_utils",
    "image_utils", "decoding", "datasets", "datasets.__main__", "scores.captions", "train", "train.loop",
    "train.checkpoints", "train.progress_bar", "checks", "checks.__main__", "doctor.__main__", "submission",
]  # fmt: skip
COMMANDS = {"cs231n.checks.__main__", "cs231n.datasets.__main__", "cs231n.train.__main__", "cs231n.submission"}


def module_name(path):
    """cs231n/train/loop.py -> "cs231n.train.loop"; a package's __init__ goes by the package's name."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_name(path): path for folder in ("cs231n", "benchmarks") for path in ROOT.joinpath(folder).rglob("*.py")
}
PACKAGE = [name for name in MODULES if name.split(".")[0] == "cs231n"]


@dataclass(frozen=True)
class Import:
    module: str  # of this repository the file itself: "cs231n.optim", also where it says `from . import optim`
    name: str  # what is taken out of it; "" for the module itself
    known_as: str  # the name it has from then on
    late: bool  # inside a function: not run when the module is imported


def imports(tree, name):
    """The Imports of module `name` as it was parsed."""
    for node, late in nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", alias.asname or alias.name, late)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(node, name)
            for alias in node.names:
                known_as, inner = alias.asname or alias.name, f"{origin}.{alias.name}"
                is_module = inner in MODULES
                yield Import(inner if is_module else origin, "" if is_module else alias.name, known_as, late)


def nodes(tree, late=False):
    """(node, whether it stands inside a function) of all below `tree`."""
    for node in ast.iter_child_nodes(tree):
        yield node, late
        yield from nodes(node, late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def absolute(node, name):
    """The module that `from ... import` names, seen from module `name`."""
    if not node.level:
        return node.module
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + (MODULES[name].name == "__init__.py")]
    return ".".join([*parts, node.module] if node.module else parts)


TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
IMPORTS = {name: list(imports(tree, name)) for name, tree in TREES.items()}


def within(module, package):
    return f"{module}.".startswith(f"{package}.")


def reached(name):
    """All modules that `import name` runs or loads, with a way to each: packages run before what is in them."""
    ways, left = {name: [name]}, [name]
    while left:
        module = left.pop()
        parts = module.split(".")
        above = [".".join(parts[:n]) for n in range(1, len(parts))]
        for other in [*above, *(found.module for found in IMPORTS.get(module, ()) if not found.late)]:
            if other not in ways:
                ways[other] = [*ways[module], other]
                left.append(other)
    return ways


def way_to(name, *packages):
    """How importing module `name` comes to one of `packages`, for a message; None if it does not."""
    found = [way for module, way in reached(name).items() if any(within(module, package) for package in packages)]
    return " -> ".join(found[0]) if found else None


def test_everything_is_read():
    """So that a parser gone blind does not pass for a package in order."""
    assert len(PACKAGE) > 80 and sum(len(IMPORTS[name]) for name in PACKAGE) > 500
    assert Import("cs231n.rnn_layers", "lstm_step_forward", "lstm_step_forward", False) in IMPORTS["cs231n.decoding"]
    assert Import("cs231n.train.checkpoints", "", "checkpoints", False) in IMPORTS["cs231n.train.loop"]
    assert Import("cs231n.datasets", "choose", "choose", False) in IMPORTS["cs231n.datasets.digits"]
    assert Import("cs231n.train.ranks", "joined", "joined", True) in IMPORTS["cs231n.train.__main__"]
    assert way_to("cs231n.gan_pytorch", "torch") and way_to("cs231n.train.recipes.gans", "torch")
    assert all(f.module in MODULES for name in PACKAGE for f in IMPORTS[name] if within(f.module, "cs231n"))


def test_no_circle():
    graph = {name: {f.module for f in IMPORTS[name] if within(f.module, "cs231n")} for name in PACKAGE}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize("name", MODULES)
def test_no_private_name_of_another_module(name):
    ours = [found for found in IMPORTS[name] if found.module in MODULES]
    taken = [f"{f.module}: {f.name}" for f in ours if is_private(f.name) or is_private(f.module.split(".")[-1])]
    known_as = {found.known_as for found in ours if not found.name}
    reached_for = [
        ast.unparse(node)
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Attribute) and is_private(node.attr) and ast.unparse(node.value) in known_as
    ]
    assert not taken + reached_for


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def test_checks_stand_apart():
    for name, found in IMPORTS.items():
        if not within(name, "cs231n.checks") and not within(name, "cs231n.grade") and name not in COMMANDS:
            assert not [f for f in found if within(f.module, "cs231n.checks")], name


def test_inside_checks_imports_go_one_way():
    """Machinery, then what helps to write exercises, then exercises, each of which may build on earlier ones."""
    exercises = "cs231n.checks.exercises"
    order = [f.module for f in IMPORTS[exercises] if within(f.module, exercises)]
    assert sorted(order) == sorted(name for name in PACKAGE if within(name, exercises) and name != exercises)
    for name in PACKAGE:
        if not within(name, "cs231n.checks") or name == exercises:
            continue
        earlier = order[: order.index(name)] if name in order else [exercises] if name == "cs231n.checks" else []
        for found in IMPORTS[name]:
            if within(found.module, exercises):
                assert found.module in earlier, (name, found)
            elif within(found.module, "cs231n.checks.authoring"):
                assert name in order or within(name, "cs231n.checks.authoring"), (name, found)
            elif within(found.module, "cs231n.checks.explain") and within(name, "cs231n.checks.explain"):
                pass  # a room's own pieces
            elif within(found.module, "cs231n.checks"):
                assert found.module.count(".") == 2, (name, found)
            elif within(found.module, "cs231n"):  # the students' classes, when an answer of theirs is run
                assert found.late, (name, found)


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_torch_is_not_loaded(name):
    assert not way_to(f"cs231n.{name}", "torch", "torchvision")


@pytest.mark.parametrize("name", ["train.ranks", "train.recipes"])
def test_training_starts_without_torchvision(name):
    """Which takes as long to import as torch itself, in every process of a run."""
    assert not way_to(f"cs231n.{name}", "torchvision")


def test_top_holds_what_students_write_in_what_the_assignment_imports_and_what_packs_it():
    top = {name.split(".")[1] for name in PACKAGE if "." in name}
    written = {todo.module.split(".")[1] for todo in TODOS.values()}
    assert top == written | {*ASSIGNMENT, *FOLDERS, "submission"}


def test_figures_stand_apart():
    numpy_only = {todo.module for todo in TODOS.values() if not way_to(todo.module, "torch")} | {"cs231n.layers"}
    assert {"cs231n.rnn_layers", "cs231n.classifiers.rnn", "cs231n.decoding"} <= numpy_only
    for name in numpy_only:
        assert not way_to(name, "cs231n.figures")
        assert not [found for found in IMPORTS[name] if within(found.module, "cs231n.figures")]  # nor late
    for name in PACKAGE:
        if within(name, "cs231n.figures"):
            ours = [found for found in IMPORTS[name] if within(found.module, "cs231n")]
            assert all(within(found.module, "cs231n.figures") for found in ours), name
