"""A student's first hour: from `make lab` to a green card, a training stopped and run again, a kernel restarted.

The tests are one story: each goes on where the last one stopped.
"""

import re

import pytest
from window import read

from tools import editions

NOTEBOOK, LAYERS = "student/notebooks/RNN.ipynb", "student/cs231n/rnn_layers.py"
ID = "rnn_step_forward"
CHECK = f'check("{ID}")'
WITHOUT_BIAS = "next_h, cache = np.tanh(x @ Wx + prev_h @ Wh), (x, prev_h, Wx, Wh)"
TRAINING, PUBLISHED = "small_solver.train()", "loss is 9.83235591003"  # stand in one cell each


@pytest.fixture(scope="module")
def code(course):
    """The code cells' sources of the student's notebook, as handed out."""
    return [cell.source for cell in read(course / NOTEBOOK).cells if cell.cell_type == "code"]


def run_one_by_one(lab, sources):
    """Run cells in their order; returns the last one's output. An error in any of them is one."""
    for source in sources:
        output = lab.run(lab.cell(source.strip().splitlines()[-1]))
        assert "Traceback" not in output and "not right yet" not in output
    return output


def upto(code, mark):
    """The position after the cell with `mark`."""
    return next(n for n, source in enumerate(code, 1) if mark in source)


def number(cell):
    return int(re.search(r"\d+", cell.locator(".jp-InputPrompt").inner_text())[0])


def test_make_lab_opens_the_first_notebook(lab, course):
    lab.open()
    lab.wait_for_cells(len(read(course / NOTEBOOK).cells))
    lab.wait_for_kernel()
    assert lab.page.locator("h1").first.inner_text().startswith("Image captioning with a vanilla RNN")
    assert not lab.page.get_by_text("This is the solved edition").count()


def test_cells_run_one_by_one_to_a_card_that_says_where_to_write(lab, code):
    output = run_one_by_one(lab, code[: upto(code, CHECK)])
    assert re.search(rf"○ {ID}: not started\s+Look for TODO\({ID}\) in {LAYERS}", output)


def test_a_wrong_answer_gets_its_reason(lab, course):
    path = course / LAYERS
    unwritten = path.read_text(encoding="utf-8")
    path.write_text(unwritten.replace(editions.STUB.format(ID), WITHOUT_BIAS), encoding="utf-8")
    output = lab.run(lab.cell(CHECK))
    path.write_text(unwritten, encoding="utf-8")  # the next test fills it
    assert f"✗ {ID}: not right yet" in output and "expected" in output
    assert "This is exactly what you get when the bias b is left out." in output


def test_a_right_answer_turns_the_card_green_without_a_restart(lab, course):
    cell = lab.cell(CHECK)
    before = number(cell)
    editions.fill_tree(course / "student", [ID])
    assert f"✓ {ID}: passed" in lab.run(cell)
    assert number(cell) == before + 1  # one kernel, which counts on
    green = cell.locator(".jp-RenderedHTML > div").evaluate("card => getComputedStyle(card).borderLeftColor")
    assert green == "rgb(37, 127, 78)"


def test_hints_unfold(lab):
    cell, seen = lab.write_below(lab.cell(CHECK), f'hint("{ID}")'), []
    while not seen or "That was the last one." not in seen[-1]:
        seen.append(lab.run(cell))
        assert f"Hint {len(seen)} of " in seen[-1]
    assert len(seen) == len(set(seen)) >= 2


def test_progress_shows(lab):
    cell = lab.write_below(lab.cell(CHECK), "progress()")
    output = lab.run(cell)
    total = len(editions.todo_ids())
    assert f"1 of {total} done, next: rnn_step_backward" in output
    assert output.count("\tnot started") == total - 1 and output.count("\tpassed") == 1


def test_training_is_stopped_and_run_again(lab, course, code):
    answers = re.findall(r'check\("(.*)"\)', "\n".join(code[upto(code, CHECK) : upto(code, TRAINING)]))
    editions.fill_tree(course / "student", [id for some in answers for id in some.split('", "')])
    run_one_by_one(lab, code[upto(code, CHECK) : upto(code, TRAINING) - 1])
    cell = lab.cell(TRAINING)
    lab.start(cell)
    lab.wait_for_output("(Iteration 1 /")
    lab.press("interrupt-kernel")
    assert "KeyboardInterrupt" in lab.wait(cell)
    assert "KeyboardInterrupt" not in lab.run(cell)
    cell.locator("img").wait_for()  # the losses


def test_a_kernel_is_restarted_in_the_middle(lab, code):
    lab.press("restart-kernel")
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    first, later = lab.cell(code[0].splitlines()[0]), lab.cell(PUBLISHED)
    lab.run(first)
    assert number(first) == 1
    assert f"{PUBLISHED}: True" in lab.run(later)
    assert number(later) == 2
