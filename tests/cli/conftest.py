"""The command line in this process, a folder with programs to name, and a small run behind the gate."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, replace

import pytest

from ncl import certificate as record
from ncl import gate
from ncl.cli.main import run_main
from ncl.compiler import compile as compiler
from ncl.language.opcodes import Opcode
from ncl.training.from_scratch.config import ModelConfig, TrainConfig
from ncl.training.from_scratch.trainer import library_for, tokenizer_digest, train
from ncl.verify.engine import runner
from ncl.verify.engine.obligation import Outcome

SMALL = TrainConfig(
    steps=4, batch=8, checkpoint_every=2, longest=4,
    model=ModelConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, intermediate_size=32),
)  # fmt: skip

PROGRAMS = {
    "mine.py": """
from ncl import Array, Word, program


@program
def largest(xs: Array) -> Word:
    best = 0
    for i in range(len(xs)):
        if xs[i] > best:
            best = xs[i]
    return best
""",
    "two.py": """
from ncl import Array, Word, program


@program
def one(x: Word) -> Word:
    return x + 1


@program
def pick(xs: Array, k: Word) -> Word:
    return xs[k]
""",
    "outside.py": """
from ncl import program


@program
def f(x):
    import os
    return [y for y in x]
""",
    "empty.py": "",
    "garbage.bin": "\x00\x01\xfe",
}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self):
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a few files in it and a proof cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    for name, text in PROGRAMS.items():
        (tmp_path / name).write_text(text, encoding="latin-1")
    return tmp_path


@pytest.fixture
def ncl(here, capsys):
    """`ncl("run", "reverse", [1, 2])`: what the command line did. Lists and numbers are written as JSON."""

    def run(*arguments):
        capsys.readouterr()
        code = run_main([a if isinstance(a, str) else json.dumps(a) for a in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(code, out, err)

    return run


@pytest.fixture
def wrong_compiler(monkeypatch, in_this_process):
    """The compiler says `subtract` where it should say `add`."""

    def compile_wrongly(function, sizes, right=compiler.compile_function):
        program, witness = right(function, sizes)
        code = tuple(
            replace(i, opcode=int(Opcode.SUBTRACT)) if i.opcode == Opcode.ADD else i for i in program.code
        )  # fmt: skip
        return replace(program, code=code), witness

    with monkeypatch.context() as until_mended:
        for place in ("ncl.build.compile_function", "ncl.compiler.compile.compile_function"):
            until_mended.setattr(place, compile_wrongly)
        yield until_mended


@pytest.fixture(scope="session")
def certified(tmp_path_factory, granted):
    """The folder of the small run's library, certified with its proofs taken for granted."""
    made = library_for(SMALL)
    folder = made.save(tmp_path_factory.mktemp("certified") / "library")
    record.write(granted(made, tokenizer=tokenizer_digest()), folder / record.FILE_NAME)
    return folder


@pytest.fixture(scope="session")
def runs(tmp_path_factory, certified):
    """A folder with a run of each system, `ncl` and `plain`; not to be written to."""
    place = tmp_path_factory.mktemp("runs")
    for system in ("ncl", "plain"):
        train(SMALL.model_copy(update={"system": system}), place / system, artefact=certified)
    return place


@pytest.fixture
def config_file(here):
    """The small run's configuration as a user writes it."""
    file = here / "small.json"
    file.write_text(SMALL.model_dump_json(), encoding="utf-8")
    return str(file)


def granted_outcome(obligation, policy):
    """What the policy would have: the outcome that just meets its rule."""
    for template, requirement in sorted(policy.rules, key=lambda rule: rule[0].count("{")):
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), obligation.id):
            return Outcome(requirement.accept[0], "given", bound="as asked", limits=dict(requirement.at_least))
    return Outcome("proved", "given")


@pytest.fixture(scope="session")
def granting():
    """`granting(run, but=kinds)`: the runner, with obligations taken as met but for those of these kinds."""

    def make(real, but=()):
        def run(obligations, *, progress=None, **options):
            asked = [o for o in obligations if o.kind in but]
            found = {f.obligation.id: f for f in real(asked, **{**options, "jobs": 1})}
            policy = gate.read_policy()
            rest = (runner.Finding(o, granted_outcome(o, policy)) for o in obligations if o.id not in found)
            found |= {f.obligation.id: f for f in rest}
            return tuple(found[o.id] for o in obligations)

        return run

    return make


@pytest.fixture
def grant(monkeypatch, granting, in_this_process):
    """`grant(but=kinds)`: the same, for the rest of the test."""
    real = runner.run
    return lambda but=(): monkeypatch.setattr(runner, "run", granting(real, but))


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--enable-logging=stderr", "--window-size=1100,2400",
)  # fmt: skip
PROBE = """<script>document.title = JSON.stringify({
    pictures: [...document.images].map(i => i.complete && i.naturalWidth), text: document.body.innerText.length,
    wider: document.documentElement.scrollWidth - window.innerWidth})</script>"""


@dataclass(frozen=True)
class Shown:
    """What a browser made of a page: complaints, width of each picture in pixels, how far it is too wide, a PNG."""

    complaints: list[str]
    pictures: list[int]
    text: int
    wider: int
    png: bytes


@pytest.fixture
def browse(tmp_path):
    """`browse(file)`: the page as Chromium shows it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")

    def run(page, *options):
        command = [CHROMIUM, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    def look(page):
        probed = tmp_path / "probed.html"
        probed.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
        title = re.search(r"<title>(\{.*\})</title>", run(probed, "--dump-dom").stdout)
        drawn = run(page, f"--screenshot={tmp_path / 'page.png'}")
        complaints = [line for line in drawn.stderr.splitlines() if "CONSOLE" in line]
        return Shown(complaints, png=(tmp_path / "page.png").read_bytes(), **json.loads(title.group(1)))

    return look
