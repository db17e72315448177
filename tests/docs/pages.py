"""The blocks of a page, run in order in one folder; what they print must be what the page shows.

A ```python block whose first line is `# name.py` is written to that file; any other is executed, and a ```text block
right behind it is what it prints. A ```console block holds commands behind `$`, each followed by what it prints, with
`…` for anything. ```bash is for commands that fetch something or take minutes, and is not run. Every other kind is
shown only.
"""

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ncl.cli.main import run_main

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
FILE = re.compile(r"# ([\w/]+\.py)\n")
COLUMNS = "118"


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str
    behind: bool = False  # nothing but blank lines stands between it and the block before

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text, found, end = page.read_text(encoding="utf-8"), [], 0
    for m in FENCE.finditer(text):
        line = text[: m.start()].count("\n") + 1
        found.append(Block(page.name, line, m[1], m[2], bool(end) and not text[end : m.start()].strip()))
        end = m.end()
    return found


def run_page(page: Path, said: Callable[[], str]) -> list[str]:
    """Runs all blocks of a page in the current folder and gives what differs. `said`: what was printed since."""
    names: dict[str, object] = {"__name__": "page"}
    found, faults = blocks(page), []
    for block, behind in zip(found, [*found[1:], None], strict=True):
        named = FILE.match(block.text)
        if block.kind == "python" and named:
            write(named[1], block.text)
        elif block.kind == "python":
            got = executed(block, names)
            shown = behind.text if behind is not None and behind.behind and behind.kind == "text" else got
            faults += differences(shown, got, block.place)
        elif block.kind == "console":
            for command, shown in COMMAND.findall(block.text):
                faults += differences(shown, printed(command, said), f"{block.place}: {command}")
    return faults


def write(name: str, text: str) -> None:
    place = Path(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def executed(block: Block, names: dict[str, object]) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(block.text, block.place, "exec"), names)
    return out.getvalue()


def printed(command: str, said: Callable[[], str]) -> str:
    """What a command prints: `ncl` runs in this process, pytest in one of its own."""
    program, *arguments = shlex.split(command)
    if program == "ncl":
        said()
        run_main(arguments)
        return said()
    assert program in ("pytest", "cat"), f"{command!r} cannot be run here: show it in a ```bash block"
    line = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments] if program == "pytest" else arguments
    if program == "cat":
        return "".join(Path(name).read_text(encoding="utf-8") for name in line)
    return subprocess.run(line, capture_output=True, text=True).stdout


def differences(shown: str, got: str, place: str) -> list[str]:
    """What is wrong with a block; `…` stands for anything, blanks at the end of a line for nothing."""
    page, plain = (re.sub(r"[ ]+$", "", text, flags=re.MULTILINE) for text in (shown, got))
    if re.fullmatch(".*?".join(map(re.escape, page.split("…"))), plain, re.DOTALL):
        return []
    return [f"{place} shows\n{page}\nand what comes is\n{plain}"]
