"""What Sphinx reads: the notebooks, the files that they link to, and the start page, laid out in a folder."""

import re
import shutil
from pathlib import Path
from string import Template

import nbformat

from cs231n.checks.todo import TODOS
from tools.editions import ROOT
from tools.pictures import figure

START_PAGE = Path(__file__).with_name("index.md")
LINK = re.compile(r"\[([^\]]+)\]\(\.\./([^)\s#]+)\)")  # to a file outside the notebooks' folder
NOT_PROSE = ("#", ">", "|", "-", "[", "**", "!", "<", "$")  # heads of paragraphs that do not say what it is about
CARD = Template("""\
:::{grid-item-card} [$title](notebooks/$name.ipynb)
:img-top: pictures/$picture
:img-alt: $alt
:class-img-top: part

$about

**$todos TODOs, $time**
:::
""")


class SiteError(ValueError):
    """The pages cannot be made as things stand; the message says what to mend."""


def lay_out(folder):
    """Fill the empty `folder` with all that the site is made from."""
    notebooks = {name: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in order()}
    sources = {path: None for notebook in notebooks.values() for path in linked_sources(notebook)}
    for path in sources:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, folder / path)
    (folder / "notebooks").mkdir()
    (folder / "pictures").mkdir()
    cards = []
    for name, notebook in notebooks.items():
        cards.append(card(name, notebook, folder / "pictures"))
        unlink_what_is_missing(notebook, folder)
        nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
    (folder / "index.md").write_text(start_page(cards, sources), encoding="utf-8")


def order():
    """The notebooks' names in the order of the course; SiteError if it leaves one of the folder's out."""
    names = list(dict.fromkeys(todo.notebook for todo in TODOS.values()))
    if there := {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} ^ set(names):
        raise SiteError(
            f"The course's TODOs and notebooks/ do not name the same notebooks: {', '.join(sorted(there))}."
        )
    return names


def prose(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def linked_sources(notebook):
    """Paths, from the course's folder, of the Python files that a notebook links to."""
    paths = [path for cell in prose(notebook) for _, path in LINK.findall(cell.source)]
    return [path for path in paths if path.endswith(".py") and (ROOT / path).is_file()]


def unlink_what_is_missing(notebook, folder):
    """Leave only the words of links to what the site does not have, such as the student's own notebook."""

    def kept(link):
        words, path = link.groups()
        return link[0] if (folder / path).is_file() else words

    for cell in prose(notebook):
        cell.source = LINK.sub(kept, cell.source)


def card(name, notebook, pictures):
    """The start page's words on a notebook, all of them its own; its picture is written into `pictures`."""
    todos = [todo for todo in TODOS.values() if todo.notebook == name]
    title = next(re.findall(r"^# (.+)$", cell.source, re.M)[0] for cell in prose(notebook) if "# " in cell.source)
    content, kind, alt = figure(name, notebook)
    (pictures / f"{name}.{kind}").write_bytes(content)
    return CARD.substitute(
        name=name, title=title, about=what_it_is_about(notebook), picture=f"{name}.{kind}",
        alt=" ".join((alt or f"A figure of {name}").split()), todos=len(todos),
        time=duration(sum(todo.minutes for todo in todos)),
    )  # fmt: skip


def what_it_is_about(notebook):
    """The first paragraph under the title, less a last sentence that only leads over to a list, and without links."""
    text = next(cell.source for cell in prose(notebook) if cell.source.startswith("# "))
    paragraph = next(p for p in text.split("\n\n") if not p.startswith(NOT_PROSE))
    if paragraph.endswith(":"):
        paragraph = re.match(r"(.*[.?!])\s[A-Z]", paragraph, re.S)[1]
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(paragraph.split()))


def duration(minutes):
    """88 -> "about 1 h 30 min": nobody's evening is known to the minute."""
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return "about " + " ".join(f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min")) if n)


def start_page(cards, sources):
    """The text of the start page, with a card for each notebook."""
    grid = "::::{grid} 1 1 2 2\n:gutter: 3\n\n" + "\n".join(cards) + "\n::::"
    return Template(START_PAGE.read_text(encoding="utf-8")).substitute(
        parts=grid,
        notebooks="\n".join(f"notebooks/{name}" for name in order()),
        sources="\n".join(f"{path.removeprefix('cs231n/')} <{path.removesuffix('.py')}>" for path in sorted(sources)),
    )
