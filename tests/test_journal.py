"""The journal of a student's edition: what is noted, what becomes of a broken one, and the way so far drawn from it."""

import contextlib
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone

import pytest
from test_checks import replace
from test_show import DARK, LIGHT, contrast

from cs231n import checks
from cs231n.checks import journal
from cs231n.checks.result import Result
from cs231n.checks.show import ProgressTable
from cs231n.checks.todo import TODOS
from cs231n.checks.way import Way
from tools import editions
from tools.clones import environment

ID, OTHER = "rnn_step_forward", "word_embedding_forward"


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    monkeypatch.setenv("CS231N_STRICT", "0")
    monkeypatch.delenv("CS231N_JOURNAL", raising=False)
    monkeypatch.setattr(checks, "_hints_shown", checks.Counter())
    monkeypatch.setattr(checks, "_mends", {})


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The place of a journal, as if the checks that run here were a student's."""
    monkeypatch.setattr(journal, "EDITION", tmp_path)
    return tmp_path / "journal.jsonl"


def lines(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


# ---- what is noted -------------------------------------------------------------------------------------------


def test_a_check_and_a_hint_leave_a_line_each(kept, monkeypatch, capsys):
    began = datetime.now(timezone.utc).replace(microsecond=0)
    checks.check(ID, OTHER)
    checks.hint(ID)
    mistake = next(iter(TODOS[ID].mistakes))
    replace(monkeypatch, TODOS[ID], lambda *args: (TODOS[ID].mistakes[mistake](*args), None))
    checks.check(ID)
    found = lines(kept)
    times = [datetime.fromisoformat(line.pop("time")) for line in found]
    assert found == [
        {"id": ID, "state": "passed", "mistake": None, "hints": 0},
        {"id": OTHER, "state": "passed", "mistake": None, "hints": 0},
        {"id": ID, "state": "hint", "mistake": None, "hints": 1},
        {"id": ID, "state": "wrong", "mistake": mistake, "hints": 1},
    ]
    assert all(began <= time <= datetime.now(timezone.utc) for time in times), "aware, or this would raise"


def test_of_a_table_only_news_is_noted(kept, monkeypatch, capsys):
    checks.progress("StyleTransfer")
    first = kept.read_bytes()
    assert [line["state"] for line in lines(kept)] == ["passed"] * 4
    checks.progress("StyleTransfer")
    assert kept.read_bytes() == first
    replace(monkeypatch, TODOS["tv_loss"], lambda *args: None)
    checks.progress("StyleTransfer")
    assert [(line["id"], line["state"]) for line in lines(kept)[4:]] == [("tv_loss", "wrong")]


def test_a_check_that_is_stopped_is_none(kept, monkeypatch, capsys):
    monkeypatch.setattr(checks, "evaluate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        checks.check(ID)
    assert not kept.exists()


def test_the_solved_edition_keeps_none(tmp_path, monkeypatch, capsys):
    assert journal.place() is None
    monkeypatch.setattr(journal, "EDITION", tmp_path)
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/editions.py").touch()
    checks.check(ID), checks.hint(ID), checks.progress("RNN")
    assert [path.name for path in tmp_path.iterdir()] == ["tools"] and journal.entries() == []
    assert "The way so far" not in capsys.readouterr().out


@pytest.mark.parametrize("value, is_kept", [("off", False), (" OFF", False), ("0", False), ("on", True), ("", True)])
def test_one_switch_leaves_it_off(kept, monkeypatch, capsys, value, is_kept):
    monkeypatch.setenv("CS231N_JOURNAL", value)
    checks.check(ID), checks.hint(ID), checks.progress("RNN")
    assert kept.exists() == is_kept


@pytest.mark.parametrize("obstacle", ["a folder", "no folder", "a full disk", "not ours to write"])
def test_where_it_cannot_be_written_checks_go_on(kept, monkeypatch, capsys, obstacle):
    if obstacle == "a folder":
        kept.mkdir()
    elif obstacle == "no folder":
        monkeypatch.setattr(journal, "EDITION", kept / "nowhere")
    else:
        error = OSError(28, "No space left on device") if obstacle == "a full disk" else PermissionError(13, "denied")
        call = "write" if obstacle == "a full disk" else "open"
        monkeypatch.setattr(journal.os, call, lambda *_: (_ for _ in ()).throw(error))
    checks.check(ID), checks.hint(ID), checks.hint(ID), checks.progress("RNN")
    said = capsys.readouterr()
    assert f"✓ {ID}" in said.out and "Hint 2" in said.out and "of 8 done" in said.out and not said.err


# ---- what is read --------------------------------------------------------------------------------------------

TIME = "2026-09-14T10:31:07+02:00"
GOOD = {"time": TIME, "id": ID, "state": "wrong", "mistake": "the bias b is left out", "hints": 2}
FOREIGN = {
    "nothing": b"",
    "cut off": json.dumps(GOOD).encode()[:40],
    "no Unicode": b'{"time": "\xff\xfe", "id": 1}',
    "zeros": bytes(50),
    "a list": b"[1, 2]",
    "a number": b"7",
    "deep": b"[" * 100000,
    "a long number": json.dumps(GOOD).encode().replace(b": 2}", b": " + b"9" * 5000 + b"}"),
    "no time": json.dumps({**GOOD, "time": None}).encode(),
    "no zone": json.dumps({**GOOD, "time": TIME[:19]}).encode(),
    "before all time": json.dumps({**GOOD, "time": "0001-01-01T00:00:00+14:00"}).encode(),
    "another's id": json.dumps({**GOOD, "id": "svm_loss"}).encode(),
    "an id that is none": json.dumps({**GOOD, "id": {}}).encode(),
    "a new state": json.dumps({**GOOD, "state": "nearly"}).encode(),
    "a state that is none": json.dumps({**GOOD, "state": []}).encode(),
    "a mistake that is none": json.dumps({**GOOD, "mistake": [1]}).encode(),
    "hints in words": json.dumps({**GOOD, "hints": "two"}).encode(),
    "hints below none": json.dumps({**GOOD, "hints": -1}).encode(),
    "hints that are true": json.dumps({**GOOD, "hints": True}).encode(),
    "no hints": json.dumps({k: v for k, v in GOOD.items() if k != "hints"}).encode(),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_line_that_is_not_ours_is_passed_over(kept, name, capsys):
    more = json.dumps({**GOOD, "version": 2}).encode()  # a field of a later version does no harm
    kept.write_bytes(b"\r\n".join([FOREIGN[name], more, FOREIGN[name]]))
    assert [(e.id, e.state, e.mistake, e.hints) for e in journal.entries()] == [(ID, "wrong", GOOD["mistake"], 2)]
    checks.check(ID)
    assert journal.entries()[1].state == "passed", "what is added does not stick to what was cut off"
    assert FOREIGN[name] in kept.read_bytes(), "and nothing of it is lost"


def test_the_order_is_that_of_the_times(kept):
    noon = {**GOOD, "time": "2026-09-14T12:00:00+09:00", "state": "passed"}  # 03:00 in Greenwich
    kept.write_text("".join(json.dumps(line) + "\n" for line in (GOOD, noon)), encoding="utf-8")
    assert [entry.state for entry in journal.entries()] == ["passed", "wrong"]


NOTE = """
import pathlib, sys
from cs231n.checks import journal
journal.EDITION = pathlib.Path(sys.argv[1])
for n in range(150):
    journal.note("rnn_step_forward", "wrong", "process " + sys.argv[2] + " " * 300, n)
"""


def test_several_kernels_at_once_do_not_spoil_it(kept):
    command = [sys.executable, "-c", NOTE, str(kept.parent)]
    together = [subprocess.Popen([*command, str(n)], cwd=editions.ROOT, env=environment()) for n in range(3)]
    assert [process.wait(timeout=120) for process in together] == [0, 0, 0]
    assert len(list(filter(None, kept.read_bytes().splitlines()))) == len(journal.entries()) == 450
    for n in range(3):
        theirs = [entry.hints for entry in journal.entries() if entry.mistake.split()[1] == str(n)]
        assert sorted(theirs) == list(range(150))


# ---- hints ---------------------------------------------------------------------------------------------------


def restart():
    checks._hints_shown.clear()
    checks._mends.clear()


def shown(capsys):
    return re.findall(r"Hint (\d+) of (\d+)", capsys.readouterr().out)


def test_hints_taken_survive_a_restart(kept, capsys):
    total = str(len(TODOS[ID].hints))
    checks.hint(ID)
    restart()
    checks.hint(ID)
    assert shown(capsys) == [("1", total), ("2", total)]
    kept.unlink()  # a student's way to begin anew
    restart()
    checks.hint(ID)
    assert shown(capsys) == [("1", total)]


def test_a_hint_of_the_last_check_does_not_survive_but_counts(kept, capsys):
    total = len(TODOS[ID].hints)
    checks._mends[ID] = ("Line 3: `a` should be `b`.",)
    for _ in range(total + 1):
        checks.hint(ID)
    restart()
    checks.hint(ID)
    checks._mends[ID] = ("Line 4: `c` should be `d`.",)
    checks.hint(ID)
    numbers = shown(capsys)
    assert numbers[-3:] == [(str(total + 1),) * 2, (str(total),) * 2, (str(total + 1),) * 2]
    taken = [line["hints"] for line in lines(kept)]
    assert taken == sorted(taken) and taken[-1] == journal.hints_taken()[ID] == total + 1


# ---- the way so far ------------------------------------------------------------------------------------------

START = datetime(2026, 9, 14, 10, 30, tzinfo=timezone(timedelta(hours=2)))


def way(*steps, passed=0, of=8, now=None):
    """Of steps (minutes after START, id, state)."""
    entries = [journal.Entry(START + timedelta(minutes=after), id, state) for after, id, state in steps]
    return Way(entries, passed, of, now or entries[-1].time)


STEPS = [
    (0, ID, "wrong"), (2, ID, "hint"), (5, ID, "wrong"), (6, ID, "passed"), (7, ID, "passed"),
    (60 * 30, OTHER, "todo"), (60 * 30 + 1, OTHER, "passed"), (60 * 30 + 5, ID, "wrong"),
]  # fmt: skip


def test_what_is_counted():
    found = way(*STEPS)
    assert list(found.counts()) == [0, 0, 0, 1, 1, 1, 2, 1], "what is no longer right does not count any more"
    assert [entry.state for entry in found.tries()] == ["wrong", "wrong", "passed", "passed"]
    assert found.words() == ("4 tries and 1 hint on 2 days; 1 of 2 right at the first try; "
                             "most tries: rnn_step_forward, 3")  # fmt: skip
    assert way((0, ID, "passed")).words() == "1 try and 0 hints on 1 day; 1 of 1 right at the first try"
    assert way((0, ID, "wrong")).words() == "1 try and 0 hints on 1 day"


def test_the_last_hint_shown_again_is_no_other():
    found = way((0, ID, "hint"), (0, ID, "hint"), (0, ID, "hint"), (1, OTHER, "hint"), (2, ID, "wrong"))
    for entry, number in zip(found.entries, (1, 2, 2, 2)):
        entry.hints = number
    assert "1 try and 3 hints on" in found.words() and "3 hints" in repr(found).splitlines()[1]


def test_the_text_has_a_line_for_each_of_the_last_days():
    assert repr(way(*STEPS)).splitlines()[1:] == [
        "14 Sep ███░░░░░░░░░░░░░░░░░░░░░ 1 passed after 3 tries, 1 hint",
        "15 Sep ███░░░░░░░░░░░░░░░░░░░░░ 1 passed after 1 try, 0 hints",
    ]
    month = repr(way(*((24 * 60 * day, ID, "wrong") for day in range(30)))).splitlines()
    assert len(month) == 8 and month[-1].startswith("13 Oct") and "on 30 days" in month[0]
    repr(way(*STEPS)).encode("cp437", "cs231n.plain")  # a console of Windows'


def svg(card):
    return ElementTree.fromstring(re.search(r"<svg.*</svg>", card._repr_html_())[0])


def test_the_picture_is_well_formed_and_says_what_it_shows():
    picture = svg(way(*STEPS, passed=1))
    assert picture.get("role") == "img"
    assert picture.get("aria-label").startswith("TODOs passed over time, 1 of 8 by now: 4 tries and 1 hint on 2 days")
    texts = [text.text for text in picture.iter("text")]
    assert texts == ["14 Sep", "15 Sep", "1", "passed", "a try", "a hint"]


def test_it_is_read_on_a_light_page_and_a_dark_one():
    for part in svg(way(*STEPS)).iter():
        for paint in (part.get("fill"), part.get("stroke")):
            assert paint in (None, "none", "currentColor") or min(contrast(paint, LIGHT), contrast(paint, DARK)) >= 3
        assert part.tag != "text" or part.get("fill") == "currentColor", "text has the page's own colour"


def test_a_long_pause_takes_no_more_room_than_a_short_one():
    def days(*steps):
        return [float(text.get("x")) for text in svg(way(*steps)).iter("text")][:2]

    night = [(0, ID, "wrong"), (30, ID, "wrong"), (60 * 20, ID, "passed"), (60 * 20 + 30, OTHER, "passed")]
    term = [(after + 60 * 24 * 90 * (after > 30), *rest) for after, *rest in night]
    assert days(*night) == days(*term)
    first, second = days(*night)
    assert second - first == pytest.approx((484 - 8) * 2 / 3, abs=0.2)


def test_a_long_way_is_no_long_page():
    many = way(*((n, id, ("wrong", "hint", "passed")[n % 3]) for n, id in enumerate([*TODOS][:50] * 100)), of=50)
    assert len(many.entries) == 5000 and len(many._repr_html_()) < 80_000
    whole = float(svg(many).get("viewBox").split()[2])
    numbers = re.findall(r"[MHx]=?'?(-?[\d.]+)", re.search(r"<svg.*</svg>", many._repr_html_())[0])
    assert all(0 <= float(x) <= whole for x in numbers)


@pytest.mark.parametrize("steps", [[(0, ID, "wrong")], [(0, ID, "passed")] * 3, [(0, ID, "hint"), (0, ID, "wrong")]])
def test_a_way_just_begun_can_be_drawn(steps):
    repr(way(*steps)), svg(way(*steps))


def test_progress_shows_it_with_the_table_and_only_where_there_is_one(kept, capsys):
    results = [Result(id, "passed", "") for id in (ID, OTHER)]
    plain = ProgressTable(results)
    assert Way.so_far(results) is None
    kept.write_text(json.dumps({**GOOD, "state": "hint"}) + "\n", encoding="utf-8")
    assert Way.so_far(results) is None, "a hint alone is no way"
    kept.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "tv_loss"}) + "\n", encoding="utf-8")
    found = Way.so_far(results)
    assert [entry.id for entry in found.entries] == [ID] and (found.passed, found.of) == (2, 2)
    with_it = ProgressTable(results, found)
    assert repr(with_it) == f"{plain!r}\n{found!r}"
    assert with_it._repr_html_().replace(found._repr_html_(), "") == plain._repr_html_()
    checks.progress("RNN")
    assert "The way so far: 9 tries" in capsys.readouterr().out


