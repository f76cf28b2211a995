"""The page about a class: what it says, that it holds together, and that no student's text becomes a part of it.

How it looks and is worked with is seen in tests/browser/test_grade_report.py.
"""

import ast
import re
from html.parser import HTMLParser
from pathlib import Path

import made_up_records as made_up
import pytest
from test_show import contrast

from cs231n.checks import TODOS, exercises
from cs231n.checks.todo import Todo
from cs231n.grade import classwide, report
from cs231n.grade.cards import card_of
from cs231n.grade.skeletons import skeleton

ROOT = Path(__file__).resolve().parent.parent
CLASS = made_up.class_of(60)
VOID = {"meta", "link", "br", "wbr", "img", "input"}
BREAKS_OUT = (
    "</pre></script>'\"><script>alert(1)</script><img src=x onerror=alert(1)>&lt; {{ 7 * 7 }} `</code>` \x00\ud83d"
)


class Element:
    """A tag with its attributes and all text within."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.parts = tag, dict(attributes), []

    @property
    def text(self):
        return "".join(self.parts)


class Page(HTMLParser):
    """The elements of a page in their order; those that were never closed; tags closed in the wrong order."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.crossed = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append(Element(tag, attributes))
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):  # within the figure
        self.elements.append(Element(tag, attributes))

    def handle_endtag(self, tag):
        if self.open.pop().tag != tag:
            self.crossed.append(tag)

    def handle_data(self, text):
        for element in self.open:
            element.parts.append(text)

    def all(self, tag, **wanted):
        """Elements with this tag and these attributes: class_ for class, aria_label for aria-label."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [e for e in self.elements if e.tag == tag and wanted.items() <= e.attributes.items()]

    def section(self, name):
        return " ".join(self.all("section", aria_labelledby=name)[0].text.split())


def page_of(*students, about=None):
    """The Page of some students: (name, entries) each."""
    records = [made_up.with_sums(name, entries) for name, entries in students]
    return Page(report.page(records, made_up.ABOUT if about is None else about))


@pytest.fixture(scope="module")
def page():
    return Page(report.page(CLASS, made_up.ABOUT))


# ---- the page as a whole -------------------------------------------------------------------------------------


def test_the_page_holds_together(page):
    assert not page.open and not page.crossed
    ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    named = ("popovertarget", "aria-labelledby")
    asked = {e.attributes[name] for e in page.elements for name in named if name in e.attributes}
    asked |= {e.attributes["href"].removeprefix("#") for e in page.elements if "href" in e.attributes}
    assert len(asked) > 3000 and asked <= set(ids)


def test_nothing_is_loaded_and_no_script_runs(page):
    assert not [e for e in page.elements if e.tag in ("script", "link", "img", "iframe", "object", "embed", "base")]
    assert not [e for e in page.elements if {"src", "srcset", "background"} & set(e.attributes)]
    assert not [name for e in page.elements for name in e.attributes if name.startswith("on")]
    (style,) = page.all("style")
    assert "url(" not in style.text and "@import" not in style.text
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline';")


def test_a_large_class_fits_into_some_megabytes():
    """Five for 60 students and 50 TODOs, that is 1.7 kB a card with its answer."""
    cards = len(CLASS) * len(CLASS[0]["todos"])
    assert cards == 60 * len(TODOS)
    html = report.page(CLASS, made_up.ABOUT)
    assert 1000 < len(html.encode()) / cards < 5_000_000 / (60 * 50)


def test_an_enormous_answer_does_not_fill_the_page():
    lines = page_of(("Ada", [made_up.entry("rnn_forward", "unexplained", answer="x = 1\n" * 100_000)]))
    long = page_of(("Ada", [made_up.entry("rnn_forward", "unexplained", answer="x" * 1_000_000)]))
    assert sum(len(pre.text) for pre in lines.all("pre")) < 100_000 > sum(len(pre.text) for pre in long.all("pre"))
    assert "and 99850 lines more" in lines.all("div", popover=None)[0].text


def test_the_page_is_the_same_whoever_was_graded_first(tmp_path):
    report.write_report(CLASS[:6], tmp_path / "one.html", made_up.ABOUT)
    report.write_report(CLASS[5::-1], tmp_path / "other.html", made_up.ABOUT)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "other.html").read_bytes()


def test_nobody_and_nothing():
    """No submission; one of which nothing could be graded; nothing known about the run."""
    assert "No submission was graded" in page_of(about={}).section("grid")
    page = page_of(("Ada", []), ("Ben", [made_up.entry("rnn_forward")]), about={})
    assert page.all("span", role="img")[0].attributes["aria-label"] == "Ada, rnn_forward: not graded"
    assert not page.open and not page.crossed


# ---- a student's text is text --------------------------------------------------------------------------------


def everywhere(text):
    """A record in which every text that a student's program might have had a hand in holds `text`."""
    entry = made_up.entry(
        "rnn_forward", "unexplained", reason=text, details=[text, text], answer=text, digest=text, cases={text: False}
    )
    named = made_up.entry("rnn_backward", "named", mistake=text, details=[text], below=text, answer=text)
    remark = made_up.entry("lstm_forward", "remark", remarks=[text], reason=text)
    alarm = made_up.entry("lstm_backward", "alarm", alarm=text, answer=text)
    waiting = made_up.entry("tv_loss", "waiting", reason=text)
    return made_up.with_sums(text, [entry, named, remark, alarm, waiting]) | {"notes": [text]}


