"""One HTML page about a class: who got what right, the cards behind it, what is stumbled over and what is unexplained.

The page needs nothing else: no script runs in it and nothing is loaded, and its own policy forbids both, so that a
student's text could do nothing even if it were not escaped.
"""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import classwide
from .cards import SIGNS, card_of, cases_in_words, in_order, in_words, is_right, kind_of, readable
from .skeletons import skeleton
from .tables import columns, points

LINES, CHARACTERS = 150, 8000  # of an answer; beyond that its own file shows it
UNKNOWN = {"date": "", "counts": {}, "confinement": [], "points": {}}  # of a run about which nothing is said
HERE = Path(__file__).resolve().parent


def write_report(records, path, about):
    """Write the page about all records of a class, as one file.

    about: {"date": text, "counts": {what: number}, "confinement": [sentences], "points": {id: most}}; any may lack.
    """
    Path(path).write_text(page(records, about), encoding="utf-8")


def page(records, about):
    """The HTML of the page."""
    records, styles, about = in_order(records), {}, UNKNOWN | about
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"parted": _parted, "marked_up": _marked_up}
    ids = columns(records)
    rows = [_row(n, record, ids, styles) for n, record in enumerate(records)]
    html = environment.get_template("report.html").render(
        style=Markup(_style_sheet(styles)), about=about, records=records, rows=rows, signs=SIGNS,
        seen={cell["kind"] for _, cells in rows for cell in cells}, points=points,
        notebooks=classwide.notebooks(records), key=lambda n, id: _key(n, ids.index(id)), **_sections(records, about),
    )  # fmt: skip
    return readable(html)


def _parted(name):
    """A name like NetworkVisualization, which may go on in the next line before a capital."""
    return Markup("<wbr>").join(re.split("(?<=[a-z])(?=[A-Z])", name))


def _marked_up(text):
    """Code between backticks, as on the cards."""
    parts = text.split("`")
    code = Markup("<code>{}</code>").format
    return Markup().join(code(part) if k % 2 and k + 1 < len(parts) else part for k, part in enumerate(parts))


def _sections(records, about):
    numbers = classwide.numbers(records)
    return {
        "numbers": numbers,
        "finished": classwide.finished(records),
        "bars": _bars(classwide.distribution(records), numbers["of"]),
        "mistakes": _parts(classwide.mistakes(records)),
        "todos": [_of_todo(id, kinds, about) for id, kinds in classwide.by_todo(records).items()],
        "unexplained": _parts(classwide.unexplained(records), _shown),
        "alarms": classwide.alarms(records),
        "noted": [(n, record["notes"]) for n, record in enumerate(records) if record["notes"]],
    }


def _key(n, column):
    """The name within the page of the card of record n in a column."""
    return f"c{n}-{column}"


def _row(n, record, ids, styles):
    """A student's row in the grid: the record, and a cell for every TODO."""
    found = {todo["id"]: todo for todo in record["todos"]}
    return record, [_cell(_key(n, k), id, record["student"], found.get(id), styles) for k, id in enumerate(ids)]


def _cell(key, id, student, todo, styles):
    kind = kind_of(todo)
    cell = {"id": id, "key": key, "kind": kind, "sign": SIGNS[kind][0], "todo": todo, "tenths": 0,
            "label": f"{student}, {id}: {in_words(todo)}"}  # fmt: skip
    if todo is None:
        return cell
    if kind == "wrong" and todo["of"]:
        cell["tenths"] = round(10 * todo["right"] / todo["of"])
    cell["source"], cell["left"] = ("", 0) if kind == "todo" else _beginning(todo["answer"] or "")
    cell["cases"] = [] if is_right(todo) else list(cases_in_words(todo))
    cell["card"] = Markup(_with_classes(card_of(todo)._repr_html_(), styles))
    return cell


def _with_classes(html, styles):
    """A card with classes in place of its styles: of thousands of cards, these would be a fifth of the page."""
    return re.sub("style='([^']*)'", lambda found: "class=" + styles.setdefault(found[1], f"k{len(styles)}"), html)


def _style_sheet(styles):
    rules = (f".{name} {{ {style} }}" for style, name in styles.items())
    return "\n".join([(HERE / "report.css").read_text(encoding="utf-8"), *rules])


def _beginning(source):
    """(what is shown of a source, how many lines are left out)."""
    lines = source.splitlines()
    shown = "\n".join(lines[:LINES])
    shown = shown if len(shown) <= CHARACTERS else shown[:CHARACTERS] + " ..."
    return shown, max(len(lines) - LINES, 0)


def _bars(counts, of):
    """Bars of the figure, in units of a bar's width and of the highest one: (from, to, count, height)."""
    most = max(counts) or 1
    edges = [of * k / len(counts) for k in range(len(counts) + 1)]
    return [(f"{a:g}", f"{b:g}", count, count / most) for a, b, count in zip(edges, edges[1:], counts)]


def _of_todo(id, kinds, about):
    students = sum(kinds.values())
    passed = kinds["passed"] + kinds["remark"]
    return {"id": id, "passed": passed, "percent": round(100 * passed / students), "wrong": kinds["wrong"],
            "waiting": kinds["waiting"], "todo": kinds["todo"], "alarm": kinds["alarm"],
            "points": f"{about['points'][id]:g}" if id in about["points"] else ""}  # fmt: skip


def _parts(groups, shown=lambda group: group):
    """What several students share, and what is one student's own."""
    return {
        "several": [shown(group) for group in groups if len(group.students) > 1],
        "single": [shown(group) for group in groups if len(group.students) == 1],
    }


def _shown(group):
    source, _ = _beginning(group.entry["answer"] or "")
    return {
        "entry": group.entry,
        "students": group.students,
        "source": source,
        "skeleton": skeleton(group.entry["id"], source, len(group.students)),
    }
