"""Where results are shown: in IPython or not, and on consoles that lack our signs, as Windows' do."""

import codecs
import sys

PLAIN = {"✓": "+", "✗": "x", "○": "o", "…": ".", "━": "=", "█": "#", "░": "-", "−": "-", "×": "x"}
HANDLER = "cs231n.plain"


def in_ipython():
    """Whether this runs in IPython, and so perhaps in a notebook."""
    return "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None


def _plain(error):
    """Put in each sign's place the one that it becomes: a tick becomes a plus rather than an error."""
    return "".join(PLAIN.get(sign, "?") for sign in error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _plain)


def fit(text):
    """The text as standard output can show it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, HANDLER).decode(encoding)


def fit_output():
    """From now on let standard output replace what it cannot show, whoever prints it."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=HANDLER)
