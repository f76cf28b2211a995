"""An answer where it runs: what it does with a case, and what of its TODO's file is written."""

from dataclasses import dataclass
from types import FunctionType

from .disk import code_at
from .run import see
from .todo import Todo, find


@dataclass
class LiveAnswer:
    """The answer as it is loaded in this process."""

    todo: Todo
    function: FunctionType

    def see(self, args):
        """The Seen of a case's arguments."""
        return see(self.todo, self.todo.call, self.function, args)

    def code(self):
        """As disk.code_at: the line that raises the TODO, and whether code stands beside it; None if unknown."""
        return code_at(self.todo)

    def stands(self):
        """Whether the TODO's own raise line stands in the function, even if it is never reached."""
        return _stands(self.todo.id, self.function)

    def begun(self, id):
        """Whether the line of some TODO that a student replaces is gone."""
        try:
            return not _stands(id, find(id).live())
        except Exception:  # a file that cannot be imported
            return True


def _stands(id, function):
    code = getattr(function, "__code__", None)
    return any(f"TODO {id}: replace this line" in c for c in code.co_consts if isinstance(c, str)) if code else False