def test_no_text_becomes_part_of_the_page():
    about = {"date": BREAKS_OUT, "counts": {BREAKS_OUT: BREAKS_OUT}, "confinement": [BREAKS_OUT]}
    harmless = {"date": "x", "counts": {"x": "x"}, "confinement": ["x"]}
    hurt, well = (
        Page(report.page([everywhere(text), everywhere(text)], said))
        for text, said in ((BREAKS_OUT, about), ("x `x` x", harmless))
    )

    def shape(page):
        return [(e.tag, sorted(e.attributes)) for e in page.elements if e.tag not in ("code", "wbr")]

    assert shape(hurt) == shape(well) and not hurt.open and not hurt.crossed
    assert "<script>alert(1)</script>" in hurt.section("alarms") and "{{ 7 * 7 }}" in hurt.section("notes")
    assert any(
        "onerror" in cell.attributes["aria-label"] for cell in hurt.all("button") if "aria-label" in cell.attributes
    )


def test_no_text_hides_another_or_stops_the_page_from_being_written(tmp_path):
    odd = "right\u202ethgir\x1b[31m \x00 \ud83d"
    report.write_report([everywhere(odd)], tmp_path / "index.html", {})
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not set("\u202e\x1b\x00") & set(text) and "right\ufffdthgir" in text


# ---- the grid and the cards ----------------------------------------------------------------------------------


def test_the_grid_is_read_aloud(page):
    (grid,) = page.all("table", class_="grid")
    rows = page.all("th", scope="row")
    students = [row for row in rows if row.attributes.get("class") == "name"]
    assert len(students) == 60 and "Ada Özil" in [row.text for row in students]
    assert [
        column.text for column in page.all("th", scope="col") if column.attributes.get("class", "")[:4] == "todo"
    ] == list(TODOS)
    groups = page.all("th", scope="colgroup")
    assert sum(int(group.attributes["colspan"]) for group in groups) == len(TODOS)
    assert [group.text for group in groups] == list(dict.fromkeys(todo.notebook for todo in TODOS.values()))
    assert page.all("caption")[0].text.startswith("A row for each student")
    cells = [button for button in page.all("button") if "aria-label" in button.attributes]
    assert len(cells) == 60 * len(TODOS) and len({cell.attributes["aria-label"] for cell in cells}) > 2900


@pytest.mark.parametrize(
    "kind, changed, sign, words",
    [
        ("passed", {}, "✓", "passed"),
        ("remark", {}, "✓", "passed, with a remark"),
        ("named", {"right": 3}, "✗", "wrong, 3 of 5"),
        ("todo", {}, "○", "not started"),
        ("waiting", {}, "…", "waiting"),
        ("alarm", {}, "!", "alarm"),
        ("passed", {"alarm": "it patched the checks"}, "!", "alarm"),
    ],
)
def test_a_cell_says_its_state_by_sign_and_in_words(kind, changed, sign, words):
    page = page_of(("Ada", [made_up.entry("rnn_forward", kind, **changed)]))
    (cell,) = [button for button in page.all("button") if "aria-label" in button.attributes]
    assert cell.text == sign and cell.attributes["aria-label"] == f"Ada, rnn_forward: {words}"
    assert ("s6" in cell.attributes["class"].split()) == ("right" in changed)


