"""The six solved notebooks as they open in JupyterLab: whole, quiet, and no wider than the window."""

import pytest
from window import NOTEBOOK, read

from tools.notebooks import ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
# Scripts for the browser; each gets the notebook's element.
BROKEN = """async notebook => {
    const broken = image => image.decode().then(() => image.naturalWidth < 2, () => true);
    const images = [...notebook.querySelectorAll('img')];
    const found = await Promise.all(images.map(broken));
    return images.filter((_, k) => found[k]).map(image => image.alt + ' ' + image.src.slice(0, 60));
}"""
UNDESCRIBED = """notebook => [...notebook.querySelectorAll('.jp-OutputArea-output img')]
    .filter(image => !image.alt.trim()).map(image => image.src.slice(0, 60))"""
TOO_WIDE = """notebook => [
    document.documentElement, ...notebook.querySelectorAll('.jp-OutputArea-output, .jp-RenderedMarkdown'),
    notebook.querySelector('.jp-WindowedPanel-outer'),
].filter(box => box.scrollWidth > box.clientWidth + 1)
 .map(box => `${box.scrollWidth} in ${box.clientWidth}: ${box.className} ${box.innerText.slice(0, 60)}`)"""
UNREAD_FORMULAS = """notebook => [...notebook.querySelectorAll('mjx-merror, [data-mjx-error]')].map(e => e.innerText)"""


def outputs(notebook, *kinds):
    """The outputs that have something of `kinds` to show."""
    data = [out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", [])]
    return [bundle for bundle in data if any(kind in bundle for kind in kinds)]


@pytest.fixture(scope="module")
def folder(window):
    """JupyterLab's list of files, showing the solved notebooks."""
    window.open("notebooks")
    return window.page.locator(".jp-DirListing-content")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_solved_notebook(lab, folder, course, name):
    notebook = read(course / "notebooks" / f"{name}.ipynb")
    folder.get_by_text(f"{name}.ipynb").dblclick()
    lab.page.locator(f".lm-mod-current[title*='{name}.ipynb']").wait_for()
    lab.wait_for_cells(len(notebook.cells))
    shown = lab.page.locator(NOTEBOOK)
    pictures = outputs(notebook, "image/png", "image/jpeg")
    diagrams = [bundle for bundle in outputs(notebook, "text/html") if "<img" in "".join(bundle["text/html"])]
    assert shown.locator(".jp-OutputArea-output img").count() == len(pictures) + len(diagrams) > 0
    assert not shown.evaluate(UNDESCRIBED)
    assert shown.locator(".jp-OutputArea-output.jp-RenderedHTML").count() == len(outputs(notebook, "text/html")) > 0
    assert not shown.evaluate(BROKEN)
    assert not shown.evaluate(TOO_WIDE)
    assert not shown.evaluate(UNREAD_FORMULAS)
    shown.locator(".jp-OutputArea-output.jp-RenderedHTML").first.scroll_into_view_if_needed()  # for the picture
