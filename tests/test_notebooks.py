"""The notebooks as files: the way from one to the next and to the code, in either edition."""

import json
import re
from pathlib import Path

import pytest

from tools import editions, notebooks

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ("RNN", "LSTM", "NetworkVisualization", "StyleTransfer", "GANs", "extras")  # in the order of the course


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return editions.build(tmp_path_factory.mktemp("course") / "student")


def cells_of(path):
    """(tags, source) of each."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in cells]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_solved_edition_says_that_it_is_and_the_students_does_not(name, student):
    tags, first = cells_of(ROOT / "notebooks" / f"{name}.ipynb")[0]
    assert tags == ["solved"] and f"(../student/notebooks/{name}.ipynb)" in first
    cells = cells_of(student / "notebooks" / f"{name}.ipynb")
    assert cells[0][1].startswith("# ") and not any("solved edition" in source for _, source in cells)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_lead_to_the_same_edition(name, student):
    for folder in (ROOT / "notebooks", student / "notebooks"):
        cells = [source for tags, source in cells_of(folder / f"{name}.ipynb") if "solved" not in tags]
        links = re.findall(r"\]\(((?!https?:)[^)]+)\)", "\n".join(cells))
        assert {f"{other}.ipynb" for other in NOTEBOOKS if other != name} <= set(links)
        assert any(link.startswith("../cs231n/") for link in links)
        for link in links:
            assert (folder / link).is_file(), link
            assert folder.parent in (folder / link).resolve().parents, "it leads out of its edition"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_holds_what_jupyterlab_would_write(name):
    """Otherwise one that is only looked at counts as changed."""
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    metadata = json.loads(text)["metadata"]
    assert metadata["kernelspec"] == {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    assert metadata["language_info"].keys() >= {"codemirror_mode", "file_extension", "mimetype", "pygments_lexer"}
    assert metadata.keys() == {"kernelspec", "language_info"} and "NBVAL" not in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_card_advises_to_call_is_imported(name):
    code = "".join(source for _, source in cells_of(ROOT / "notebooks" / f"{name}.ipynb"))
    assert "from cs231n.checks import case, check, hint, progress" in code


@pytest.mark.parametrize("names", [["rnn"], ["RNN", "nothing"]])
def test_a_name_that_no_notebook_has_is_told_which_there_are(names, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "execute", pytest.fail)
    with pytest.raises(SystemExit) as stop:
        notebooks.main(names)
    assert stop.value.code == 2 and f"no notebook {names[-1]}; there are GANs, LSTM," in capsys.readouterr().err
