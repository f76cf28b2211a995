"""Answers that attack whoever grades them. They are data: nothing here runs them, and only the grader may, confined.
A module an aim.

Each stands in one TODO of an otherwise right submission:

    hostile("share_of_batch", "ends the process", '''
    import sys
    sys.exit(0)
    ''')

The text comes before our own solution, so that what follows is right and only a decision can withhold the points;
answer= stands in the solution's place, and its numbers are wrong unless the attack succeeds; head= stands at the
module's head, and is paid for by every TODO of the file. What an attack leaves behind where it succeeds bears a name
that begins with TRACE (for a process: in its command line or its name); what it would destroy bears one that begins
with DECOY. Nothing else is written into or removed, processes are counted, and no process is ended but its parent's
and its own group, so that an attack that got out would do no more harm than it must.
"""

from dataclasses import dataclass

TRACE, DECOY = "left-behind-", "keep-me-"
PORT = 47831  # on this machine, for whoever wants to listen whether an answer gets out

ANSWERS = []


@dataclass
class Hostile:
    """An attack on one TODO; whole_file: whether the other TODOs of its file may go down with it."""

    id: str
    title: str
    before: str
    answer: str
    head: str

    @property
    def whole_file(self):
        return bool(self.head)

    @property
    def numbers(self):
        """Whether what it returns, if it comes to that, is right."""
        return "wrong" if self.answer else "right"


def hostile(id, title, before="", *, answer="", head=""):
    """Add to the hostile answers of a TODO."""
    ANSWERS.append(Hostile(id, title, *(text.replace("PORT", str(PORT)) for text in (before, answer, head))))
