"""What two processes say to each other in a form that carries no code: JSON, and arrays as safetensors has them.

A message is four bytes of its length, four of the JSON's length, the JSON, the arrays. What is neither plain nor an
array goes over as a word for its type, and arrives as an object without any content.
"""

import json
import os
import select
import struct
import time

import numpy as np
from safetensors.numpy import load, save

MOST = 64 * 2**20  # bytes of a message
MOST_PLAIN = 2**22  # of its JSON, which takes many times as much once it is read
PLAIN = bool, int, float, str, type(None)
KINDS = "fiub"  # of numpy's numbers


class BrokenLine(Exception):
    """The other side is gone, or what it sent is no message."""


class Late(Exception):
    """The other side did not say anything in time."""


def pack(value):
    """The bytes of a value of dicts, lists, tuples, plain values and arrays; ValueError if they are too many."""
    arrays = {}
    form = json.dumps(_form(value, arrays)).encode()
    if len(form) > MOST_PLAIN or sum(a.nbytes for a in arrays.values()) > MOST:
        raise ValueError(f"the result has more than {MOST // 2**20} MiB")
    return struct.pack("<I", len(form)) + form + save(arrays)


def _form(value, arrays):
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is np.ndarray and value.dtype.kind in KINDS or isinstance(value, np.generic) and value.dtype.kind in KINDS:
        name = str(len(arrays))
        if np.size(value) * value.dtype.itemsize > MOST:
            raise ValueError(f"an array of the shape {np.shape(value)} is too large")
        # safetensors knows one order of bytes, and no long double.
        wide = value.dtype.kind == "f" and value.dtype.itemsize > 8
        arrays[name] = np.array(value, value.dtype.newbyteorder("=") if not wide else float, order="C", ndmin=1)
        return {"array": name, "shape": list(np.shape(value))}
    if kind is dict and all(type(key) is str for key in value):
        return {"dict": [[key, _form(v, arrays)] for key, v in value.items()]}
    if kind in (list, tuple):
        return {kind.__name__: [_form(v, arrays) for v in value]}
    return {"foreign": str(type.__getattribute__(kind, "__name__"))[:80]}


def unpack(data):
    """The value of some bytes; BrokenLine if they are not what pack makes."""
    try:
        (length,) = struct.unpack("<I", data[:4])
        if length > MOST_PLAIN:
            raise ValueError("too long")
        return _value(json.loads(data[4 : 4 + length].decode()), load(data[4 + length :]))
    except Exception as error:
        raise BrokenLine(f"no message: {type(error).__name__}") from error


def _value(form, arrays):
    if not isinstance(form, dict):
        return form
    (kind, content), *more = form.items()
    if kind == "array":
        return arrays[content].reshape(more[0][1])
    if kind == "dict":
        return {str(key): _value(v, arrays) for key, v in content}
    if kind in ("list", "tuple"):
        return [_value(v, arrays) for v in content] if kind == "list" else tuple(_value(v, arrays) for v in content)
    return type(str(content), (), {})()


def send(end, value, until=None):
    """Write a value's message to a file descriptor; BrokenLine if nobody reads it.

    until: when to give up, by time.monotonic(), with Late.
    """
    data = pack(value)
    data = memoryview(struct.pack("<I", len(data)) + data)
    os.set_blocking(end, until is None)
    try:
        while data:
            if until is None or select.select([], [end], [], 0.2)[1]:
                data = data[os.write(end, data) :]
            elif time.monotonic() > until:
                raise Late
    except OSError as error:
        raise BrokenLine("nobody listens") from error


def receive(end, until=None, watch=None):
    """Read a value's message from a file descriptor.

    until: when to give up, by time.monotonic(), with Late; watch(), if given, is called now and then in between.
    """
    (length,) = struct.unpack("<I", _read(end, 4, until, watch))
    if length > MOST + MOST_PLAIN + 2**20:
        raise BrokenLine("a message that is too long")
    return unpack(_read(end, length, until, watch))


def _read(end, count, until, watch):
    data = bytearray()
    while len(data) < count:
        if until is not None and time.monotonic() > until:  # also where something comes without end
            raise Late
        if until is not None and not select.select([end], [], [], 0.2)[0]:
            if watch:
                watch()
            continue
        piece = os.read(end, min(count - len(data), 2**20))
        if not piece:
            raise BrokenLine("the line is dead")
        data += piece
    return bytes(data)
