"""How results look: an HTML card in a notebook, and the same in plain text everywhere else."""

import sys
from dataclasses import dataclass
from html import escape

from .compare import differs
from .console import fit, in_ipython
from .result import Result
from .todo import TODOS

MOST = 6  # lines of a card under its title
# No colour has, as text, the contrast of 4.5 that WCAG asks for both on white and on a dark page. So these stand behind
# a white sign and beside text; the text itself keeps the colour of the page.
LOOK = {  # state -> sign, colour, word
    "passed": ("✓", "#257f4e", "passed"),
    "todo": ("○", "#737373", "not started"),
    "waiting": ("…", "#737373", "waiting"),
    "wrong": ("✗", "#b9502a", "not right yet"),
}
HINT = "#2f6fc6"


def display(card):
    """Show a card: as HTML with a text twin in IPython, as text elsewhere."""
    if in_ipython():
        sys.modules["IPython"].display.display(card)
    else:
        print(fit(repr(card)))


def _card(colour, title, lines):
    body = "".join(f"<div style='margin-top:3px'>{line}</div>" for line in lines)
    return (
        f"<div style='border-left:4px solid {colour};padding:4px 12px;margin:4px 0;max-width:56em;line-height:1.45;"
        "overflow-wrap:anywhere'>"
        f"<b>{title}</b>{body}</div>"
    )


def _badge(sign, colour):
    return f"<span style='background:{colour};color:#ffffff;border-radius:3px;padding:0 4px'>{sign}</span>"


def _marked_up(text):
    """HTML of a line of text, in which code stands between backticks."""
    parts = escape(text).split("`")
    return "".join(_code(part) if k % 2 and k + 1 < len(parts) else part for k, part in enumerate(parts))


def _code(text):
    """Several lines of code keep their breaks."""
    return f"<code style='display:block;white-space:pre'>{text}</code>" if "\n" in text else f"<code>{text}</code>"


@dataclass
class ResultCard:
    """The outcome of one check, its reason, and what there is to do."""

    result: Result

    def _title(self):
        word = self.result.reason if self.result.state == "waiting" else LOOK[self.result.state][2]
        return f"{self.result.id}: {word}"

    def _lines(self):
        """(text, whether it stands out) of the lines under the title, what matters most first, MOST at most."""
        lines = list(self._all_lines())
        return lines if len(lines) <= MOST else [*lines[: MOST - 1], lines[-1]]

    def _all_lines(self):
        r = self.result
        if r.below:
            yield f"It builds on {r.below}, which is wrong as well: mend that one first.", True
        if r.state in ("passed", "wrong"):
            yield r.reason, False
        if r.mistake:
            here = f"On the input '{r.label}', this" if r.loosely else "Part of it" if r.changes else "This"
            yield f"{here} is exactly what you get when {r.mistake}.", True
        yield from ((f"Right; but: {remark}", False) for remark in r.remarks)
        found = bool(r.changes)  # then the first of the details says where
        yield from ((line, found and k == 0) for k, line in enumerate(r.details) if line)
        if r.state == "wrong":
            shown = f'; case("{r.id}") hands you this input' if r.label else ""
            yield f'Stuck? hint("{r.id}"){shown}', False

    def __repr__(self):
        return "\n  ".join([f"{LOOK[self.result.state][0]} {self._title()}", *(text for text, _ in self._lines())])

    def _repr_html_(self):
        lines = [f"<b>{_marked_up(text)}</b>" if strong else _marked_up(text) for text, strong in self._lines()]
        sign, colour, _ = LOOK[self.result.state]
        title = f"{_badge(sign, colour)} {escape(self._title())}"
        return _card(colour, title, lines + _grids(self.result.pictures))


