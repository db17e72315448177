"""From source to what runs: the one place where compiler and machine meet.

`compile` gives one compiled program; `build_library` an artefact, a folder of programs, witnesses and weights that a
certificate can cover. Parts that need torch load it when they are first used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ncl import atomic, library, strict_json
from ncl.compiler.compile import compile_function
from ncl.compiler.witness import Witness
from ncl.errors import FormatError, InputError, NotFoundError
from ncl.language.interpret.machine import run_machine, trace_machine
from ncl.language.interpret.source import run_source
from ncl.language.parse import of_callable
from ncl.language.program import Program, Sizes, Value
from ncl.language.syntax import Function
from ncl.language.targets import functions_in
from ncl.language.trace import DEFAULT_BUDGET, Result, State, check_budget
from ncl.language.wellformed import check
from ncl.language.word import DEFAULT_WIDTH
from ncl.machine import executors

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ncl.certificate import Certificate

Target = str | Callable[..., Any] | Function

EXECUTORS = ("source", "reference", *executors.EXECUTORS)
WEIGHTS = "weights.safetensors"


def sizes_for(
    width: int = DEFAULT_WIDTH, registers: int = 16, memory: int | None = None, frame: int = 1024, depth: int = 64
) -> Sizes:
    """Machine sizes with the default memory: 4096 cells, or all that addresses of this width reach."""
    checked = Sizes(width, registers, 0, frame, depth)
    return replace(checked, memory=min(1 << width, 4096) if memory is None else memory)


def compile(
    target: Target,
    width: int = DEFAULT_WIDTH,
    registers: int = 16,
    memory: int | None = None,
    frame: int = 1024,
    depth: int = 64,
) -> Compiled:
    """Compile one program: a library program's name, "FILE:FUNC", or a Python function (read from its file).

    What it calls is compiled with it. `frame` and `depth` bound the calls: D open ones at most, whose frames must fit.
    Raises LanguageError, NotFoundError, CapacityError, InputError (when the target holds several programs).
    """
    functions = functions_of(target)
    if len(functions) != 1:
        names = ", ".join(f.name for f in functions)
        raise InputError(
            f"it holds {len(functions)} programs: {names}", where=str(target), remedy="name one: FILE:FUNC"
        )
    return Compiled.of(functions[0], sizes_for(width, registers, memory, frame, depth))


def functions_of(target: Target) -> tuple[Function, ...]:
    """The functions that `FILE`, `FILE:FUNC`, the name of a library program, or a Python function means.

    Raises NotFoundError when there is no such file, function or program, LanguageError for what the language lacks.
    """
    if isinstance(target, Function):
        return (target,)
    if not isinstance(target, str):
        return (of_callable(target),)
    found = functions_in(target)
    return (library.get(target),) if found is None else found


@dataclass(frozen=True)
class Compiled:
    """A source function with the program and witness that the compiler made of it."""

    function: Function
    program: Program
    witness: Witness

    @staticmethod
    def of(function: Function, sizes: Sizes) -> Compiled:
        return Compiled(function, *compile_function(function, sizes))

    def run(
        self, batch: Sequence[Sequence[Any]], executor: str = "integer", budget: int = DEFAULT_BUDGET
    ) -> list[Result]:
        """Run each list of arguments; numbers, lists, NumPy arrays and torch tensors of whole numbers will do.

        Raises InputError for arguments of the wrong number, sort or range, or an executor that is not in `EXECUTORS`.
        """
        inputs = [self._arguments(arguments) for arguments in _items(batch, "a batch is a list of argument lists")]
        return self._runner(executor)(inputs, check_budget(budget))

    def _arguments(self, given: Sequence[Any]) -> list[Value]:
        values = [_plain(value) for value in _items(given, "the arguments of one run are a list")]
        self.program.check_arguments(values)
        return values

    def _runner(self, executor: str) -> Callable[[list[list[Value]], int], list[Result]]:
        program, function = self.program, self.function
        match executor:
            case "source":
                return lambda batch, budget: [run_source(function, a, program.sizes, budget) for a in batch]
            case "reference":
                return lambda batch, budget: [run_machine(program, a, budget) for a in batch]
        _known(executor, EXECUTORS)
        run = executors.runner(executor)
        return lambda batch, budget: run(program, batch, budget)

    def trace(self, arguments: Sequence[Any], executor: str = "reference", budget: int = DEFAULT_BUDGET) -> list[State]:
        """Every state of one run, from the first to the halted one. `executor`: reference, integer or dense."""
        return list(self.states(arguments, executor, budget))

    def states(
        self, arguments: Sequence[Any], executor: str = "reference", budget: int = DEFAULT_BUDGET
    ) -> Iterator[State]:
        """The same one after another, for runs too long to hold; a state repeats the whole memory."""
        values = self._arguments(arguments)
        check_budget(budget)
        _known(executor, ("reference", "integer", "dense"))
        if executor == "reference":
            return trace_machine(self.program, values, budget)
        from ncl.machine.executors import dense, integer

        return (integer if executor == "integer" else dense).walk(self.program, values, budget)

    def module(self, executor: str = "pathwise", temperature: Any = None) -> nn.Module:
        """An nn.Module `(values_BMN, lengths_B, arguments) → (values_BMN, lengths_B)`; see `ncl.machine.machine`."""
        from ncl.machine.machine import module

        _known(executor, ("integer", "dense", "pathwise"))
        options = {} if temperature is None else {"temperature": temperature}
        return module(self.program, executor=executor, **options)


def _known(executor: str, known: Sequence[str]) -> None:
    if executor not in known:
        raise InputError(f"no executor {executor!r} here", remedy=f"choose one of {', '.join(known)}")


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise InputError(f"{what}, got {value!r}", remedy="write compiled.run([[argument, …], …])")
    return list(value)


def _plain(value: Any) -> Value:
    """Plain Python for what users hand in: NumPy and torch have `tolist`, tuples become lists."""
    plain = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(plain, list | tuple):
        plain = [word.tolist() if hasattr(word, "tolist") else word for word in plain]
    return cast(Value, plain)


# --- artefacts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Artefact:
    """Programs of one width with their witnesses, and float weights where there are any: what is certified and loaded.

    `functions` are the sources when the artefact was just built; they are not saved, for a certificate names them by
    digest.
    """

    programs: Mapping[str, Program]
    witnesses: Mapping[str, Witness]
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    functions: Mapping[str, Function] = field(default_factory=dict)

    @property
    def width(self) -> int:
        (width,) = {program.sizes.width for program in self.programs.values()}
        return width

    def save(self, folder: Path | str, certificate: Certificate | None = None) -> Path:
        """Write the folder with its certificate, whole or not at all; an earlier artefact there is replaced.

        Raises InputError.
        """
        place = claim(folder)
        try:
            with atomic.folder(place) as fresh:
                self._write(fresh)
                if certificate is not None:
                    from ncl import certificate as record

                    record.write(certificate, fresh / record.FILE_NAME)
        except OSError as fault:
            raise InputError(f"cannot write: {fault.strerror}", where=str(place)) from fault
        return place

    def _write(self, folder: Path) -> None:
        from safetensors.torch import save_file

        for kind, items in (("programs", self.programs), ("witness", self.witnesses)):
            (folder / kind).mkdir(parents=True)
            for name, item in items.items():
                (folder / kind / f"{name}.json").write_text(json.dumps(item.to_json()) + "\n", encoding="utf-8")
        save_file({name: tensor.detach().contiguous() for name, tensor in self.weights.items()}, folder / WEIGHTS)

    @staticmethod
    def load(folder: Path | str) -> Artefact:
        """Read and check a folder. Raises NotFoundError, FormatError, IllFormedProgramError."""
        place = Path(folder)
        atomic.recover(place)
        if not _is_artefact(place):
            raise NotFoundError(
                "no artefact here", where=str(place), remedy="make one with `ncl certify … --out FOLDER`"
            )
        programs = {p.name: check(p) for p in _read_all(place / "programs", Program.from_json)}
        witnesses = {w.function: w for w in _read_all(place / "witness", Witness.from_json)}
        if not programs:
            raise FormatError("it holds no program", where=str(place), remedy="certify the artefact again")
        if set(programs) != set(witnesses):
            raise FormatError("programs and witnesses do not belong together", where=str(place))
        if len({program.sizes.width for program in programs.values()}) > 1:
            raise FormatError("programs of different widths", where=str(place))
        return Artefact(programs, witnesses, _read_weights(place / WEIGHTS))


def claim(folder: Path | str) -> Path:
    """The path; raises InputError when an artefact cannot be written there. Called before long work, too."""
    place = Path(folder)
    if place.is_file() or (place.is_dir() and not _is_artefact(place) and any(place.iterdir())):
        raise InputError("there is something else that is no artefact", where=str(place), remedy="name a new folder")
    if place.is_dir() and (foreign := sorted(p.name for p in place.iterdir() if p.name not in _own_names())):
        raise InputError(
            f"beside an artefact there is {', '.join(foreign)}, which would be lost", where=str(place),
            remedy="move it, or name a new folder",
        )  # fmt: skip
    writable(place)
    writable(place.absolute().parent)  # the folder is made beside, and renamed
    return place


def writable(place: Path) -> None:
    """Raise InputError unless a folder can be made or written to there; nothing is made."""
    if place.is_symlink() and os.path.realpath(place) == os.path.abspath(place):
        raise InputError("this is a link that leads nowhere but to itself", where=str(place))
    above = next(p for p in (place.absolute(), *place.absolute().parents) if p.exists())
    try:
        atomic.probe(above / "any")
    except OSError as fault:
        raise InputError(f"cannot write: {above} is no folder that can be written to", where=str(place)) from fault


def _own_names() -> tuple[str, ...]:
    from ncl.certificate import FILE_NAME

    return ("programs", "witness", WEIGHTS, FILE_NAME)


def _is_artefact(place: Path) -> bool:
    return (place / "programs").is_dir() and (place / "witness").is_dir()


def _read_all(folder: Path, read: Callable[[Mapping[str, Any], str], Any]) -> list[Any]:
    found = []
    for path in sorted(folder.glob("*.json")):
        item = read(strict_json.read(path, "readable JSON"), str(path))
        name = item.name if isinstance(item, Program) else item.function
        if name != path.stem:
            raise FormatError(f"it holds {name}, its file says {path.stem}", where=str(path))
        found.append(item)
    return found


def _read_weights(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    remedy = "certify the artefact again"
    if not path.is_file():
        raise FormatError("there is no such regular file", where=str(path), remedy=remedy)
    try:
        return dict(load_file(path))
    except Exception as fault:  # what a damaged header makes safetensors and torch raise is not theirs to list
        told = str(fault).partition("\n")[0]
        raise FormatError(f"not readable: {told}", where=str(path), remedy=remedy) from fault


def build_library(
    targets: Iterable[Target],
    width: int = DEFAULT_WIDTH,
    registers: int = 16,
    memory: int | None = None,
    frame: int = 1024,
    depth: int = 64,
    weights: Mapping[str, Tensor] | None = None,
) -> Artefact:
    """Compile every program of the targets into one artefact. Raises InputError when two share a name."""
    sizes = sizes_for(width, registers, memory, frame, depth)
    compiled: dict[str, Compiled] = {}
    for function in (f for target in targets for f in functions_of(target)):
        if function.name in compiled and compiled[function.name].function != function:
            raise InputError(f"two programs are called {function.name}", remedy="rename one of them")
        compiled[function.name] = Compiled.of(function, sizes)
    if not compiled:
        raise InputError("no program was named")
    return Artefact(
        {name: c.program for name, c in compiled.items()},
        {name: c.witness for name, c in compiled.items()},
        dict(weights or {}),
        {name: c.function for name, c in compiled.items()},
    )


def artefact_of(
    targets: Sequence[str] | None,
    everything: bool,
    width: int = DEFAULT_WIDTH,
    registers: int = 16,
    memory: int | None = None,
    frame: int = 1024,
    depth: int = 64,
    read: Callable[[list[Function]], None] = lambda functions: None,
) -> Artefact:
    """The artefact of the programs that a user names, or of all the shipped ones.

    `read` is given the functions before they are compiled. Raises InputError when nothing is named, or both; else as
    `functions_of` and `build_library`.
    """
    if everything == bool(targets):
        raise InputError(
            "--all goes without names" if targets else "nothing is named",
            remedy="name programs or files, or give --all for the shipped library",
        )
    functions = [f for target in (library.names() if everything else targets or ()) for f in functions_of(target)]
    read(functions)
    return build_library(functions, width=width, registers=registers, memory=memory, frame=frame, depth=depth)


__all__ = [
    "EXECUTORS", "Artefact", "Compiled", "artefact_of", "build_library", "compile", "functions_of", "sizes_for",
]  # fmt: skip
