"""grades.csv and results.json hold what was graded, in the form that other programs take.

That pandas reads grades.csv as it is, is tested beside the report: tests/browser/test_grade_report.py.
"""

import csv
import json

import made_up_records as made_up
import pytest

from cs231n.checks import TODOS
from cs231n.grade.tables import gradescope, write_csv, write_results

CLASS = made_up.class_of(5)
HOSTILE = [
    '=HYPERLINK("http://x")', "+1+1", "-2", "@SUM(1)", "\t=1", "\r=1", " =1", 'a\nb;=c,=1,"d"', "\x00nul", "half\ud83d",
]  # fmt: skip


def read(path):
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def rows(tmp_path):
    """Writes records and reads them back."""

    def back(records):
        write_csv(records, tmp_path / "grades.csv")
        return read(tmp_path / "grades.csv")

    return back


def test_a_row_for_each_student_with_all_points(rows):
    for row, record in zip(rows(CLASS), sorted(CLASS, key=lambda record: record["student"]), strict=True):
        assert list(row) == ["student", "points", "of", *TODOS, "notes"]
        assert row["student"] == record["student"] and float(row["of"]) == len(TODOS)
        assert float(row["points"]) == pytest.approx(sum(float(row[id]) for id in TODOS), abs=0.3)
        for todo in record["todos"]:
            assert float(row[todo["id"]]) == pytest.approx(todo["points"], abs=0.005)
        assert row["notes"] == ("; ".join(record["notes"]) or "nothing to note")


def test_the_file_is_the_same_whoever_was_graded_first(tmp_path):
    for name, records in (("one", CLASS), ("other", CLASS[::-1])):
        write_csv(records, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_umlauts_stand_where_readers_look_for_them(rows):
    names = ["Zoe", "Özil", "Oz", "Paul", "ada"]
    assert [row["student"] for row in rows([made_up.with_sums(name, []) for name in names])] == [
        "ada", "Oz", "Özil", "Paul", "Zoe"]  # fmt: skip


def test_excel_is_told_that_it_is_utf_8(tmp_path):
    write_csv([made_up.with_sums("Jörg", [])], tmp_path / "grades.csv")
    assert (tmp_path / "grades.csv").read_bytes().startswith('\ufeff"student","points"'.encode())


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_is_a_formula_or_breaks_a_row(rows, name):
    record = made_up.with_sums(name, [made_up.entry("rnn_forward")]) | {"notes": [name, "and more"]}
    (row,) = rows([record])
    for text in (row["student"], row["notes"]):
        assert text[0] not in "=+-@\t\r" and not set("\n\r\x00") & set(text)
    assert row["rnn_forward"] == "1.0"


def test_a_spreadsheet_that_splits_at_semicolons_finds_no_formula_either(tmp_path):
    write_csv([made_up.with_sums("Ada;=1+1", [])], tmp_path / "grades.csv")
    with open(tmp_path / "grades.csv", encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file, delimiter=";") for cell in row]
    assert not [cell for cell in cells if cell.startswith("=")]


@pytest.mark.parametrize("name", ["NA", "null", "None", "nan", "", "N/A"])
def test_nobody_is_nothing(rows, name):
    assert rows([made_up.with_sums(name, [])])[0]["student"] == f"'{name}"


def test_numbers_are_numbers_and_no_cell_is_empty(rows):
    """Also for a TODO that only others have, and for points that are none."""
    entries = [made_up.entry("rnn_forward", points=1 / 3), made_up.entry("rnn_backward", points=float("nan"))]
    first, second = rows([made_up.with_sums("Ada", entries) | {"points": 0.1 + 0.2}, made_up.with_sums("Ben", [])])
    assert (first["rnn_forward"], first["rnn_backward"], first["points"]) == ("0.33", "0.0", "0.3")
    assert second["rnn_forward"] == "0.0" and all(first.values()) and all(second.values())


# ---- Gradescope ----------------------------------------------------------------------------------------------

# What its documentation of results.json allows: key -> types, or the allowed values.
SHOWN = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
NUMBER = (int, float)
TOP = {
    "score": NUMBER, "execution_time": NUMBER, "output": str, "output_format": FORMATS, "test_output_format": FORMATS,
    "test_name_format": FORMATS, "visibility": SHOWN, "stdout_visibility": SHOWN, "extra_data": dict, "tests": list,
    "leaderboard": list,
}  # fmt: skip
TEST = {
    "score": NUMBER, "max_score": NUMBER, "status": {"passed", "failed"}, "name": str, "name_format": FORMATS,
    "number": str, "output": str, "output_format": FORMATS, "tags": list, "visibility": SHOWN, "extra_data": dict,
}  # fmt: skip


