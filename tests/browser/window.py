"""What a person does in JupyterLab, done through its window: open a notebook, run a cell, look at what comes out."""

import json
import re
from urllib.parse import urlsplit

import nbformat

# To save time, cells out of sight are not laid out; what is measured must be.
LAID_OUT = ".jp-Cell { content-visibility: visible !important; }"
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
NOTEBOOK = f"{PANEL} .jp-Notebook"


def write_settings(folder, plugin, **settings):
    """Settings of JupyterLab's `plugin` as its own dialog would write them; the next page opened has them."""
    path = folder / "@jupyterlab" / "apputils-extension" / f"{plugin}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings), encoding="utf-8")


class Watch:
    """Notes what goes wrong in a page: errors in the console, failed requests, requests to other machines."""

    def __init__(self, page):
        self.troubles = []
        page.on("console", lambda message: message.type == "error" and self.note("console", message.text))
        page.on("pageerror", lambda error: self.note("not caught", error))
        page.on("response", lambda answer: answer.status >= 400 and self.note(answer.status, answer.url))
        page.on("request", lambda request: self.look_where(request.url))

    def note(self, kind, what):
        self.troubles.append(f"{kind}: {what}")

    def look_where(self, url):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            self.note("from elsewhere", url)


class Lab:
    """JupyterLab in a page of the browser; address: what `make lab` prints; watch: the page's Watch."""

    def __init__(self, page, address, watch):
        self.page, self.address, self.watch = page, address, watch

    def open(self, path=None):
        """Open a notebook or folder of the course, alone in the window; without a path, what `make lab` opens."""
        address = self.address
        if path:
            workspace = re.sub(r"\W", "-", path)  # a new one, or the notebooks of the last one would open as well
            address = re.sub(r"/lab/[^?]*", f"/lab/workspaces/{workspace}/tree/{path}", address)
        self.page.goto(address)

    def wait_for_cells(self, count):
        """Wait until all cells are there: JupyterLab adds them one by one while nothing else is to be done."""
        every = "([cells, count]) => document.querySelectorAll(cells).length === count"
        self.page.wait_for_function(every, arg=[f"{NOTEBOOK} .jp-Cell", count], polling=300)
        self.page.add_style_tag(content=LAID_OUT)

    def wait_for_kernel(self):
        """Wait until the status bar calls the kernel idle: of a cell run earlier, JupyterLab only clears the output."""
        self.page.get_by_text("| Idle").wait_for()

    def cell(self, code):
        """The code cell in which `code` stands; the first, if there are several."""
        source = self.page.locator(".cm-content", has_text=code)
        return self.page.locator(f"{NOTEBOOK} .jp-CodeCell").filter(has=source).first

    def start(self, cell):
        """Press Shift+Enter in a cell."""
        cell.locator(".cm-content").click()
        # Its number may come out the same again, after a restart; so that the new one is seen, the old one goes.
        cell.locator(".jp-InputPrompt").evaluate("prompt => { prompt.textContent = ''; }")
        self.page.keyboard.press("Shift+Enter")

    def wait(self, cell, seconds=120):
        """Wait until a cell that was started is done; returns its output as text."""
        done = cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]:"))
        done.wait_for(timeout=seconds * 1000)
        return self.output(cell)

    def run(self, cell, seconds=120):
        self.start(cell)
        return self.wait(cell, seconds)

    def wait_for_output(self, text):
        """Wait until `text` is printed somewhere in the notebook; looks at every frame, where locators take a while."""
        printed = "([outputs, text]) => [...document.querySelectorAll(outputs)].some(o => o.textContent.includes(text))"
        self.page.wait_for_function(printed, arg=[f"{NOTEBOOK} .jp-OutputArea-output", text])

    def output(self, cell):
        area = cell.locator(".jp-OutputArea-output")
        return "\n".join(area.all_inner_texts())

    def write_below(self, cell, code):
        """A new cell under `cell`, with `code` in it."""
        cell.locator(".cm-content").click()
        for key in ("Escape", "b", "Enter"):
            self.page.keyboard.press(key)
        self.page.keyboard.insert_text(code)
        return self.cell(code)

    def press(self, command):
        """Press the button of the notebook's toolbar that runs `command`."""
        self.page.locator(f"{PANEL} [data-command='notebook:{command}']").first.click()


def read(path):
    return nbformat.read(path, as_version=4)
