"""The way so far, drawn from the journal: how many TODOs had passed when, with the tries and the hints between."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from . import journal
from .show import HINT, LOOK

TRIED = ("passed", "wrong")  # the states that say something of an answer
LAST = 7  # days that the text has a line for
BAR = 24  # signs

# Of the picture, in CSS pixels: its text is then as large as it says. Of its colours, each stands out on a light page
# and on a dark one; the text keeps the colour of the page.
WIDTH, LEFT, RIGHT = 520, 8, 484
TOP, FLOOR, TRIES, DAYS, KEY, HEIGHT = 18, 78, 84, 108, 130, 136
DAY_WIDTH = 54  # what the name of a day takes
PAUSE = timedelta(minutes=30)  # longer ones are drawn as if they were so long
GREEN, RED = LOOK["passed"][1], LOOK["wrong"][1]


@dataclass
class Way:
    """Journal entries of some TODOs in their order, and how many of how many have passed now."""

    entries: list
    passed: int
    of: int
    now: datetime

    @classmethod
    def so_far(cls, results):
        """The way that led to these Results; None where the journal knows of no try."""
        ids = {result.id for result in results}
        entries = [entry for entry in journal.entries() if entry.id in ids]
        if not any(entry.state in TRIED for entry in entries):
            return None
        passed, now = sum(result.state == "passed" for result in results), datetime.now().astimezone()
        return cls(entries, passed, len(ids), max(now, entries[-1].time))

    def counts(self):
        """How many TODOs had passed after each of the entries."""
        passed = set()
        for entry in self.entries:
            if entry.state == "passed":
                passed.add(entry.id)
            elif entry.state != journal.HINT:
                passed.discard(entry.id)
            yield len(passed)

    def tries(self):
        """The entries that are tries: checks of an answer, up to when it first passed."""
        passed = set()
        for entry in self.entries:
            if entry.state in TRIED and entry.id not in passed:
                yield entry
            if entry.state == "passed":
                passed.add(entry.id)

    def hints(self):
        """The entries that are hints; the last one of a TODO may be shown again, and is then no other."""
        given = [entry for entry in self.entries if entry.state == journal.HINT]
        return list({(entry.id, entry.hints): entry for entry in reversed(given)}.values())

    def words(self):
        """What there is to say of it, in a line."""
        tries = list(self.tries())
        days = {entry.time.date() for entry in [*tries, *self.hints()]}
        often = Counter(entry.id for entry in tries)
        passed = {entry.id for entry in tries if entry.state == "passed"}
        said = [f"{_number(len(tries), 'try', 'tries')} and {_number(len(self.hints()), 'hint')} "
                f"on {_number(len(days), 'day')}"]  # fmt: skip
        if passed:
            said.append(f"{sum(often[id] == 1 for id in passed)} of {len(passed)} right at the first try")
        hardest, most = often.most_common(1)[0]
        return "; ".join([*said, f"most tries: {hardest}, {most}"] if most > 2 else said)

    def __repr__(self):
        days = dict(zip((entry.time.date() for entry in self.entries), self.counts()))  # a day's last entry counts
        tries = Counter(entry.time.date() for entry in self.tries())
        hints = Counter(entry.time.date() for entry in self.hints())
        lines = [f"The way so far: {self.words()}"]
        for day in [day for day in days if tries[day] or hints[day]][-LAST:]:
            count = days[day]
            bar = "█" * round(BAR * count / self.of) + "░" * (BAR - round(BAR * count / self.of))
            tried, helped = _number(tries[day], "try", "tries"), _number(hints[day], "hint")
            lines.append(f"{_name(day):>6} {bar} {count} passed after {tried}, {helped}")
        return "\n".join(lines)

    def _repr_html_(self):
        words = f"<div>The way so far: {escape(self.words())}</div>"
        return f"<div style='margin:10px 0;max-width:{WIDTH}px;line-height:1.45'>{picture(self)}{words}</div>"


def picture(way):
    """SVG of a Way: a line that rises with what has passed, hints on it, tries under it, and the days."""
    *places, end = _places([entry.time for entry in way.entries] + [way.now])
    top = max(way.passed, *way.counts(), 1)
    points = [(x, FLOOR - (FLOOR - TOP) * count / top) for x, count in zip(places, way.counts())]
    points.append((end, FLOOR - (FLOOR - TOP) * way.passed / top))
    at = {id(entry): point for entry, point in zip(way.entries, points)}
    tries = {round(at[id(entry)][0]) for entry in way.tries()}
    hints = {tuple(map(round, at[id(entry)])) for entry in way.hints()}
    said = f"TODOs passed over time, {way.passed} of {way.of} by now: {way.words()}"
    parts = [*_days(way.entries, places), _steps(points), *(_try(x, TRIES) for x in sorted(tries)),
             *(_hint(x, y) for x, y in sorted(hints)), *_end(*points[-1], way.passed), *_key()]  # fmt: skip
    return (
        f"<svg role='img' aria-label='{escape(said)}' viewBox='0 0 {WIDTH} {HEIGHT}' font-size='12' "
        f"style='display:block;width:100%;height:auto'>{''.join(parts)}</svg>"
    )


def _places(times):
    """How far to the right each of some times is, with the pauses shortened."""
    far = [timedelta()]
    for before, after in zip(times, times[1:]):
        far.append(far[-1] + min(after - before, PAUSE))
    whole = max(far[-1], timedelta(seconds=1))
    return [LEFT + (RIGHT - LEFT) * (part / whole) for part in far]


def _steps(points):
    """The line: level until the next entry, then up or down to what has passed by then."""
    (x, y), corners = points[0], ""
    for x_next, y_next in points[1:]:
        if y_next != y:
            corners += f"H{x_next:.1f}V{y_next:.1f}"
            y = y_next
    line = f"M{x:.1f} {FLOOR}V{points[0][1]:.1f}{corners}H{points[-1][0]:.1f}"
    return (
        f"<path d='{line}V{FLOOR}Z' fill='{GREEN}' fill-opacity='.16'/>"
        f"<path d='{line}' fill='none' stroke='{GREEN}' stroke-width='2' stroke-linejoin='round'/>"
    )


def _days(entries, places):
    """A thin line where a day begins, and its name where there is room for it."""
    last, end = None, -DAY_WIDTH
    for entry, x in zip(entries, places):
        if entry.time.date() != last and x >= end:
            yield f"<path d='M{x:.1f} {TOP - 6}V{TRIES + 8}' stroke='currentColor' stroke-opacity='.25'/>"
            yield _text(min(x, RIGHT - DAY_WIDTH / 2), DAYS, _name(entry.time))
            end = x + DAY_WIDTH
        last = entry.time.date()


def _end(x, y, passed):
    yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{GREEN}'/>"
    yield _text(x + 8, y + 4, passed)


def _key():
    yield f"<path d='M{LEFT} {KEY - 4}h16' stroke='{GREEN}' stroke-width='2'/>{_text(LEFT + 22, KEY, 'passed')}"
    yield f"{_try(LEFT + 90, KEY - 8)}{_text(LEFT + 97, KEY, 'a try')}"
    yield f"{_hint(LEFT + 150, KEY - 4)}{_text(LEFT + 160, KEY, 'a hint')}"


def _try(x, y):
    return f"<path d='M{x} {y}v8' stroke='{RED}' stroke-width='2'/>"


def _hint(x, y):
    return f"<path d='M{x} {y - 5}l5 5l-5 5l-5-5Z' fill='{HINT}'/>"


def _text(x, y, text):
    return f"<text x='{x:.1f}' y='{y:.1f}' fill='currentColor'>{text}</text>"


def _name(day):
    return f"{day.day} {day:%b}"


def _number(count, one, many=None):
    return f"{count} {one if count == 1 else many or f'{one}s'}"
