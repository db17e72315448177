"""Every exception a user of NCL can meet, one class per rule.

Each says what is wrong, where, and how to mend it; the command line turns `exit_code` into the process's own.
"""

from __future__ import annotations

from dataclasses import dataclass


class NclError(Exception):
    """A fault that a user can act on. `where` and `remedy` are empty when there is nothing to say."""

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  remedy: {self.remedy}" if self.remedy else ""
        return f"{place}{self.message}{advice}"

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send exceptions back; the default would drop the keyword arguments.
        return (_rebuild, (type(self), self.message, self.where, self.remedy))


def _rebuild(kind: type[NclError], message: str, where: str, remedy: str) -> NclError:
    return kind(message, where=where, remedy=remedy)


@dataclass(frozen=True)
class Violation:
    """One place where source text leaves the language, with the caret under it."""

    file: str
    line: int
    column: int  # 1-based, as editors count
    width: int
    text: str  # the source line
    reason: str
    remedy: str

    def __str__(self) -> str:
        indent = "".join("\t" if c == "\t" else " " for c in self.text[: self.column - 1].ljust(self.column - 1))
        caret = indent + "^" * max(1, self.width)
        return (
            f"{self.file}:{self.line}:{self.column}: {self.reason}\n"
            f"    {self.text}\n    {caret}\n  remedy: {self.remedy}"
        )


class LanguageError(NclError):
    """Source outside the language. Carries every violation, not only the first."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        self.violations = violations
        first = violations[0]
        super().__init__("\n".join(str(v) for v in violations), where="", remedy="")
        self.first = first

    def __reduce__(self) -> tuple[object, ...]:
        return (LanguageError, (self.violations,))


class UsageError(NclError):
    """A command line that is none: an unknown option, a missing argument, a number out of its range."""


class InputError(NclError):
    """Arguments that a program cannot take: wrong number, type, range or size."""


class NotFoundError(NclError):
    """A file, program or folder that is not there."""


def refused(fault: NclError) -> NclError:
    """The same fault where it decides something: what is wrong must not be used, and the exit code is 1."""
    fault.exit_code = GateRefused.exit_code
    return fault


class FormatError(NclError):
    """A file that is not what its format says (program, assembly, certificate, checkpoint, configuration)."""


class IllFormedProgramError(NclError):
    """Machine code that breaks a rule of the machine. Carries every violation."""


class CapacityError(NclError):
    """A program or run that does not fit the machine requested (registers, frame memory, width, dense size)."""


class ConfigurationError(NclError):
    """Settings that cannot go together, or a missing optional part."""


class IncompleteOpError(NclError):
    """An op of which one half is missing: a row without a circuit, a circuit without a row. NCL itself is at fault."""

    exit_code = 4


class GateRefused(NclError):
    """The gate found an artefact that its certificate does not cover."""

    exit_code = 1


class Refuted(NclError):
    """An obligation or a check is false."""

    exit_code = 1


class Undecided(NclError):
    """An obligation came back unknown, vacuous or out of time."""

    exit_code = 3


class FormerName(FutureWarning):
    """A deprecated name of a field or flag was used; the warning says which name is current."""
