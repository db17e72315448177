"""`ncl`: the table of commands, and the one place where an exception becomes an exit code.

0 pass · 1 refuted, regressed or a refused gate · 2 usage · 3 unknown, vacuous or out of time · 4 internal error.
"""

from __future__ import annotations

import os
import sys

import typer

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
from ncl.errors import NclError

app = typer.Typer(
    name="ncl",
    help="Compile algorithms to differentiable programs, prove them, and let a LLaMA use them.",
    epilog="Exit codes: 0 pass, 1 refuted, regressed or refused, 2 usage, 3 unknown or time-out, 4 internal error.",
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
for _command in COMMANDS:
    app.command(name=_command.__name__.rstrip("_"))(_command)


def main() -> None:
    """Run the command line and leave with its exit code. Never shows a traceback unless NCL_DEBUG is set."""
    sys.exit(run_main(sys.argv[1:]))


def run_main(arguments: list[str]) -> int:
    """The exit code of `ncl ARGUMENTS`."""
    as_json = "--json" in arguments
    try:
        code = app(args=arguments, standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except NclError as fault:
        return show_error(fault, as_json, fault.exit_code)
    except typer.Exit as ended:
        return int(ended.exit_code)
    except typer.Abort:
        return show_error(NclError("interrupted"), as_json, 130)
    except KeyboardInterrupt:
        return show_error(NclError("interrupted"), as_json, 130)
    except BrokenPipeError:
        # The reader of our output has left (`ncl … | head`); there is nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as fault:
        return _unforeseen(fault, as_json)


def _unforeseen(fault: Exception, as_json: bool) -> int:
    if hasattr(fault, "format_message"):  # click's usage errors
        where = getattr(getattr(fault, "ctx", None), "command_path", "ncl")
        return show_error(NclError(fault.format_message(), where=where, remedy=f"see `{where} --help`"), as_json, 2)
    if os.environ.get("NCL_DEBUG"):
        raise fault
    message = f"internal error: {type(fault).__name__}: {fault}"
    return show_error(NclError(message, remedy="NCL_DEBUG=1 shows where; please report it"), as_json, 4)
