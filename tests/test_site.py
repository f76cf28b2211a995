"""What the site is made from: the notebooks' links and the start page's words.

The pages themselves are looked at in tests/browser/test_site.py.
"""

import json
import re

import nbformat
import pytest

from cs231n.checks.todo import TODOS
from tools.site import __main__ as command
from tools.site import sources


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    sources.lay_out(folder)
    return folder


def test_every_link_of_the_notebooks_leads_to_a_page(laid_out):
    links = {}
    for name in sources.order():
        text = (laid_out / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        links[name] = re.findall(r"\]\((?!https?:)([^)\s]*\.\w+)\)", text)
        assert links[name]
        missing = [link for link in links[name] if not (laid_out / "notebooks" / link).is_file()]
        assert not missing, (name, missing)
    assert "../cs231n/rnn_layers.py" in links["RNN"] and "LSTM.ipynb" in links["RNN"]
    assert (laid_out / "cs231n/rnn_layers.py").read_bytes() == (sources.ROOT / "cs231n/rnn_layers.py").read_bytes()


def test_nothing_of_a_notebook_is_changed_but_links_that_lead_nowhere(laid_out):
    for name in sources.order():
        before, after = (
            json.loads((folder / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
            for folder in (sources.ROOT, laid_out)
        )
        for old, new in zip(before["cells"], after["cells"], strict=True):
            text = "".join(old["source"])
            unlinked = f"[student/notebooks/{name}.ipynb](../student/notebooks/{name}.ipynb)"
            text = text.replace(unlinked, f"student/notebooks/{name}.ipynb")
            assert {**old, "source": text} == {**new, "source": "".join(new["source"])}


def test_start_page_has_every_notebook_with_its_own_title_and_the_minutes_of_its_todos(laid_out):
    text = (laid_out / "index.md").read_text(encoding="utf-8")
    cards = re.findall(r":::\{grid-item-card\}.*?^:::$", text, re.S | re.M)
    assert len(cards) == len(sources.order()) == 6
    for name, card in zip(sources.order(), cards):
        notebook = nbformat.read(sources.ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        title = card.split("[")[1].split("]")[0]
        assert any(cell.source.startswith(f"# {title}\n") for cell in notebook.cells)
        assert f"(notebooks/{name}.ipynb)" in card
        picture = re.search(r":img-top: (pictures/\w+\.(?:png|jpeg))\n:img-alt: \S", card)
        assert (laid_out / picture[1]).stat().st_size > 5000
        hours, minutes = re.search(r"about (?:(\d) h)? ?(?:(\d+) min)?\*\*", card).groups()
        whole = sum(todo.minutes for todo in TODOS.values() if todo.notebook == name)
        assert abs(60 * int(hours or 0) + int(minutes or 0) - whole) <= 2.5
        assert f"**{sum(todo.notebook == name for todo in TODOS.values())} TODOs" in card
    assert not re.search(r"\$\w", text)  # no place left unfilled


@pytest.mark.parametrize("minutes, said", [(88, "1 h 30 min"), (50, "50 min"), (58, "1 h"), (122, "2 h")])
def test_duration(minutes, said):
    assert sources.duration(minutes) == f"about {said}"


def test_what_it_is_about():
    text = (
        "# T\n\n[A](A.ipynb) · **B**\n\nIt *learns* (X et al. [2016](https://x.org)) a lot. See. Three ways:\n\n- one"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(t) for t in ("> solved", text)])
    assert sources.what_it_is_about(notebook) == "It *learns* (X et al. 2016) a lot. See."


def test_a_notebook_without_todos_is_named(monkeypatch):
    few = {id: todo for id, todo in TODOS.items() if todo.notebook != "extras"}
    monkeypatch.setattr(sources, "TODOS", few)
    with pytest.raises(sources.SiteError, match="same notebooks: extras"):
        sources.order()


# ---- the command ---------------------------------------------------------------------------------------------


def test_a_folder_of_other_things_is_not_overwritten(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "add", pytest.fail)
    (tmp_path / "mine.txt").write_text("mine")
    assert command.main([str(tmp_path)]) == 1
    assert "something else than pages" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").exists()
