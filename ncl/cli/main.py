"""`ncl`: the table of commands, and the one place where an exception becomes an exit code.

0 pass · 1 refuted, regressed, trapped or a refused gate · 2 usage · 3 unknown, vacuous or out of time · 4 internal
error · 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer

import ncl
from ncl.cli import (
    certify,
    chat,
    compile,
    demo,
    disasm,
    evaluate,
    faults,
    gate,
    init,
    library,
    regress,
    replay,
    run,
    trace,
    train,
    verify,
)
from ncl.cli.former_names import reported as former_names_reported
from ncl.cli.output import INTERRUPTED, show_error
from ncl.cli.settings import defaults
from ncl.errors import InputError, NclError, UsageError

app = typer.Typer(
    name="ncl",
    help="Compile algorithms to differentiable programs, prove them, and let a LLaMA use them.",
    epilog="Exit codes: 0 pass, 1 refuted, regressed, trapped or refused, 2 usage, 3 unknown, vacuous or time-out, "
    "4 internal, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    init.init,
    compile.compile_,
    run.run,
    trace.trace,
    disasm.disasm,
    library.library,
    verify.verify,
    replay.replay,
    certify.certify,
    gate.gate,
    faults.faults,
    train.train,
    evaluate.evaluate,
    chat.chat,
    regress.regress,
    demo.demo,
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"ncl {ncl.__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compile algorithms to differentiable programs, prove them, and let a LLaMA use them."""
    context.default_map = defaults(context.command, Path.cwd())


class _ReaderLeft(Exception):
    """Nobody reads our output any more; typer would end the process with its own code."""


class _Interrupted(Exception):
    """Ctrl-C that the command had no answer to; typer would make a code of it, as of one that a command gives."""


def _shielded(command: Callable[..., int | None]) -> Callable[..., int]:
    @wraps(command)
    def run(*arguments: Any, **options: Any) -> int:
        try:
            with former_names_reported():
                code = command(*arguments, **options) or 0
            sys.stdout.flush()
            return code
        except BrokenPipeError as fault:
            raise _ReaderLeft from fault
        except KeyboardInterrupt as fault:
            raise _Interrupted from fault

    return run


for _command in COMMANDS:
    app.command(name=_command.__name__.rstrip("_"))(_shielded(_command))


def main() -> None:
    """Run the command line and leave with its exit code. Never shows a traceback unless NCL_DEBUG is set."""
    if sys.stdout is None:  # closed by the caller: `ncl … >&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a sign gets an escape instead of a failed command.
            stream.reconfigure(errors="backslashreplace")
    # Asked to end, as by `kill` or a batch system, it ends as with Ctrl-C: workers too, and nothing half written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = run_main(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_stdout()
    sys.exit(code)


def run_main(arguments: list[str]) -> int:
    """The exit code of `ncl ARGUMENTS`."""
    as_json = "--json" in arguments
    try:
        return int(app(args=arguments, prog_name="ncl", standalone_mode=False) or 0)
    except NclError as fault:
        return show_error(fault, as_json, fault.exit_code)
    except _ReaderLeft:
        _abandon_stdout()  # `ncl … | head`: there is nobody to tell
        return 0
    except (_Interrupted, KeyboardInterrupt):
        return show_error(NclError("interrupted"), as_json, INTERRUPTED)
    except Exception as fault:
        return _unforeseen(fault, as_json)


def _abandon_stdout() -> None:
    """What is still buffered goes nowhere, so that Python's own last flush does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unforeseen(fault: Exception, as_json: bool) -> int:
    if hasattr(fault, "format_message"):  # click's usage errors
        message = fault.format_message()
        if not message:  # no arguments at all: the help is printed already
            return 2
        where = getattr(getattr(fault, "ctx", None), "command_path", "ncl")
        return show_error(UsageError(message, where=where, remedy=f"see `{where} --help`"), as_json, 2)
    if os.environ.get("NCL_DEBUG"):
        raise fault
    if isinstance(fault, MemoryError) or "can't allocate memory" in str(fault):
        told = NclError("this takes more memory than there is", remedy="choose smaller sizes (--memory, --width, --n)")
        return show_error(told, as_json, 2)
    if isinstance(fault, OSError) and fault.strerror:
        told = InputError(f"cannot read or write: {fault.strerror}", where=str(fault.filename or ""))
        return show_error(told, as_json, told.exit_code)
    message = f"internal error: {type(fault).__name__}: {fault}"
    return show_error(NclError(message, remedy="NCL_DEBUG=1 shows where; please report it"), as_json, 4)
