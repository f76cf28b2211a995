"""What people confuse: the small changes of a line of code, each with words for what is changed.

A generator a kind of slip: of a node of the tree it makes the nodes that may have been meant. The same changes serve
to look for the slip in a wrong answer, and (in the tests) to make wrong answers of right ones.
"""

import ast
import builtins

LIKE = (  # names that are taken for one another
    ("sum", "mean", "max", "min", "amax", "amin", "prod", "cumsum"), ("argmax", "argmin", "max"),
    ("tanh", "sigmoid", "relu", "exp", "sin", "cos"), ("log", "log2", "log1p", "log_softmax", "softmax", "logsigmoid"),
    ("sqrt", "square", "abs"), ("rand", "randn"), ("zeros", "ones"), ("zeros_like", "ones_like"),
    ("maximum", "minimum"), ("append", "extend"), ("view", "reshape"), ("masked_fill", "masked_fill_"),
    ("hstack", "vstack"), ("dot", "outer", "matmul"), ("floor", "ceil", "round"), ("enumerate", "reversed"),
    ("ReLU", "LeakyReLU", "Tanh", "Sigmoid"), ("MaxPool2d", "AvgPool2d"), ("triu", "tril"),
    ("BatchNorm1d", "BatchNorm2d"), ("logaddexp", "maximum"), ("add", "subtract"),
)  # fmt: skip
WRAPS = ("np.tanh", "sigmoid", "np.abs", "np.sqrt", "np.exp", "np.log", "torch.sqrt", "math.sqrt", "reversed")
METHODS = ("T", "mean()", "sum()", "detach()", "copy()", "abs()", "sqrt()", "tanh()", "sigmoid()", "exp()", "log()")
ALIKE = {w: [other for group in LIKE if w in group for other in group if other != w] for like in LIKE for w in like}
SIGNS = {
    ast.Add: (ast.Sub, ast.Mult), ast.Sub: (ast.Add, ast.Mult, ast.Div), ast.Mult: (ast.Div, ast.Add, ast.MatMult),
    ast.Div: (ast.Mult, ast.FloorDiv), ast.FloorDiv: (ast.Div, ast.Mod), ast.Mod: (ast.FloorDiv,),
    ast.MatMult: (ast.Mult,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Lt: (ast.LtE, ast.Gt, ast.GtE), ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
}  # fmt: skip
REDUCE = {"sum", "mean", "max", "min", "amax", "amin", "norm", "softmax", "log_softmax", "argmax", "cat", "concatenate"}


class Scope:
    """What can be named in a function: its variables, self's attributes, the strings and functions it uses."""

    def __init__(self, functions, attributes=()):
        nodes = [n for f in functions for n in ast.walk(f)]
        loaded = [n.id for n in nodes if isinstance(n, ast.Name)]
        arguments = [a.arg for n in nodes if isinstance(n, ast.arguments) for a in (*n.args, *n.kwonlyargs)]
        self.arguments = [a for a in dict.fromkeys(arguments) if a != "self"]
        stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.variables = [n for n in dict.fromkeys([*arguments, *stored]) if n not in ("self", "_")]
        called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        self.functions = [n for n in dict.fromkeys(loaded) if n in called and not hasattr(builtins, n)]
        values = [n.value for n in nodes if isinstance(n, ast.Constant)]
        self.numbers = list(dict.fromkeys(v for v in values if type(v) is int))
        self.strings = list(dict.fromkeys(v for v in values if isinstance(v, str) and len(v) < 30))
        used = [n.attr for n in nodes if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "self"]
        self.attributes = list(dict.fromkeys([*used, *attributes]))
        self.known = {*loaded}


def names_read(functions):
    """The names that functions read anywhere."""
    nodes = (n for f in functions for n in ast.walk(f))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _expression(text):
    return ast.parse(text, mode="eval").body


def _binary(left, operator, right):
    return ast.BinOp(left, operator, right)


# Each of these yields (new node, what is changed) for a node; COMMON and RARE at the end are their order.


def signs(node, scope):
    """Another operator or comparison, or the other sign."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for operator in SIGNS.get(type(node.op), ()):
            yield _changed(node, op=operator()), "the operator"
    if isinstance(node, ast.BoolOp):
        yield _changed(node, op=SIGNS[type(node.op)][0]()), "the operator"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for operator in SIGNS.get(type(node.ops[0]), ()):
            yield _changed(node, ops=[operator()]), "the comparison"
    if isinstance(node, ast.UnaryOp):
        yield node.operand, "the sign" if isinstance(node.op, ast.USub) else "what is negated"
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        yield _changed(node, test=ast.UnaryOp(ast.Not(), node.test)), "the condition is the wrong way round"
    if isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and _name_of(node.func) in ("bool", "logical_not")):
        yield ast.UnaryOp(ast.Invert(), node), "the condition is the wrong way round"


def numbers(node, scope):
    """Another number, or the other one of True and False."""
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value), f"{value} should be the other"
        return
    others = ()
    if isinstance(value, int):
        near = [value + 1, value - 1, -value, 2 * value, value // 2, *range(-2, 5)]
        others = [*scope.numbers, *(near if abs(value) < 1000 else ())]
    elif isinstance(value, float):
        others = [-value, 2 * value, value / 2, 1 - value, value * 10, value / 10, 1.0, 0.0]
    for other in dict.fromkeys(others):
        if other != value:
            yield _number(other), f"the number {value}"


def _number(value):
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def keywords(node, scope):
    """A keyword argument dropped or added."""
    if not isinstance(node, ast.Call):
        return
    for k, keyword in enumerate(node.keywords):
        yield _changed(node, keywords=node.keywords[:k] + node.keywords[k + 1 :]), f"the argument {keyword.arg}"
    name, given = _name_of(node.func), {k.arg for k in node.keywords}
    if name in REDUCE and not given & {"dim", "axis", "keepdim", "keepdims"}:
        module = getattr(getattr(node.func, "value", None), "id", "")
        has_room = len(node.args) < (2 if module in ("np", "torch") else 1)
        for word in ("axis",) if module == "np" else ("dim", "axis"):
            for axis in (0, 1, 2, -1) if has_room else ():
                more = [*node.keywords, ast.keyword(word, _number(axis))]
                yield _changed(node, keywords=more), f"the axis of {name}"
    if name in REDUCE and not given & {"keepdim", "keepdims"}:
        for word in ("keepdims",) if "axis" in given else ("keepdim",):
            more = [*node.keywords, ast.keyword(word, ast.Constant(True))]
            yield _changed(node, keywords=more), f"whether {name} keeps the axis"


def orders(node, scope):
    """Operands, arguments or elements exchanged."""
    if isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Mult)):
        yield _changed(node, left=node.right, right=node.left), "the order of the operands"
    for field, what in (("args", "arguments"), ("elts", "elements")):
        parts = getattr(node, field, None)
        if not isinstance(parts, list) or not isinstance(node, (ast.Call, ast.Tuple, ast.List)):
            continue
        for i in range(len(parts)):
            for j in range(i + 1, len(parts)):
                if not any(isinstance(parts[k], ast.Starred) for k in (i, j)):
                    swapped = list(parts)
                    swapped[i], swapped[j] = parts[j], parts[i]
                    yield _changed(node, **{field: swapped}), f"the order of the {what}"
        if len(parts) > 2:
            yield _changed(node, **{field: parts[1:] + parts[:1]}), f"the order of the {what}"
            yield _changed(node, **{field: parts[-1:] + parts[:-1]}), f"the order of the {what}"
    product = isinstance(node, ast.Call) and _name_of(node.func) in ("dot", "matmul", "mm", "bmm")
    if product and len(node.args) == 1 and isinstance(node.func, ast.Attribute):
        other = _changed(node.func, value=node.args[0])
        yield _changed(node, func=other, args=[node.func.value]), "the order of the operands"
    if isinstance(node, ast.IfExp):
        yield _changed(node, body=node.orelse, orelse=node.body), "the two sides of the if"


def names(node, scope):
    """Another variable, function, attribute or key."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for alike in (scope.variables, scope.functions):
            for other in alike if node.id in alike else ():
                if other != node.id:
                    yield ast.Name(other, ast.Load()), f"the name {node.id}"
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        for other in ALIKE.get(node.attr, ()):
            yield _changed(node, attr=other), f"the function {node.attr}"
        if getattr(node.value, "id", "") == "self":
            for other in scope.attributes:
                if other != node.attr:
                    yield _changed(node, attr=other), f"the name self.{node.attr}"
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in ALIKE.get(node.id, ()):
            if hasattr(builtins, other) or other in scope.known:
                yield ast.Name(other, ast.Load()), f"the function {node.id}"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in scope.strings:
        for other in scope.strings:
            if other != node.value:
                yield ast.Constant(other), f"the name '{node.value}'"


def functions(node, scope):
    """Another function called."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and isinstance(node.func, (ast.Name, ast.Attribute)):
        written = ast.unparse(node.func)
        for function in (*WRAPS, *scope.functions):
            if function != written and (function.split(".")[0] in scope.known):
                yield _changed(node, func=_expression(function)), f"the function {_name_of(node.func)}"
    of = getattr(getattr(node, "func", None), "value", None)  # a.abs().mean() for a.norm()
    if isinstance(of, ast.Call) and _name_of(of.func) == "abs" and isinstance(of.func, ast.Attribute) and not of.args:
        norm = ast.Attribute(of.func.value, "norm", ast.Load())
        yield ast.Call(norm, [], []), f"the function {_name_of(node.func)}"


def dropped(node, scope):
    """Something too much: a call around a value, a method, a transpose, a summand, a factor, an index."""
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        yield node.args[0], f"the call of {_name_of(node.func)}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if getattr(node.func.value, "id", "") not in ("np", "torch", "F", "math"):
            yield node.func.value, f"the call of {node.func.attr}"
        elif node.args:
            yield node.args[0], f"the call of {node.func.attr}"
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT", "data"):
        yield node.value, f".{node.attr}"
    if isinstance(node, ast.BinOp):
        yield node.left, f"what stands behind the {_word(node.op)}"
        if not isinstance(node.op, ast.Pow):
            yield node.right, f"what stands in front of the {_word(node.op)}"
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield node.value, "the index"
    if isinstance(node, ast.Starred) and isinstance(node.value, ast.Name):  # f(*layers)
        for ends in ("[:-1]", "[1:]"):
            yield _changed(node, value=_expression(node.value.id + ends)), "an element too many"
    if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        for k in range(len(node.elts)):
            yield _changed(node, elts=node.elts[:k] + node.elts[k + 1 :]), "an element too many"


def indices(node, scope):
    """An index that should be looked up in a variable: a[i] for a[b[i]]."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and isinstance(node.ctx, ast.Load):
        for name in scope.variables:
            inner = ast.Subscript(ast.Name(name, ast.Load()), node.slice, ast.Load())
            yield _changed(node, slice=inner), f"the index {node.slice.id}"


def divisors(node, scope):
    """Another size or count to divide by."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        for name in scope.variables:
            for size in ("len({})", "{}.sum()", "{}.size", "{}.shape[0]", "{}.shape[1]", "{}.shape[-1]"):
                yield _changed(node, right=_expression(size.format(name))), "what it is divided by"


def inserted(node, scope):
    """A layer without weights missing among others: an activation that stands elsewhere, or a ReLU."""
    layers = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.List) else ()
    if len(layers) < 4 or not all(isinstance(layer, (ast.Call, ast.Starred)) for layer in layers):
        return
    bare = {ast.unparse(layer): layer for layer in layers if isinstance(layer, ast.Call) and not layer.args}
    if "nn" in scope.known:
        bare.setdefault("nn.ReLU()", _expression("nn.ReLU()"))
    for layer in bare.values():
        for place in range(1, len(layers) + 1):
            more = [*layers[:place], layer, *layers[place:]]
            field = "args" if isinstance(node, ast.Call) else "elts"
            yield _changed(node, **{field: more}), f"{ast.unparse(layer)} is missing"


def replaced(node, scope):
    """A variable in the place of a call or an element."""
    if isinstance(node, (ast.Call, ast.Subscript)) and not isinstance(getattr(node, "ctx", None), ast.Store):
        for name in scope.variables:
            yield ast.Name(name, ast.Load()), f"{ast.unparse(node)[:40]}: another name belongs here"


def slices(node, scope):
    """The ends of a slice."""
    if not isinstance(node, ast.Slice):
        return
    lower, upper = node.lower, node.upper
    if lower is not None or upper is not None:
        yield ast.Slice(upper, lower, node.step), "the ends of the slice"
    one = ast.Constant(1)
    for low, up in ((lower, None), (None, upper), (None, None), (one, None), (None, _number(-1))):
        yield ast.Slice(low, up, node.step), "the ends of the slice"
    if isinstance(upper, ast.UnaryOp) and isinstance(upper.op, ast.USub):
        least = ast.BoolOp(ast.Or(), [upper, ast.Constant(None)])
        yield ast.Slice(lower, least, node.step), "-0 is where it begins: the end of the slice"
    if upper is not None:
        for step in (ast.Add(), ast.Sub()):
            yield ast.Slice(lower, _binary(upper, step, one), node.step), "where the slice ends"
    if lower is not None:
        for step in (ast.Add(), ast.Sub()):
            yield ast.Slice(_binary(lower, step, one), upper, node.step), "where the slice begins"
    if lower is not None and upper is not None:
        for word in scope.variables:
            for step in (ast.Add(), ast.Sub()):
                width = ast.Name(word, ast.Load())
                moved = ast.Slice(_binary(lower, step, width), _binary(upper, step, width), node.step)
                yield moved, "the place of the slice"


def wrapped(node, scope):
    """Something missing around a value: a sign, a function, a square, a transpose, 1 minus it."""
    values = (ast.BinOp, ast.Call, ast.Name, ast.Subscript, ast.Attribute)
    if not isinstance(node, values) or not _is_value(node, scope):
        return
    yield ast.UnaryOp(ast.USub(), node), "the sign"
    for method in METHODS:
        name, call = method.removesuffix("()"), method.endswith("()")
        found = ast.Attribute(node, name, ast.Load())
        yield ast.Call(found, [], []) if call else found, f".{method} is missing"
    for function in (*WRAPS, *scope.functions):
        if function.split(".")[0] in scope.known or hasattr(builtins, function):
            yield ast.Call(_expression(function), [node], []), f"the call of {function}"
    yield _binary(node, ast.Pow(), ast.Constant(2)), "the square"
    yield _binary(ast.Constant(1), ast.Sub(), node), "1 - ... is missing"
    if isinstance(node, ast.Name):
        yield _expression(f"{node.id}[:, None]"), "an axis is missing"
        yield _expression(f"{node.id} - 1"), f"the name {node.id}"
        yield _expression(f"{node.id} + 1"), f"the name {node.id}"
    yield _binary(ast.Constant(0), ast.Mult(), node), "it should be zero"


def regrouped(node, scope):
    """f(a) + f(b) for f(a + b), a**2 + b**2 for (a + b)**2, and the other way round; (a + b) * c for a + b * c."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.BinOp) and not node.keywords:
        inner = node.args[0]
        for left, right in ((inner.left, None), (None, inner.right), (inner.left, inner.right)):
            parts = [
                _changed(node, args=[part, *node.args[1:]]) if part is not None else rest
                for part, rest in ((left, inner.left), (right, inner.right))
            ]
            yield _binary(parts[0], inner.op, parts[1]), "what stands inside the call"
    if not isinstance(node, ast.BinOp):
        return
    left, right = node.left, node.right
    if isinstance(node.op, ast.Pow) and isinstance(left, ast.BinOp):
        yield _binary(_changed(node, left=left.left), left.op, _changed(node, left=left.right)), "what is squared"
    same = isinstance(left, ast.Call) and isinstance(right, ast.Call) and ast.dump(left.func) == ast.dump(right.func)
    if same and left.args and right.args:
        inside = _binary(left.args[0], node.op, right.args[0])
        yield _changed(left, args=[inside, *left.args[1:]]), "what stands inside the call"
    for call, other, before in ((left, right, False), (right, left, True)):
        if isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords:
            pair = (other, call.args[0]) if before else (call.args[0], other)
            yield _changed(call, args=[_binary(pair[0], node.op, pair[1])]), "what stands inside the call"
    for inner, outer, on_left in ((left, right, True), (right, left, False)):
        if isinstance(inner, ast.BinOp):
            if on_left:  # (a . b) . c as a . (b . c)
                yield _binary(inner.left, inner.op, _binary(inner.right, node.op, outer)), "the brackets"
            else:  # a . (b . c) as (a . b) . c
                yield _binary(_binary(outer, node.op, inner.left), inner.op, inner.right), "the brackets"


def extended(node, scope):
    """A summand or a factor missing behind a value."""
    if not isinstance(node, (ast.BinOp, ast.Call, ast.Name, ast.Subscript)) or not _is_value(node, scope):
        return
    for name in scope.variables:
        for operator in (ast.Add(), ast.Mult(), ast.Div(), ast.Sub()):
            yield _binary(node, operator, ast.Name(name, ast.Load())), f"{_word(operator)} {name} is missing"
    yield _binary(node, ast.Div(), ast.Constant(2)), "the factor 1/2 is missing"
    yield _binary(node, ast.Mult(), ast.Constant(2)), "the factor 2 is missing"


def _is_value(node, scope):
    """Not a module, nor what is called."""
    return not isinstance(getattr(node, "ctx", None), ast.Store) and getattr(node, "id", "") not in (
        "np", "torch", "F", "math", "nn", "self", "range", "len", "reversed", "enumerate", *scope.functions,
    )  # fmt: skip


def statements(node, scope):
    """= for +=, and the other way round; a loop run backward or forward; a step too many or too few."""
    if isinstance(node, ast.AugAssign):
        target = _loaded(node.target)
        if isinstance(target, ast.Subscript) and isinstance(node.op, ast.Add) and "np" in scope.known:
            call = _expression("np.add.at(a, i, v)")
            call.args = [target.value, target.slice, node.value]
            yield ast.Expr(call), "+= counts equal indices once only"
        yield ast.Assign([node.target], node.value), f"{_word(node.op)}="
        yield ast.Assign([node.target], _binary(target, node.op, node.value)), f"{_word(node.op)}= works in place"
    targets = node.targets if isinstance(node, ast.Assign) else ()
    if len(targets) == 1 and isinstance(targets[0], (ast.Name, ast.Subscript)):
        for operator in (ast.Add(), ast.Sub()):
            yield ast.AugAssign(node.targets[0], operator, node.value), "the ="
    if isinstance(node, ast.For):
        if _name_of(getattr(node.iter, "func", None)) == "reversed":
            yield _changed(node, iter=node.iter.args[0]), "the direction of the loop"
        else:
            backward = ast.Call(ast.Name("reversed", ast.Load()), [node.iter], [])
            yield _changed(node, iter=backward), "the direction of the loop"


def _loaded(target):
    new = _changed(target)
    new.ctx = ast.Load()
    return new


def _changed(node, **fields):
    """A shallow copy of a node with other fields."""
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)


def _name_of(function):
    return getattr(function, "attr", getattr(function, "id", "")) if function is not None else ""


def _word(operator):
    words = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}
    return words.get(type(operator), "operator")


# The likeliest kinds first; the last ones are so many, and so strong, that they may mend a slip from elsewhere.
FEW = (signs, keywords, orders, statements, numbers, dropped, functions, regrouped)
MANY = (names, slices, indices, divisors, inserted)
COMMON = (*FEW, *MANY)
RARE = (wrapped, replaced, extended)
LIKELY = (signs, keywords, orders, numbers, dropped, functions)  # few enough to be tried in pairs
HARMLESS = (  # which leave nothing out
    signs, keywords, orders, numbers, functions, regrouped, names, slices, divisors, inserted, extended,
)  # fmt: skip


def is_harmless(edit):
    """Whether an edit leaves nothing out, but perhaps a number divided by."""
    divided = isinstance(edit.old, ast.BinOp) and isinstance(edit.old.op, ast.Div) and edit.new is edit.old.left
    added = isinstance(edit.new, (ast.AugAssign, ast.For))
    return edit.kind in HARMLESS or (edit.kind is dropped and divided) or (edit.kind is statements and added)