def test_a_card_has_all_that_the_student_sees_and_the_answer():
    entry = made_up.entry("rnn_step_forward", "named", right=2, points=0.4, answer="def f():\n    return '<b>'\n")
    page = page_of(("Ada", [entry]))
    (card,) = page.all("div", popover=None)
    text = " ".join(card.text.split())
    for line in repr(card_of(entry)).splitlines():
        assert line.strip().replace("`", "") in text
    assert "Ada, RNN: 0.4 of 1 points" in text and "def f(): return '<b>'" in text
    labels = list(TODOS["rnn_step_forward"].cases())
    assert f"wrong: {labels[0]}" in text or f"right: {labels[0]}" in text


def test_classes_stand_for_the_cards_own_styles(page):
    (style,) = page.all("style")
    card = card_of(made_up.entry("rnn_forward"))._repr_html_()
    for rule in re.findall("style='([^']*)'", card):
        (name,) = re.findall(rf"\.(k\d+) {{ {re.escape(rule)} }}", style.text)
        assert any(e.attributes.get("class") == name for e in page.elements)


def test_signs_are_read_on_their_grounds_in_either_theme():
    """axe leaves signs out. Also over the fill, and the bars and frames against the page."""
    style = (ROOT / "cs231n/grade/report.css").read_text(encoding="utf-8")
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    pairs = [("ink", "ground"), ("ink", "raised"), ("quiet", "ground"), ("link", "ground"), ("right-ink", "right"),
             ("wrong-ink", "wrong"), ("wrong-ink", "fill"), ("open-ink", "ground"), ("open-ink", "wait"),
             ("open-ink", "raised"), ("alarm-ink", "alarm"), ("link", "raised"), ("ground", "ink")]  # fmt: skip
    for theme in (light, dark):
        low = {pair: contrast(*map(theme.get, pair)) for pair in pairs}
        assert min(low.values()) >= 4.5, low
        assert contrast(theme["bar"], theme["ground"]) >= 3 <= contrast(theme["alarm"], theme["ground"])


# ---- the class together --------------------------------------------------------------------------------------


def entries(*kinds, ids=("rnn_step_forward", "rnn_forward")):
    return [made_up.entry(id, kind) for id, kind in zip(ids, kinds)]


def test_numbers_of_the_class():
    kinds = {"A": ("passed", "passed"), "B": ("passed", "alarm"), "C": ("remark", "passed"), "D": ("todo", "todo")}
    records = [made_up.with_sums(name, entries(*two)) for name, two in kinds.items()]
    assert classwide.numbers(records) == {"of": 2, "mean": 1.25, "median": 1.5}
    assert classwide.finished(records) == {"RNN": 2}
    counts = classwide.distribution(records)
    assert (counts[0], counts[5], counts[9], sum(counts)) == (1, 1, 2, 4)
    text = Page(report.page(records, {})).all("title", id="distribution")[0].text
    assert "0 to 0.2: 1." in text and "1.8 to 2: 2." in text


def test_mistakes_are_counted_across_students():
    title = next(iter(TODOS["rnn_forward"].mistakes))
    named = made_up.entry("rnn_forward", "named", mistake=title)
    told = "One change in line {} makes this right: x."
    found = [made_up.entry("rnn_step_forward", "found", line=n, details=[told.format(n)]) for n in (1, 20)]
    hostile = made_up.entry("rnn_forward", "named", mistake=title, alarm="it forks")
    other = made_up.entry("rnn_backward", "unexplained")
    of_each = [named], [named, found[0]], [found[1]], [named], [hostile, other]
    records = [made_up.with_sums(name, todos) for name, todos in zip("ABCDE", of_each)]
    first, second = classwide.mistakes(records)
    assert (first.text, first.named, first.students) == (title, True, [0, 1, 3])
    assert (second.text, second.named, second.students) == ("One change makes this right: x.", False, [1, 2])


