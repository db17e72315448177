"""The pytest plugin: `pytest --ncl PATHS` tests the programs in every `*.py` under the paths.

Files are read with `ast` and never imported. Each `@program` becomes a collector of test items by name: `source =
bytecode`, `source = python`, `executors agree`, `hard = soft limit`, `gradients`, and where the program has any,
`examples` and `asserts hold`.
A failing item shows the program, a minimal input, what was expected and what came, and a command that replays it.

Loaded into every pytest run on the machine, so nothing but pytest is imported here, and nothing at all is done without
`--ncl`. The checks are `ncl.properties.suite`.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ncl.language.syntax import Function

FOLDER = ".ncl"  # of counterexamples, under the root of the test run
SEED = pytest.StashKey[int]()
# Without both words in a file there is no program in it: most files are not even parsed.
_NAMED, _USED = re.compile(rb"\bncl\b"), re.compile(rb"\bprogram\b")
_IMPORTED = re.compile(rb"^\s*(from|import)\s+ncl\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ncl", "NCL programs")
    group.addoption("--ncl", action="store_true", help="test the @program functions in every .py under the paths")
    group.addoption(
        "--ncl-profile", choices=("dev", "ci", "nightly"), default="dev",
        help="how many examples: few, more (the same every time), or many at random with the seed printed",
    )  # fmt: skip
    group.addoption(
        "--ncl-width", type=int, default=None, metavar="BITS",
        help="the machine's word width (default: that of [tool.ncl] in pyproject.toml, else 16)",
    )  # fmt: skip
    group.addoption("--ncl-seed", type=int, default=None, metavar="N", help="search as the run that printed this seed")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--ncl"):
        return
    from ncl.cli import settings
    from ncl.errors import NclError
    from ncl.language.program import Sizes

    try:
        if config.option.ncl_width is None:
            config.option.ncl_width = settings.settings(config.rootpath)[1].get("width", 16)
        Sizes(config.getoption("--ncl-width"), memory=1)
    except NclError as fault:
        raise pytest.UsageError(f"--ncl: {fault}") from None
    config.stash[SEED] = _seed(config)


def _seed(config: pytest.Config) -> int:
    given = config.getoption("--ncl-seed")
    if given is not None:
        return int(given)
    shared = getattr(config, "workerinput", {}).get("ncl_seed")  # of pytest-xdist: all workers search as one
    if shared is not None:
        return int(shared)
    return int.from_bytes(os.urandom(4)) if config.getoption("--ncl-profile") == "nightly" else 0


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist the seed."""
    node.workerinput["ncl_seed"] = node.config.stash.get(SEED, 0)


def pytest_report_header(config: pytest.Config) -> str | None:
    if SEED not in config.stash:
        return None
    profile, seed = config.getoption("--ncl-profile"), config.stash[SEED]
    again = f", search again with --ncl-seed {seed}" if profile == "nightly" else ""
    return f"ncl: profile {profile}, width {config.getoption('--ncl-width')}{again}"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The seed once more where a random search failed, for logs of which only the end is read."""
    if SEED in config.stash and config.getoption("--ncl-profile") == "nightly" and terminalreporter.stats.get("failed"):
        terminalreporter.write_line(f"ncl: search again with --ncl-profile nightly --ncl-seed {config.stash[SEED]}")


# --- collecting ------------------------------------------------------------------------------------------------------


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ProgramFile | None:
    """A collector beside all others for a file with programs."""
    found = _content(file_path, parent.config)
    return ProgramFile.from_parent(parent, path=file_path) if found else None


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
    """A file that is named on the command line would be imported as a module of tests, whatever its name.

    One that is no test file by its name and holds programs is not; its doctests, where requested, are left to pytest.
    """
    module = yield
    config = parent.config
    return module if _is_test_file(module_path, config) or not _content(module_path, config) else None


@dataclass(frozen=True)
class Content:
    """The programs of a file, or how the language was left in it."""

    text: str
    functions: tuple[Function, ...] = ()
    fault: Exception | None = None

    def __bool__(self) -> bool:
        return bool(self.functions) or self.fault is not None


CONTENTS = pytest.StashKey[dict[Path, Content]]()


def _content(path: Path, config: pytest.Config) -> Content:
    """Read once a session; empty without `--ncl` and for what is no program of ours."""
    if path.suffix != ".py" or SEED not in config.stash:
        return Content("")
    known = config.stash.setdefault(CONTENTS, {})
    if path not in known:
        known[path] = _read(path) if _may_hold_programs(path) else Content("")
    return known[path]


def _read(path: Path) -> Content:
    from ncl.errors import NclError
    from ncl.language.parse import parse_text
    from ncl.language.reader import read_source

    try:
        text = read_source(path)
        return Content(text, parse_text(text, _shown(path)))
    except NclError as fault:
        # Not even Python, and not ours by its imports: somebody else's template.
        return Content("", fault=fault if _IMPORTED.search(path.read_bytes()) else None)


def _may_hold_programs(path: Path) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return bool(_NAMED.search(text) and _USED.search(text))


def _is_test_file(path: Path, config: pytest.Config) -> bool:
    patterns = config.getini("python_files")
    return any(fnmatch(path.name, p) if "/" not in p else path.match(p) for p in [*patterns, "__init__.py"])


class ProgramFile(pytest.File):
    """A file with programs, or one in which the language was left."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        content = _content(self.path, self.config)
        self.text, self.functions, self.fault = content.text, content.functions, content.fault

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        if self.fault is not None:
            yield LanguageItem.from_parent(self, name="language")
        for function in self.functions:
            yield Programs.from_parent(self, name=function.name, function=function)


