"""Every kind of card, a hint and a table of progress, run in JupyterLab's light and dark theme, as axe-core sees them.

axe judges WCAG's rules as far as a program can, contrast included. A sign alone is no text to it: tests/test_show.py
measures those.
"""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from window import NOTEBOOK, write_settings

from tools.notebooks import KERNEL

CARDS = "notebooks/cards.ipynb"
OURS = f"{NOTEBOOK} .jp-OutputArea-output.jp-RenderedHTML"
GRAVE = ("serious", "critical")
# JupyterLab's body has no height, since all it holds is placed absolutely: axe would take that for an empty page.
WITH_HEIGHT = "html, body { height: 100%; }"
# The reasons are made up; how they look is not.
CODE = """
import sys
sys.path.insert(0, "..")
import numpy as np
from cs231n.checks.result import Result
from cs231n.checks.show import HintCard, ProgressTable, ResultCard, display

got, want = np.eye(3), np.eye(3)[::-1]
results = [
    Result("rnn_step_forward", "passed", "it agrees with autograd"),
    Result("rnn_step_backward", "passed", "it agrees with autograd", remarks=["`dx` is float64, `x` float32."]),
    Result("rnn_forward", "todo", "", details=["Look for TODO(rnn_forward) in cs231n/rnn_layers.py."]),
    Result("rnn_backward", "waiting", "waiting for rnn_forward"),
    Result("word_embedding_forward", "wrong", "out has wrong values", mistake="`W` is left out", label="two words",
           details=["`out[0, 0]` is 1, expected 0."], pictures=("out", got, want)),
]
for result in results:
    display(ResultCard(result))
for number in (1, 2):
    display(HintCard("rnn_forward", number, ("Begin with `h0`.", "`h[:, t]` is the step's `next_h`.")))
display(ProgressTable(results))
"""


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def theme(request, settings):
    write_settings(settings, "themes", theme=request.param)
    yield request.param
    write_settings(settings, "themes")


def reasons(rule):
    """Why a rule of axe's has come out as it did, a line for each element."""
    for node in rule["nodes"]:
        why = "; ".join(check["message"] for check in node["any"] + node["all"] + node["none"])
        yield f"{rule['id']} ({rule['impact']}): {why} in {node['html']}"


def contrast(rules):
    return [line for rule in rules if rule["id"] == "color-contrast" for line in reasons(rule)]


def test_cards_are_read_in_either_theme(lab, course, theme):
    cell = nbformat.v4.new_code_cell(CODE.strip())
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL}), course / CARDS)
    lab.page.set_viewport_size({"width": 1280, "height": 1600})  # axe judges what is in sight
    lab.open(CARDS)
    lab.wait_for_kernel()
    assert lab.page.locator("body").get_attribute("data-jp-theme-name") == theme
    lab.run(lab.cell("ProgressTable(results)"))
    assert lab.page.locator(OURS).count() == 8
    lab.page.add_style_tag(content=WITH_HEIGHT)
    report = (
        Axe().run(lab.page, {"include": [[OURS]]}, {"resultTypes": ["violations", "incomplete", "passes"]}).response
    )
    assert not [line for rule in report["violations"] if rule["impact"] in GRAVE for line in reasons(rule)]
    assert len(contrast(report["passes"])) > 30  # texts
    assert all("non-text" in line for line in contrast(report["incomplete"]))  # only signs are left to others
