"""What the top level of a file says: which functions are programs, which names are constants, and what else is bound.

Python's `ast` was read before; nothing is executed. Called by `parse`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ncl.language.bindings import CONTRACT_WORDS, WORDS_FROM, bindings, from_ncl
from ncl.language.builtins import BUILTINS, IMPORTED
from ncl.language.reader import Constant

AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


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
    """The functions at the top level of a file, in order."""
    return [node for node in tree.body if isinstance(node, AnyFunction)]


def programs(tree: ast.Module, marks: Marks) -> list[AnyFunction]:
    """The top-level functions that carry the decorator, in order."""
    return [f for f in functions(tree) if any(marks.means_program(d) for d in f.decorator_list)]


def marks_of(tree: ast.Module) -> Marks:
    """What marks a program in this file: names of the decorator, and of the package that has it."""
    known = from_ncl(tree)
    return Marks(
        frozenset(name for name, meant in known.items() if meant == "program"),
        frozenset(name for name, meant in known.items() if meant == "module ncl"),
    )


def misplaced(tree: ast.Module, marks: Marks) -> list[AnyFunction]:
    """Decorated functions that are made when the file is loaded, and not at its top level."""
    waiting, found = [n for n in tree.body if not isinstance(n, AnyFunction)], list[AnyFunction]()
    while waiting:
        node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, AnyFunction):
                found += [child] if any(map(marks.means_program, child.decorator_list)) else []
            elif not isinstance(child, ast.expr):
                waiting.append(child)  # type: ignore[arg-type]
    return found


def rebound(tree: ast.Module, node: AnyFunction) -> ast.AST | None:
    """What takes the name of a function after its definition, wherever it may do so."""
    after = False
    for binding in bindings(tree).get(node.name, ()):
        if (after and binding.node is not node) or isinstance(binding.node, ast.Global):
            return binding.node
        after |= binding.node is node
    return None


def builtins(tree: ast.Module) -> dict[str, str]:
    """The names by which this file knows the language's own functions: `min`, `max`, `abs`, and what it imports."""
    own = {name: name for name in BUILTINS if name not in IMPORTED and name not in bindings(tree)}
    return own | {name: meant for name, meant in from_ncl(tree).items() if meant in IMPORTED}


def callable_functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions that others of the file may call: defined at the top level, under a name bound only there."""
    return {f.name: f for f in functions(tree) if isinstance(f, ast.FunctionDef) and _once(tree, f.name)}


def constants(tree: ast.Module) -> dict[str, Constant]:
    """Module constants: `NAME = literal` or `NAME = ~literal` at the top level, and bound nowhere else in the file."""
    found: dict[str, Constant] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and (value := _literal(node.value)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {t.id: value for t in targets if isinstance(t, ast.Name) and _once(tree, t.id)}
    return found


def imports(tree: ast.Module) -> dict[str, tuple[ast.ImportFrom, ast.alias]]:
    """Names that the file has from other files than ncl's, bound nowhere else in it."""
    return {
        name: (node, alias)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.level or node.module not in (*WORDS_FROM, "__future__"))
        for alias in node.names
        if _once(tree, name := alias.asname or alias.name)
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
    return frozenset(bindings(tree))


def contract_words(tree: ast.Module) -> frozenset[str]:
    """The words of contracts that the file imports from ncl under their own name, and binds to nothing else."""
    return frozenset(n for n, meant in from_ncl(tree).items() if n == meant and meant in CONTRACT_WORDS)


def _literal(node: ast.expr) -> Constant | None:
    match node:
        case ast.Constant(value=bool() | int() as value):
            return Constant(int(value), False)
        case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=int() as value)) if not isinstance(value, bool):
            return Constant(value, True)
    return None


def _once(tree: ast.Module, name: str) -> bool:
    return len(bindings(tree).get(name, ())) == 1
