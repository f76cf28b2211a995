"""One JupyterLab, started by `make lab` in a fresh copy of the course, and one Chromium for all the tests here."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import chromium
import pytest
from window import Lab, Watch, write_settings

from tools.clones import clone

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEEN = ROOT / "build" / "browser"  # what the browser showed, a picture a test, and what JupyterLab said
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\S*\?token=\w+")
PATIENCE = 120  # seconds until `make lab` is called broken
# What make and the tests around set and a terminal has not; nor does JupyterLab open as its owner left it.
NOT_THE_STUDENTS = ("MAKE", "MFLAGS", "JUPYTER", "CS231N_", "TQDM_", "PYTEST_", "DISPLAY", "WAYLAND_")


def pytest_ignore_collect(collection_path, config):
    """Only who names this folder starts a browser: `make test` needs neither Chromium nor Playwright."""
    named = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """What git would clone, were the working tree committed as it is, in a folder with a space and an umlaut."""
    course = clone(tmp_path_factory.mktemp("browser") / "ein schöner Kurs")
    (course / ".venv").symlink_to(sys.prefix)
    return course


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """The folder of JupyterLab's settings; at first they only say that there is no need to ask about news."""
    folder = tmp_path_factory.mktemp("jupyter")
    write_settings(folder, "notification", fetchNews="false", checkForUpdates=False)
    return folder


@pytest.fixture(scope="session")
def address(course, settings):
    """Where `make lab` serves the course, as it says itself in the terminal."""
    SEEN.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_THE_STUDENTS)}
    environment |= {f"JUPYTER_{kind}_DIR": str(settings / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(settings), "IPYTHONDIR": str(settings / "ipython")}
    server = subprocess.Popen(
        ["make", "lab", "LAB=--no-browser"], cwd=course, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
    )  # fmt: skip
    patience = threading.Timer(PATIENCE, os.killpg, [server.pid, signal.SIGKILL])
    patience.start()
    with open(SEEN / "make_lab.log", "w", encoding="utf-8") as log:
        found = next(filter(None, (ADDRESS.search(line) for line in copied(server.stdout, log))), None)
        patience.cancel()
        assert found, f"make lab did not start within {PATIENCE} s; {log.name} has what it said"
        rest = threading.Thread(target=lambda: list(copied(server.stdout, log)))
        rest.start()
        yield found[0]
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        rest.join()


def copied(lines, log):
    for line in lines:
        log.write(line)
        log.flush()
        yield line


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window. Playwright's own is not asked for: the system's does."""
    path = chromium.find()
    if not path:
        pytest.fail(chromium.MISSING)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-background-networking"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(address, browser):
    """JupyterLab in a window 1280 pixels wide."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)  # for machines that have other things to do
    yield Lab(page, address, Watch(page))
    page.close()


@pytest.fixture
def lab(window, request):
    """The window for one test: what it shows in the end is kept as a picture, and nothing may have gone wrong in it."""
    yield window
    window.page.screenshot(path=SEEN / f"{re.sub('[^0-9A-Za-z]+', '_', request.node.name).strip('_')}.png")
    troubles, window.watch.troubles[:] = list(window.watch.troubles), []
    assert not troubles
