"""How every command reports: one JSON document on stdout, or readable text there; progress and errors on stderr."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl import atomic, strict_json
from ncl.errors import InputError, LanguageError, NclError, NotFoundError
from ncl.language.reader import unending

SCHEMA = 1
INTERRUPTED = 130  # as shells count: 128 and the number of SIGINT
LONGEST = 2000  # signs of a line of a message
MOST_REGISTERS = 4096
MOST_CELLS = 1 << 16  # of frame memory and call stack

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable document on stdout.")]
Width = Annotated[int, typer.Option("--width", "-w", min=1, max=32, help="Bits of a word.")]
Memory = Annotated[int | None, typer.Option(help="Memory cells; at most 2^width. Default: 4096 or 2^width.")]
Registers = Annotated[int, typer.Option(min=2, max=MOST_REGISTERS, help="Registers of the machine.")]
Frame = Annotated[int, typer.Option(min=0, max=MOST_CELLS, help="Cells for what no register holds, or not over calls.")]
Depth = Annotated[int, typer.Option(min=0, max=MOST_CELLS, help="Calls that may be open at the same time.")]


def emit(document: dict[str, Any]) -> None:
    """Print the document of `--json`, with the schema number in front."""
    print(json.dumps({"schema": SCHEMA, **document}, allow_nan=False))


def show_error(fault: NclError, as_json: bool, code: int) -> int:
    """The error as a document or as one message, and the exit code again."""
    if as_json:
        emit({"error": _error_record(fault)})
    else:
        print(f"ncl: {_short(str(fault))}", file=sys.stderr)
    return code


def _short(told: str) -> str:
    """A message may quote what stood in a file: no line of it is longer than people read."""
    lines = [n if len(n) <= LONGEST else f"{n[:LONGEST]} … and {len(n) - LONGEST} more signs" for n in told.split("\n")]
    return "\n".join(lines)


def _error_record(fault: NclError) -> dict[str, Any]:
    told = {"message": fault.message, "where": fault.where, "remedy": fault.remedy}
    record = {"class": type(fault).__name__, **{name: _short(text) for name, text in told.items()}}
    if not isinstance(fault, LanguageError):
        return record
    first = fault.violations[0]
    violations = [asdict(v) for v in fault.violations]
    where = f"{first.file}:{first.line}:{first.column}"
    return {**record, "where": where, "remedy": first.remedy, "violations": violations}


def tell(line: str) -> None:
    """One line for people, on stderr."""
    print(line, file=sys.stderr, flush=True)


def tell_notes(functions: Iterable[Any], width: int) -> None:
    """A line on stderr for everything that is allowed and hardly intended."""
    from ncl.language.notes import notes

    for note in dict.fromkeys(note for function in functions for note in notes(function, width)):
        tell(str(note))


def note_printer(width: int) -> Callable[[Iterable[Any]], None]:
    """What prints the notes on functions, as `tell_notes` does."""
    return lambda functions: tell_notes(functions, width)


def quiet_transformers() -> None:
    """Its own bars and advice would stand between ours; what goes wrong it raises."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


def claim_file(path: Path | None) -> None:
    """Raise InputError when no file can be written there; called before long work. Leaves nothing."""
    if path is None:
        return
    if path.is_dir():
        raise InputError("this is a folder, expected a file to write", where=str(path))
    try:
        atomic.probe(path)
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror}", where=str(path)) from fault


def write_atomically(path: Path, text: str) -> None:
    """A reader sees the old file or the whole new one. Raises InputError."""
    if path.is_dir():
        raise InputError("this is a folder, expected a file to write", where=str(path))
    try:
        atomic.write_text(path, text)
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror}", where=str(path)) from fault


def read_json(path: Path) -> Any:
    """The JSON document in a file, strictly read; NotFoundError or FormatError otherwise."""
    try:
        if unending(path):
            raise NotFoundError("this is no regular file", where=str(path))
        data = path.read_bytes()
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except OSError as fault:
        raise NotFoundError(f"cannot read: {fault.strerror}", where=str(path)) from fault
    return strict_json.parse(data, "JSON", str(path))


def one_process() -> bool:
    """Whether torchrun has not started several."""
    return "RANK" not in os.environ or os.environ.get("WORLD_SIZE", "1") == "1"


def first_process() -> bool:
    """Whether this is the one process of several that reports."""
    return one_process() or os.environ["RANK"] == "0"


QUIET = 10.0  # seconds after which a log without a terminal gets a line


@contextmanager
def progress(description: str, total: float | None) -> Iterator[Any]:
    """A progress bar on stderr; yields `advance(n=1, note="", total=None)`.

    Where stderr is no terminal, a line at least every ten seconds: what is done, what of how many, since when.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not first_process():
        yield lambda amount=1, note="", total=None: None
        return
    with _bar(description, total, console) if console.is_terminal else _lines(description, total) as advance:
        yield advance


@contextmanager
def _bar(description: str, total: float | None, console: Any) -> Iterator[Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(amount: float = 1, note: str = "", total: float | None = None) -> None:
            bar.update(task, advance=amount, total=total, description=f"{description} {note}".rstrip())

        yield advance


@contextmanager
def _lines(description: str, total: float | None) -> Iterator[Any]:
    """From a thread of its own, so that a line comes whatever the work does."""
    begin, done, all_of_it, last = time.monotonic(), 0.0, total, ""
    over = threading.Event()

    def advance(amount: float = 1, note: str = "", total: float | None = None) -> None:
        nonlocal done, all_of_it, last
        done, last, all_of_it = done + amount, note, total or all_of_it

    def report() -> None:
        while not over.wait(QUIET):
            share = f" {done:g}/{all_of_it:g}" if all_of_it else ""
            tell(f"ncl: {description}{share}, {time.monotonic() - begin:.0f} s {last}".rstrip())

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield advance
    finally:
        over.set()
        reporter.join()


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table on stdout."""
    from rich.console import Console
    from rich.table import Table

    view = Table(title=title, title_justify="left", highlight=False)
    for column in columns:
        view.add_column(column)
    for row in rows:
        view.add_row(*row)
    # A pipe has no width of its own; cutting cells there would lose what a reader greps for.
    # What stands in a cell came from a file: no markup.
    Console(width=None if sys.stdout.isatty() else 240, markup=False, highlight=False).print(view)
