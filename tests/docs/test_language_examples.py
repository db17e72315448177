"""Every example in docs/language is run.

A ```python block is a file (`# name.py` in its first line names it); one behind another one is of one program with it,
which begins in the last. The blocks behind it, up to the next one, are about it: ```examples lines are calls with their
results, ```refused is the whole message that reading it gives, and ```console holds commands of `ncl` with what they
print. `…` in the last two stands for anything.
"""

import ast
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from ncl.build import Compiled, sizes_for
from ncl.cli.main import run_main
from ncl.errors import LanguageError
from ncl.language import (
    check_contracts,
    discover,
    files,
    meanings,
    parse,
    parse_contracts,
    parse_expressions,
    parse_signature,
    parse_statements,
    reach,
    typecheck,
)  # fmt: skip
from ncl.language.parse import parse_text
from ncl.language.trace import DEFAULT_BUDGET

READERS = (
    check_contracts, discover, files, meanings, parse, parse_contracts, parse_expressions, parse_signature,
    parse_statements, reach, typecheck,
)  # fmt: skip
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "language"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str


@dataclass(frozen=True)
class Example:
    files: tuple[Block, ...]  # the program's own last
    checks: tuple[Block, ...]

    @property
    def program(self) -> Block:
        return self.files[-1]

    @property
    def file(self) -> str:
        return name_of(self.program) or "example.py"

    def write(self, folder: Path) -> None:
        """The files where their names say, `file` for the program's own."""
        for block in self.files:
            place = folder / (name_of(block) or self.file)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text, encoding="utf-8")

    def of(self, kind: str) -> list[Block]:
        return [check for check in self.checks if check.kind == kind]


def name_of(block: Block) -> str:
    named = re.match(r"# ([\w/]+\.py)\n", block.text)
    return named[1] if named else ""


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(page.name, text[: m.start()].count("\n") + 1, m[1], m[2]) for m in FENCE.finditer(text)]


def examples() -> list[Example]:
    found: list[tuple[list[Block], list[Block]]] = []
    for page in sorted(FOLDER.glob("*.md")):
        for block in blocks(page):
            if block.kind != "python":
                found[-1][1].append(block)
            elif found and not found[-1][1]:
                found[-1][0].append(block)
            else:
                found.append(([block], []))
    return [Example(tuple(files), tuple(checks)) for files, checks in found]


EXAMPLES = examples()


def named(kind):
    chosen = [e for e in EXAMPLES if e.of(kind)]
    return pytest.mark.parametrize("example", chosen, ids=[f"{e.program.page}:{e.program.line}" for e in chosen])


def test_every_program_on_the_pages_is_checked_and_every_block_is_of_a_known_kind():
    assert len(EXAMPLES) > 30
    for example in EXAMPLES:
        assert example.checks, f"{example.program.page}:{example.program.line} is not checked"
        assert {check.kind for check in example.checks} <= {"examples", "refused", "console"}
        if len(example.files) > 1:
            assert all(map(name_of, example.files)) and "\nfrom ." in example.program.text, (
                f"{example.files[0].page}:{example.files[0].line} is neither checked nor imported"
            )


CALL = re.compile(
    r"(?:width (?P<width>\d+): )?(?:budget (?P<budget>\d+): )?(?P<name>\w+)\((?P<arguments>.*)\) -> (?P<end>.*)"
)


@named("examples")
def test_a_call_gives_what_the_page_says(example, tmp_path, monkeypatch):
    example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    functions = {f.name: f for f in parse_text(example.program.text, example.file)}
    called = set()
    for line in "".join(check.text for check in example.of("examples")).splitlines():
        call = CALL.fullmatch(line)
        assert call, f"{line!r} is no example"
        called.add(call["name"])
        compiled = Compiled.of(functions[call["name"]], sizes_for(int(call["width"] or 16)))
        batch, budget = [ast.literal_eval(f"[{call['arguments']}]")], int(call["budget"] or DEFAULT_BUDGET)
        for executor in ("source", "reference"):
            (result,) = compiled.run(batch, executor=executor, budget=budget)
            told = str(result.trap) if result.trap else json.dumps(result.result)
            ending = f" in {result.ticks} ticks"
            assert call["end"].removesuffix(ending) == told, (line, executor)
            assert call["end"].endswith(ending) or " ticks" not in call["end"], (line, executor)
    assert called == set(functions), "every program of a block has an example"


@named("refused")
def test_a_refusal_reads_as_the_page_says(example, tmp_path, monkeypatch):
    (expected,) = example.of("refused")
    example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LanguageError) as caught:
        parse_text(example.program.text, example.file)
    assert_reads(expected.text, f"{caught.value}\n")


@named("console")
def test_a_command_prints_what_the_page_says(example, tmp_path, monkeypatch, capsys):
    example.write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for check in example.of("console"):
        for command, expected in re.findall(r"^\$ ncl (.*)\n((?:(?!\$ ).*\n)*)", check.text, re.MULTILINE):
            run_main(shlex.split(command))
            said = capsys.readouterr()
            assert_reads(expected, said.out + said.err)


def assert_reads(expected: str, got: str) -> None:
    pattern = ".*".join(map(re.escape, expected.split("…")))
    assert re.fullmatch(pattern, got), f"expected\n{expected}\ngot\n{got}"


# --- nothing is left out ---------------------------------------------------------------------------------------------


def reasons() -> set[str]:
    """Every reason for a refusal in the source of the readers, as the longest piece of it that is fixed text."""
    found = set()
    for module in READERS:
        for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="_refuse") | ast.Attribute(attr="refuse" | "refuse_at"), args=arguments):
                    found |= {_fixed(a) for a in arguments[-2:-1]}
                case ast.Call(func=ast.Name(id="Absent"), args=[reason, _]):
                    found.add(_fixed(reason))
                case ast.Assign(targets=[ast.Name(id="reason")], value=value):
                    found.add(_fixed(value))
                case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="reason"), _])], value=ast.Tuple(elts=[text, _])):
                    found.add(_fixed(text))
                case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str()) | ast.JoinedStr() as text, _])):
                    found.add(_fixed(text))
                case ast.AnnAssign(value=ast.Dict(values=values)) if all(isinstance(v, ast.Tuple) for v in values):
                    found |= {_fixed(v.elts[0]) for v in values}
    return {text for text in found if text}


def _fixed(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return max((_fixed(part) for part in parts), key=len)
        case ast.IfExp(body=body, orelse=orelse):
            return max(_fixed(body), _fixed(orelse), key=len)
    return ""


def test_every_reason_for_a_refusal_stands_on_the_page():
    page = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("refused.md", "contracts.md"))
    known = reasons()
    assert len(known) > 60
    rare = " is outside the language"  # syntax of Pythons to come, which this one cannot even read
    missing = {text for text in known if text.strip() not in page and text != rare}
    assert not missing
