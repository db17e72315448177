"""What the top level of a file says: which functions are programs, which names are constants, and what else is bound.

Python's `ast` was read before; nothing is executed. Called by `parse`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ncl.language.builtins import BUILTINS, IMPORTED
from ncl.language.reader import Constant

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef
_WORDS_FROM = ("ncl", "ncl.language.declare", "ncl.language.contract_words")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Marks:
    """The names by which this file knows `ncl.program` and the module `ncl`."""

    direct: frozenset[str]
    modules: frozenset[str]

    def means_program(self, decorator: ast.expr) -> bool:
        """True for `@program`, and for `@program(…)`, which is refused later instead of being passed over."""
        match decorator:
            case ast.Call(func=inner):
                return self.means_program(inner)
            case ast.Name(id=name):
                return name in self.direct
            case ast.Attribute(value=ast.Name(id=module), attr="program"):
                return module in self.modules
        return False


def functions(tree: ast.Module) -> list[AnyFunction]:
    return [node for node in tree.body if isinstance(node, AnyFunction)]


def programs(tree: ast.Module, marks: Marks) -> list[AnyFunction]:
    """The top-level functions that carry the decorator, in order."""
    return [f for f in functions(tree) if any(marks.means_program(d) for d in f.decorator_list)]


def marks_of(tree: ast.Module) -> Marks:
    direct, modules = set(), set()
    for node in _outside_functions(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in ("ncl", "ncl.language.declare"):
            direct |= {a.asname or "program" for a in node.names if a.name in ("program", "*")}
        elif isinstance(node, ast.Import):
            modules |= {a.asname or "ncl" for a in node.names if a.name == "ncl" or _binds_ncl(a)}
    return Marks(frozenset(direct), frozenset(modules))


def _binds_ncl(alias: ast.alias) -> bool:
    return alias.name.startswith("ncl.") and alias.asname is None  # `import ncl.build` binds `ncl`


def builtins(tree: ast.Module) -> dict[str, str]:
    """The names by which this file knows the language's own functions: `min`, `max`, `abs`, and what it imports."""
    times = _times_bound(tree)
    found = {name: name for name in BUILTINS if name not in IMPORTED and not times[name]}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in ("ncl", "ncl.language.declare"):
            named = ((a.asname or a.name, a.name) for a in node.names if a.name in IMPORTED)
            found |= {name: meant for name, meant in named if times[name] == 1}
    return found


def callable_functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions that others of the file may call: defined at the top level, under a name bound only there."""
    times = _times_bound(tree)
    return {f.name: f for f in functions(tree) if isinstance(f, ast.FunctionDef) and times[f.name] == 1}


def constants(tree: ast.Module) -> dict[str, Constant]:
    """Module constants: `NAME = literal` or `NAME = ~literal` at the top level, and bound nowhere else in the file."""
    times = _times_bound(tree)
    found: dict[str, Constant] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and (value := _literal(node.value)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id: value for t in targets if isinstance(t, ast.Name) and times[t.id] == 1}
    return found


def imports(tree: ast.Module) -> dict[str, tuple[ast.ImportFrom, ast.alias]]:
    """Names that the file has from other files than ncl's, bound nowhere else in it."""
    times = _times_bound(tree)
    return {
        name: (node, alias)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.level or node.module not in (*_WORDS_FROM, "__future__"))
        for alias in node.names
        if times[name := alias.asname or alias.name] == 1
    }


def names_bound(node: AnyFunction) -> frozenset[str]:
    """The parameters of a function, and every name that something in it assigns."""
    inside = (n for statement in node.body for n in ast.walk(statement))
    stored = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(stored | {a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg)})


def names_used(node: AnyFunction) -> dict[str, ast.Name]:
    """What the body of a function has from outside of it, each where it stands first; what it calls, always."""
    inside = [n for statement in node.body for n in ast.walk(statement)]
    called = {n.func for n in inside if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    own = names_bound(node)
    found: dict[str, ast.Name] = {}
    for name in inside:
        if isinstance(name, ast.Name) and (name.id not in own or name in called):
            found.setdefault(name.id, name)
    return found


def bound(tree: ast.Module) -> frozenset[str]:
    """Every name that the file binds outside its functions."""
    return frozenset(_times_bound(tree))


def contract_words(tree: ast.Module) -> frozenset[str]:
    """Names that the file imports from ncl under their own name, and binds nowhere else."""
    times = _times_bound(tree)
    return frozenset(
        a.name
        for node in _outside_functions(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
        and node.module in _WORDS_FROM
        for a in node.names
        if a.asname is None and times[a.name] == 1
    )  # fmt: skip


def _literal(node: ast.expr) -> Constant | None:
    match node:
        case ast.Constant(value=bool() | int() as value):
            return Constant(int(value), False)
        case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
            return Constant(value, True)
    return None


def _times_bound(tree: ast.Module) -> Counter[str]:
    """How often each name is bound at the top level; a `global` statement in a function counts as one time."""
    times: Counter[str] = Counter()
    for node in _outside_functions(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                times[name] += 1
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                times[name] += 1
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                times.update((a.asname or a.name.partition(".")[0]) for a in names)
            case ast.ExceptHandler(name=str() as name):
                times[name] += 1
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                times[name] += 1
            case ast.MatchMapping(rest=str() as name):
                times[name] += 1
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                times[name] -= 1  # an annotation alone binds nothing
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            times.update(node.names)
    return +times


def _outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the file is loaded: what stands in functions and classes is left out, they are not."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
