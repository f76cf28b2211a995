"""Write the table of troubles into README.md, from what the doctor knows: `python -m tools.troubles`."""

import sys
from pathlib import Path

from cs231n.doctor.troubles import TROUBLES

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN = "<!-- troubles: written by python -m tools.troubles from cs231n/doctor/troubles.py -->\n"
END = "<!-- end of troubles -->"


def table():
    """The troubles with their cures, a Markdown table."""
    rows = "".join(f"| {trouble.title} | {trouble.cure} |\n" for trouble in TROUBLES)
    return f"\n| trouble | cure |\n|---|---|\n{rows}\n"


def rewritten(text):
    """The README's text with the table as it should be; ValueError where one of the two marks is missing."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md lacks {BEGIN.strip()!r} or, below it, {END!r}")
    return head + begin + table() + end + tail


def main():
    README.write_bytes(rewritten(README.read_bytes().decode()).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
