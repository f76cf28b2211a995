"""Where a Chromium is on this machine; as a command it prints that, or what to install, and then fails."""

import shutil
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium is here, so the course cannot be tried in a browser. Install one (Debian and Ubuntu: apt install "
    "chromium) or let Playwright fetch its own: .venv/bin/playwright install chromium"
)


def find():
    """The path of a Chromium: the system's, else the one that Playwright has fetched; None if there is neither."""
    return next(filter(None, map(shutil.which, NAMES)), None) or playwrights_own()


def playwrights_own():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


if __name__ == "__main__":
    path = find()
    print(path or MISSING)
    sys.exit(path is None)
