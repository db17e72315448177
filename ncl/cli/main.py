"""`ncl`: the table of commands, and the one place where an exception becomes an exit code.

0 pass · 1 refuted, regressed, trapped or a refused gate · 2 usage · 3 unknown, vacuous or out of time · 4 internal
error · 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

import ncl
from ncl.cli import (
    certify,
    compile,
    demo,
    disasm,
    evaluate,
    faults,
    gate,
    library,
    regress,
    replay,
    run,
    trace,
    train,
    verify,
)
from ncl.cli.output import show_error
from ncl.errors import InputError, NclError, UsageError

INTERRUPTED = 130  # as shells count: 128 and the number of SIGINT

app = typer.Typer(
    name="ncl",
    help="Compile algorithms to differentiable programs, prove them, and let a LLaMA use them.",
    epilog="Exit codes: 0 pass, 1 refuted, regressed, trapped or refused, 2 usage, 3 unknown or time-out, 4 internal.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
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
    regress.regress,
    demo.demo,
)


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Compile algorithms to differentiable programs, prove them, and let a LLaMA use them."""
    if version:
        print(f"ncl {ncl.__version__}")
        raise typer.Exit


for _command in COMMANDS:
    app.command(name=_command.__name__.rstrip("_"))(_command)


def main() -> None:
    """Run the command line and leave with its exit code. Never shows a traceback unless NCL_DEBUG is set."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a sign gets an escape instead of a failed command.
            stream.reconfigure(errors="backslashreplace")
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
        code = app(args=arguments, prog_name="ncl", standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()
        return int(code or 0)
    except NclError as fault:
        return show_error(fault, as_json, fault.exit_code)
    except typer.Exit as ended:
        return int(ended.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return show_error(NclError("interrupted"), as_json, INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has left (`ncl … | head`); there is nobody to tell.
        _abandon_stdout()
        return 0
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