def faults(results):
    """What of some results Gradescope's documentation does not allow."""
    yield from _faults("top", results, TOP)
    if "score" not in results and not results.get("tests"):
        yield "neither a score nor tests"
    for test in results.get("tests", []):
        yield from _faults(test.get("name"), test, TEST)
        if "score" not in test and "score" not in results:
            yield f"{test.get('name')}: no score"
        if not 0 <= test.get("score", 0) <= test.get("max_score", 0):
            yield f"{test.get('name')}: score out of range"
        yield from (f"tag {tag!r}" for tag in test.get("tags", []) if not isinstance(tag, str))


def _faults(where, found, allowed):
    for key, value in found.items():
        kind = allowed.get(key)
        fits = kind and (value in kind if isinstance(kind, set) else isinstance(value, kind) and value is not True)
        if not fits:
            yield f"{where}: {key} = {value!r}"


CHANGES = [{"score": 3}, {"status": "ok"}, {"number": 1}, {"tags": [1]}, {"output_format": "markdown"}, {"points": 1}]


def test_the_validator_sees_what_is_not_allowed():
    good = {"tests": [{"score": 1, "max_score": 2, "status": "passed"}]}
    assert not list(faults(good))
    bad = [{}, good | {"grade": 1}, good | {"visibility": "yes"}, good | {"output": None}]
    bad += [{"tests": [good["tests"][0] | change]} for change in CHANGES]
    assert all(list(faults(results)) for results in bad)


def test_results_are_as_documented(tmp_path):
    for record in CLASS:
        write_results(record, tmp_path / "results.json")
        results = json.loads((tmp_path / "results.json").read_text(encoding="ascii"))
        assert not list(faults(results))
        assert "score" not in results  # it would stand in the way of the tests' own
        assert sum(test["score"] for test in results["tests"]) == pytest.approx(record["points"], abs=0.3)
        assert results["stdout_visibility"] == "hidden"
        assert [test["name"] for test in results["tests"]] == list(TODOS)


def test_a_student_reads_what_the_card_says():
    entries = [
        made_up.entry("rnn_step_forward", "named", right=3, details=["next_h[0, 0] is 1, expected 2."],
                      mistake="the bias b is left out"),
        made_up.entry("rnn_forward", "remark"),
        made_up.entry("rnn_backward", "alarm", alarm="it tried to read the solution"),
        made_up.entry("lstm_forward", "todo"),
    ]  # fmt: skip
    wrong, remark, alarm, todo = gradescope(made_up.with_sums("Ada", entries))["tests"]
    for words in ("not right yet", "exactly what you get when the bias b is left out.", "expected 2.", "3 of 5"):
        assert words in wrong["output"]
    assert remark["status"] == "passed" and "Right; but: `out` is float64." in remark["output"]
    assert alarm["status"] == "failed" and alarm["score"] == 0
    assert alarm["output"].startswith("No points: it tried to read the solution.")
    assert todo["status"] == "failed" and "not started" in todo["output"] and "TODO(lstm_forward)" in todo["output"]


def test_a_passed_answer_with_an_alarm_has_not_passed():
    entry = made_up.entry("rnn_forward", "passed", alarm="it patched the checks", points=0.0)
    results = gradescope(made_up.with_sums("Ada", [entry]))
    assert results["tests"][0]["status"] == "failed" and results["output"].startswith("0 of 1 ")


def test_mistakes_are_kept_for_the_teacher_and_odd_texts_do_no_harm(tmp_path):
    entry = made_up.entry("rnn_forward", "named", mistake="\ud83d<script>\x1b[2J", reason="\x00")
    record = made_up.with_sums("Ada\ud83d", [entry]) | {"notes": ["\ud83d"]}
    write_results(record, tmp_path / "results.json")
    results = json.loads((tmp_path / "results.json").read_bytes())
    assert not list(faults(results)) and list(results["extra_data"]["mistakes"]) == ["rnn_forward"]
    told = json.dumps(results, ensure_ascii=False)
    told.encode()  # no halves of characters
    assert "\\u0000" not in told and "\\u001b" not in told
    assert results["tests"][0]["output_format"] == "text"  # in which <script> is only read