def _grids(pictures):
    """Two small tables side by side, what came beside what was expected, wrong cells bold and shaded."""
    if not pictures:
        return []
    title, got, want = pictures
    off = differs(got, want)
    top = "vertical-align:top;padding-right:2em;text-align:left"
    tables = "".join(
        f"<td style='{top}'>{escape(title)}, {word}:{_table(a, off)}</td>"
        for word, a in (("yours", got), ("expected", want))
    )
    table = f"<table style='border:0;margin:4px 0'><tr style='background:none'>{tables}</tr></table>"
    return [f"<div style='overflow-x:auto'>{table}</div>"]


def _table(array, off):
    def cell(value, wrong):
        shade = "background:rgba(192,86,47,.28);font-weight:bold;" if wrong else ""
        look = "padding:1px 7px;text-align:right;white-space:nowrap;font-family:monospace"
        return f"<td style='{shade}{look}'>{value:.4g}</td>"

    rows = ("".join(map(cell, row, marks)) for row, marks in zip(array.tolist(), off))
    return "<table>" + "".join(f"<tr style='background:none'>{row}</tr>" for row in rows) + "</table>"


@dataclass
class HintCard:
    """Hint number `number`, from 1, of a TODO's hints."""

    id: str
    number: int
    hints: tuple

    def _title(self):
        return f"Hint {self.number} of {len(self.hints)} for {self.id}"

    def __repr__(self):
        more = "" if self.number < len(self.hints) else "\n  (That was the last one.)"
        return f"{self._title()}\n  {self.hints[self.number - 1]}{more}"

    def _repr_html_(self):
        more = [] if self.number < len(self.hints) else ["<i>That was the last one.</i>"]
        return _card(HINT, escape(self._title()), [_marked_up(self.hints[self.number - 1]), *more])


@dataclass
class ProgressTable:
    """A row for each of some Results, and how many of them have passed; with the way so far, if there is one."""

    results: list
    way: object = None  # a card

    def rows(self):
        """(notebook, id, sign, word and reason, colour) of each TODO; a notebook's name only in its first row."""
        last = None
        for r in self.results:
            sign, colour, word = LOOK[r.state]
            notebook = TODOS[r.id].notebook
            why = r.reason if r.state in ("wrong", "waiting") else f"{word}, with a remark" if r.remarks else word
            yield "" if notebook == last else notebook, r.id, sign, why, colour
            last = notebook

    def _count(self):
        return sum(r.state == "passed" for r in self.results), len(self.results)

    def _end(self):
        """How many are done, and which comes next."""
        done, total = self._count()
        left = [r.id for r in self.results if r.state in ("todo", "wrong")]
        return f"{done} of {total} done" + (f", next: {left[0]}" if left else "")

    def __repr__(self):
        done, total = self._count()
        bar = "█" * round(24 * done / total) + "░" * (24 - round(24 * done / total))
        lines = [
            f"{chr(10) * bool(notebook and n)}{notebook:<22}{sign} {id:<33}{why}"
            for n, (notebook, id, sign, why, _) in enumerate(self.rows())
        ]
        return "\n".join([*lines, f"{bar} {self._end()}", *([repr(self.way)] if self.way else [])])

    def _repr_html_(self):
        done, total = self._count()
        left, gap = "text-align:left;padding:1px 14px 1px 0", "border-top:1px solid rgba(128,128,128,.4)"
        rows = "".join(
            f"<tr style='background:none;{gap if notebook else ''}'><td style='{left}'>{escape(notebook)}</td>"
            f"<td style='{left}'>{_badge(sign, colour)}</td><td style='{left}'><code>{escape(id)}</code></td>"
            f"<td style='{left}'>{escape(why)}</td></tr>"
            for notebook, id, sign, why, colour in self.rows()
        )
        strip, full = "height:9px;border-radius:5px;background:", f"{100 * done / total:.0f}%"
        bar = (
            f"<div style='{strip}rgba(128,128,128,.25);width:22em;margin:6px 0'>"
            f"<div style='{strip}{LOOK['passed'][1]};width:{full}'></div></div>"
        )
        way = self.way._repr_html_() if self.way else ""
        return f"{bar}<div>{escape(self._end())}</div>{way}<table style='border-collapse:collapse'>{rows}</table>"