def test_unexplained_answers_are_grouped_by_their_outputs():
    def with_digest(digest, id="rnn_forward", **changed):
        return [made_up.entry(id, "unexplained", digest=digest, answer=f"answer {digest}", **changed)]

    todos = [with_digest(digest) for digest in ("a", "b", "b", None, None)]
    todos += [with_digest("b", id="rnn_backward"), with_digest("b", alarm="it forks"), with_digest("a", explained=True)]
    groups = classwide.unexplained([made_up.with_sums(name, todo) for name, todo in zip("ABCDEFGH", todos)])
    assert [group.students for group in groups] == [[1, 2], [0], [3], [4], [5]]
    page = page_of(*zip("ABCDEFGH", todos))
    articles = page.all("article")
    assert len(articles) == 5 and "B, C" in articles[0].text and "answer b" in articles[0].text
    assert "cs231n/checks/exercises/rnn.py" in articles[0].text
    assert page.section("unexplained").count("Answers like no other student's (4)") == 1


def test_shares_alarms_notes_and_confinement_are_told(page):
    for row in page.all("tr"):
        if row.text.strip().startswith("rnn_forward\n"):
            right = sum(todo["state"] == "passed" and not todo["alarm"] for _, todo in classwide.entries(CLASS)
                        if todo["id"] == "rnn_forward")  # fmt: skip
            assert f"{round(100 * right / 60)} %" in row.text
            break
    else:
        pytest.fail("no row for rnn_forward")
    told = page.section("alarms")
    for n, todo in classwide.alarms(CLASS):
        assert f"{CLASS[n]['student']}, {todo['id']}: {todo['alarm']}" in told
    assert page.section("notes").count("was not handed in") == sum(bool(record["notes"]) for record in CLASS) > 0
    assert all(sentence in page.section("how") for sentence in made_up.ABOUT["confinement"])


# ---- skeletons of new mistakes -------------------------------------------------------------------------------

SOURCES = ["def f(x):\n    return x\n", 'def f():\n    """What."""\n    return "\\n"', "x = '''a''' + \"\"\"b\"\"\"",
           'x = "', "ends in a backslash \\", "", "    indented\n    twice", "\r\n\x0c\x00odd\u2028",
           "def f():\n" + "    x\n" * 500, '"""', "\\"]  # fmt: skip


def pasted(text, **names):
    exec(compile(text, "pasted", "exec"), names)


@pytest.mark.parametrize("source", SOURCES)
def test_both_pieces_are_python_whatever_the_answer_was(source):
    made, taken = skeleton("rnn_forward", source, 2), []
    pasted(made.answer, wrong=lambda *args, says: taken.append(args))
    kept = source.replace("\x00", "?").replace("\x0c", "?")
    assert taken[0][0] == "rnn_forward" and taken[0][2].split() == kept.split()
    before = dict(TODOS["rnn_forward"].mistakes)
    try:
        pasted(made.mistake, rnn_forward=TODOS["rnn_forward"])
        assert list(TODOS["rnn_forward"].mistakes) == [*before, "..."]
    finally:
        TODOS["rnn_forward"].mistakes = before
    assert "2 students" in made.mistake and max(map(len, made.mistake.splitlines())) < 200


@pytest.mark.parametrize("id", TODOS)
def test_a_skeleton_is_called_as_the_checks_call_a_mistake(id):
    """And goes where the course has this TODO: its body is reached, and says that it is not written yet."""
    todo, made, kept = TODOS[id], skeleton(id, "def f(): pass"), {}
    room = getattr(exercises, Path(made.mistake_file).stem)
    assert getattr(room, id) is todo and (ROOT / made.mistake_file).is_file()
    assert f'"{id}"' in (ROOT / made.answer_file).read_text(encoding="utf-8")
    held = Todo.__new__(Todo)
    held.mistakes = kept
    pasted(made.mistake, **{id: held})
    (mistake,) = kept.values()
    with pytest.raises(NotImplementedError, match="short wrong implementation"):
        todo.call_mistake(mistake, *next(iter(todo.cases().values())))


def test_an_unknown_todo_has_no_skeleton():
    assert skeleton("no_such_todo", "x") is None
    entry = made_up.entry("rnn_forward", "unexplained") | {"id": "no_such_todo"}
    assert "no_such_todo" in page_of(("Ada", [entry])).section("unexplained")


def test_a_student_s_own_lines_stand_in_the_skeleton_as_comments():
    made = skeleton("rnn_forward", "def f(x):\n    return x  # done")
    assert "    # def f(x):\n    #     return x  # done\n" in made.mistake
    assert ast.parse(made.mistake).body[0].args.args[1].arg == "h0"