def _shown(path: Path) -> str:
    """As a user would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class LanguageItem(pytest.Item):
    """A file that left the language: red, with the carets."""

    parent: ProgramFile

    def runtest(self) -> None:
        assert self.parent.fault is not None
        raise self.parent.fault

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        return _told(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        first = getattr(self.parent.fault, "first", None)
        if first is None:
            return self.path, 0, f"{self.path.name}: language"
        return Path(first.file).absolute(), first.line - 1, f"{self.path.name}: language"


class Programs(pytest.Collector):
    """One program: its checks by name."""

    parent: ProgramFile

    def __init__(self, function: Function, **options: Any) -> None:
        super().__init__(**options)
        self.function = function

    def collect(self) -> Iterator[pytest.Item]:
        from ncl.properties import suite

        for name in suite.names(self.function):
            yield CheckItem.from_parent(self, name=name)


class CheckItem(pytest.Item):
    """One check of one program."""

    parent: Programs

    def runtest(self) -> None:
        config, function = self.config, self.parent.function
        with warnings.catch_warnings():
            # What torch or numba warn of while they load is not the program's fault.
            warnings.simplefilter("ignore")
            from ncl.properties import search, suite

            subject = suite.Subject(function, self.parent.parent.text, config.getoption("--ncl-width"))
            if why := suite.inapplicable(self.name, subject):
                pytest.skip(why)
            profile = search.PROFILES[config.getoption("--ncl-profile")]
            suite.run(self.name, subject, profile, search.seed_for(self.nodeid, config.stash[SEED]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from ncl.errors import NclError

        fault = excinfo.value
        if not isinstance(fault, NclError):
            return super().repr_failure(excinfo)
        case = getattr(fault, "case", None)
        if case is None:
            return _told(fault)
        function = self.parent.function
        lines = [
            # Alone in pytest's summary, so it says the whole of it.
            f"{fault.what} gives {fault.got}, expected {fault.expected}",  # type: ignore[attr-defined]
            f"{function.file}:{function.position.line}",
            "",
            *(f"    {line}" for line in function.text.splitlines()),
            "",
            f"  input     {fault.what}",  # type: ignore[attr-defined]
            f"  expected  {fault.expected}",  # type: ignore[attr-defined]
            f"  got       {fault.got}",  # type: ignore[attr-defined]
            f"  replay    {self._replay(case)}",
        ]
        return "\n".join(lines)

    def _replay(self, case: dict[str, Any]) -> str:
        """The command, or why there is none: what goes wrong here would end the whole session."""
        recorded = case | {"source": case["source"] | {"file": str(self.path)}}
        name = f"{self.path.stem}-{self.parent.name}-{case['check']}"
        folder = self.config.rootpath / FOLDER
        try:
            from ncl.verify.engine import counterexample

            return f"ncl replay {_shown(counterexample.write(recorded, folder, name))}"
        except OSError as fault:
            return f"the counterexample could not be written: {_shown(folder)}: {fault.strerror or fault}"
        except Exception as fault:
            return f"the counterexample could not be written: {_shown(folder)}: {fault}"

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.parent.function.position.line - 1, f"{self.parent.name}: {self.name}"


def _told(fault: BaseException) -> str:
    return str(fault)
