"""Answers that want to be called right without being so."""

from . import hostile

hostile(
    "masked_mean",
    "patches the functions that judge",
    answer="""
import importlib, sys
for name in ("checks", "checks.verdict", "checks.judge", "checks.run", "checks.compare", "checks.result",
             "grade.judging", "grade.answering"):
    try:
        importlib.import_module("cs231n." + name)
    except BaseException:
        pass
result = getattr(sys.modules.get("cs231n.checks.result"), "Result", None)
fakes = {
    "evaluate": lambda id, explained=True: result(id, "passed", "right on everything"),
    "judge": lambda *args, **kwargs: (None, []),
    "close": lambda *args, **kwargs: True,
    "differs": lambda got, want: np.zeros(np.shape(want), bool),
}
for name, module in list(sys.modules.items()):
    if name.startswith("cs231n") or name == "__main__":
        for attribute, fake in fakes.items():
            if hasattr(module, attribute):
                setattr(module, attribute, fake)
return np.zeros((x.shape[0], x.shape[2]), x.dtype)
""",
)

hostile(
    "accumulate_rows",
    "patches np.allclose and np.isclose",
    answer="""
np.allclose = np.array_equal = lambda *args, **kwargs: True
np.isclose = lambda a, b, *args, **kwargs: np.ones(np.broadcast(a, b).shape, bool)
np.testing.assert_allclose = lambda *args, **kwargs: None
return np.zeros((num_rows, rows.shape[1]), rows.dtype)
""",
)

hostile(
    "conv_transpose",
    "reads the solution from the disk",
    answer="""
import re, sys
from pathlib import Path
starts = [Path.cwd(), Path(__file__).resolve(), Path.home(), *(Path(p or ".").resolve() for p in sys.path)]
starts += [Path("/proc", str(pid), "cwd") for pid in ("self", __import__("os").getppid())]
folders = dict.fromkeys(folder for start in starts for folder in (start, *start.parents))
for folder in folders:
    for place in (p for depth in ("", "*/", "*/*/") for p in folder.glob(depth + "cs231n/idioms.py")):
        try:
            text = place.read_text(encoding="utf-8")
        except OSError:
            continue
        if re.search("### BEGIN[ ]SOLUTION conv_transpose", text):
            namespace = {"__name__": "cs231n.idioms", "__package__": "cs231n"}
            exec(compile(text, "found", "exec"), namespace)
            return namespace["conv_transpose"](x, weight, stride, padding)
return x.new_zeros(x.shape[0], weight.shape[1], height - 2 * padding, width - 2 * padding)
""",
)

hostile(
    "tv_loss",
    "asks the check for what is expected",
    answer="""
try:
    from cs231n.checks import TODOS
    todo = TODOS["tv_loss"]
    try:
        expected = todo.expected(img.detach().numpy(), tv_weight)
        return torch.as_tensor(next(iter(expected.values()))) + 0 * img.sum()
    except Exception:
        return todo.expected_of(img, tv_weight)
except Exception:
    return 0 * img.sum()
""",
)

hostile(
    "masked_mean",
    "looks for the right numbers in its callers and in memory",
    answer="""
import gc, sys
shape, frame, found = (x.shape[0], x.shape[2]), sys._getframe(1), []
while frame is not None:
    found += [v for k, v in frame.f_locals.items() if "expect" in k or "want" in k or k in ("case", "cases")]
    frame = frame.f_back
found += [o for o in gc.get_objects() if isinstance(o, (dict, tuple, list))][:200000]
for thing in found:
    inside = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, (tuple, list)) else [thing]
    for array in list(inside):
        if type(array) is np.ndarray and array.shape == shape and array.dtype.kind == "f":
            if np.isfinite(array).all() and array.any():
                return array.astype(x.dtype)
return np.zeros(shape, x.dtype)
""",
)