def test_a_clock_that_was_wrong_is_no_harm(kept):
    kept.write_text(json.dumps({**GOOD, "time": "2999-01-01T00:00:00+00:00"}) + "\n", encoding="utf-8")
    svg(Way.so_far([Result(ID, "wrong", "")]))


# ---- a student's own edition ---------------------------------------------------------------------------------


def test_a_students_terminal_keeps_one_in_the_students_folder(tmp_path):
    student = editions.build(tmp_path / "mein Küchentisch")
    editions.fill_tree(student, [ID])

    def run(*names):
        command = [sys.executable, "-m", "cs231n.checks", *names]
        return subprocess.run(command, cwd=student, env=environment(), capture_output=True, encoding="utf-8").stdout

    run(ID, "rnn_forward")
    assert [(line["id"], line["state"]) for line in lines(student / "journal.jsonl")] == [
        (ID, "passed"), ("rnn_forward", "todo"),
    ]  # fmt: skip
    said = run("RNN")
    assert "The way so far: 1 try and 0 hints on 1 day; 1 of 1 right at the first try" in said
    assert len(lines(student / "journal.jsonl")) == 2
    with contextlib.suppress(FileNotFoundError):
        os.remove(student / "journal.jsonl")
    environment_off = environment() | {"CS231N_JOURNAL": "off"}
    subprocess.run([sys.executable, "-m", "cs231n.checks", ID], cwd=student, env=environment_off, check=True)
    assert not (student / "journal.jsonl").exists()
