"""The documents say what is so: contents, minutes, pictures and their descriptions, links, and both languages."""

import re
from base64 import b64decode
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from test_notebooks import NOTEBOOKS

from cs231n.checks.todo import TODOS
from tools import pictures
from tools.editions import ROOT, build
from tools.transcripts import blocks

READMES = ("README.md", "README.zh-CN.md")
PAGES = (*READMES, "CONTRIBUTING.md", "tests/first_hour.md")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def contents(page):
    """{notebook: the line of the table of contents that links to it}."""
    lines = [line for line in text_of(page).splitlines() if line.startswith("| [")]
    return {re.match(r"\| \[(\w+)\]\(notebooks/\1\.ipynb\)", line)[1]: line for line in lines}


@pytest.mark.parametrize("page", READMES)
def test_the_contents_name_every_notebook(page):
    there = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert there == set(NOTEBOOKS) == set(pictures.FIGURES)
    assert list(contents(page)) == list(NOTEBOOKS), "in the order of the course"


@pytest.mark.parametrize("page", READMES)
def test_the_contents_say_how_long_it_takes(page):
    """The minutes of a notebook's TODOs together, to the nearest five."""
    minutes = Counter()
    for todo in TODOS.values():
        minutes[todo.notebook] += todo.minutes
    for notebook, line in contents(page).items():
        assert int(re.search(r"(\d+) (?:min|分钟)", line)[1]) == 5 * round(minutes[notebook] / 5), notebook


def test_both_contents_say_how_long_it_runs():
    first, second = ([re.search(r"([\d至to ]+) (?:s|秒)\b", line)[1] for line in contents(p).values()] for p in READMES)
    assert first == [times.replace("至", "to") for times in second]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_picture_is_the_notebooks_figure_of_today(name):
    """Up to what JPEG loses; else `python -m tools.pictures` takes it anew."""
    today = pictures.picture(name)
    with Image.open(pictures.PICTURES / f"{name}.jpg") as kept:
        assert kept.size == today.size, "python -m tools.pictures"
        assert np.abs(np.subtract(kept, today, dtype=float)).mean() < 6, "python -m tools.pictures"


def test_the_pictures_are_small_and_each_is_described():
    kept = sorted(pictures.PICTURES.iterdir())
    assert {path.stem for path in kept} == {*NOTEBOOKS, "card"}  # and a screenshot
    assert sum(path.stat().st_size for path in kept) < 400e3
    described = dict(re.findall(r'<img src="([^"]+)" width="\d+" alt="([^"]+)">', text_of("README.md")))
    assert {f"pictures/{path.name}" for path in kept} == set(described)
    assert all(len(words.split()) >= 8 for words in described.values())
    for page in PAGES:
        assert text_of(page).count("<img") == (len(described) if page == "README.md" else 0)
        assert "![](" not in text_of(page), "a picture without a description"


def test_the_figure_is_the_named_cells_with_its_description(monkeypatch):
    def cell(code, *alts):
        shown = [{"data": {"image/png": [alt]}, "metadata": {"image/png": {"alt": alt}}} for alt in alts]
        return {"cell_type": "code", "source": [code], "outputs": [{"text": "printed"}, *shown]}

    cells = [{"cell_type": "markdown", "source": "draw(2)"}, cell("draw(1)", "no++"), cell("draw(2)"),
             cell("draw(2) ", "four", "bird")]  # fmt: skip
    for which, alt in ((0, "four"), (-1, "bird")):
        monkeypatch.setitem(pictures.FIGURES, "RNN", ("draw(2)", which))
        assert pictures.figure("RNN", {"cells": cells}) == (b64decode(alt), "png", alt)


@pytest.mark.parametrize(("words", "which"), [("no such words", 0), ("for split in", 9)])
def test_a_notebook_without_the_figure_is_told(words, which, monkeypatch):
    monkeypatch.setitem(pictures.FIGURES, "RNN", (words, which))
    with pytest.raises(pictures.PictureError, match=rf"RNN\.ipynb has no such figure .*'{words}'.*make run"):
        pictures.picture("RNN")
    assert pictures.main() == 1


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert not dead_links(text_of(page), (ROOT / page).parent)


def test_the_students_links_lead_somewhere(tmp_path):
    student = build(tmp_path / "student")
    for page in ("README.md", "AGENTS.md"):
        assert not dead_links((student / page).read_text(encoding="utf-8"), student)


def dead_links(text, folder):
    links = re.findall(r'\]\(([^)]+)\)|<img src="([^"]+)"', text)
    return [link for pair in links for link in pair if link and ":" not in link and not (folder / link).exists()]


def test_a_dead_link_is_seen(tmp_path):
    (tmp_path / "there").touch()
    text = '[a](there) ![b](gone.png) [c](https://example.org) <img src="gone.jpg">'
    assert dead_links(text, tmp_path) == ["gone.png", "gone.jpg"]


def test_the_two_readmes_link_to_each_other_and_show_the_same_card():
    english, chinese = map(text_of, READMES)
    assert "(README.zh-CN.md)" in english.partition("\n## ")[0] and "(README.md)" in chinese.partition("\n## ")[0]
    filling = english.partition("\n## Trouble")[0], chinese
    shown = [[b.body for b in blocks(text) if b.language in ("diff", "python", "text")] for text in filling]
    assert shown[0] == shown[1] and len(shown[0]) == 3


def test_the_readmes_sentence_on_a_found_slip_is_one_that_comes_out():
    """tests/first_hour.md, which is replayed, has it too."""
    (said,) = re.findall(r"\*(One change in line \d+\s[^*]+)\*", text_of("README.md"))
    assert " ".join(said.split()) in text_of("tests/first_hour.md")


def test_the_measurements_name_their_machine_and_command():
    section = text_of("README.md").partition("## As measured")[2].partition("\n## ")[0]
    words = section.partition("|")[0]
    assert "cores" in words and "thread" in words and "`make bench`" in words
    assert len(re.findall(r"^\|.*\d", section, re.M)) >= 8