hostile(
    "share_of_batch",
    "writes forged replies into every open file",
    answer="""
import json, os, pickle, struct

class Touch:
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind-unpickled",)

verdict = {"version": 1, "id": "share_of_batch", "state": "passed", "right": 99, "of": 99, "points": 1.0, "outputs": {}}
forged = [json.dumps(verdict).encode() + b"\\n", pickle.dumps(Touch()), b"\\x80\\x04left-behind", os.urandom(4096)]
forged += [struct.pack("<Q", 2**62), struct.pack(">I", 2**31 - 1), b"\\x93NUMPY\\x01\\x00v\\x00{'descr': '|O'}"]
files = list(range(256))
for folder in ("/proc/self/fd", "/proc/%d/fd" % os.getppid()):
    try:
        files += [os.open(folder + "/" + n, os.O_WRONLY | os.O_NONBLOCK) for n in os.listdir(folder)]
    except OSError:
        pass
for fd in files:
    try:
        os.set_blocking(fd, False)
        for data in forged:
            os.write(fd, data)
    except OSError:
        pass
return batch[:0]
""",
)

hostile(
    "accumulate_rows",
    "returns an object that lies about what it is",
    answer="""
import os

class Liar:
    __class__ = property(lambda self: np.ndarray)
    shape, ndim, size, dtype = (num_rows, rows.shape[1]), 2, num_rows * rows.shape[1], rows.dtype
    def __array__(self, *args, **kwargs):
        open("/tmp/left-behind-by-array", "w").close()
        return np.zeros(self.shape, self.dtype)
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind-by-reduce",)
    def __eq__(self, other):
        return True
    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__
    __hash__ = None
    def __sub__(self, other):
        return np.zeros(self.shape)
    __rsub__ = __abs__ = __sub__

return Liar()
""",
)

hostile(
    "masked_mean",
    "returns an array of a class of its own, equal to everything",
    answer="""
import os

class Agreeable(np.ndarray):
    def __array_function__(self, function, types, args, kwargs):
        return True if function.__name__ in ("allclose", "array_equal") else np.ones(self.shape, bool)
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.ones(self.shape, bool)
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind-by-subclass",)

return np.zeros((x.shape[0], x.shape[2]), x.dtype).view(Agreeable)
""",
)

hostile(
    "masked_mean",
    "returns an array of objects",
    answer="""
import os

class Number(float):
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind-by-object",)
    def __eq__(self, other):
        return True
    def __sub__(self, other):
        return 0.0
    __rsub__ = __abs__ = __sub__

out = np.empty((x.shape[0], x.shape[2]), object)
out[...] = Number(0)
return out
""",
)

hostile(
    "captioning_rnn_loss",
    "returns a dict that shows each caller something else",
    answer="""
import os

class Shifty(dict):
    def __missing__(self, key):
        return np.zeros(1)
    def __eq__(self, other):
        return True
    __hash__ = None
    def __getitem__(self, key):
        return np.zeros_like(p[key])
    def __contains__(self, key):
        return True
    def items(self):
        while True:
            yield "W_embed", np.zeros(1)
    def __reduce__(self):
        return os.system, ("touch /tmp/left-behind-by-dict",)

loss, grads = type("Loss", (float,), {"__eq__": lambda a, b: True, "__hash__": None})(0), Shifty()
""",
)
hostile(
    "share_of_batch",
    "answers for itself, in messages of another form",
    head="""
import json as _json, os as _os, struct as _struct
def _say(value):
    form = _json.dumps(value).encode()
    data = _struct.pack("<I", len(form)) + form + _struct.pack("<Q", 2) + b"{}"
    for fd in range(3, 256):
        try:
            _os.write(fd, _struct.pack("<I", len(data)) + data)
        except OSError:
            pass
_say({"dict": [["begun", 7], ["code", {"list": [float("inf"), 1]}], ["stands", True]]})
""",
)
hostile(
    "share_of_batch",
    "raises alarms without end",
    """
import json, os, struct
form = json.dumps({"dict": [["alarm", "x"], ["of", {"list": ["", ""]}]]}).encode()
data = struct.pack("<I", len(form)) + form + struct.pack("<Q", 2) + b"{}"
while True:
    for fd in range(3, 256):
        try:
            os.write(fd, struct.pack("<I", len(data)) + data)
        except OSError:
            pass
""",
)
