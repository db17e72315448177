"""What only a process of its own can show: the entry point, signals, closed pipes, locales, and what is imported."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

ENTRY = [sys.executable, "-c", "from ncl.cli.main import main; main()"]


@pytest.fixture
def spawn(here):
    """`spawn("run", …)`: (exit code, stdout, stderr) of a process; both outputs are bytes."""

    def run(*arguments, shell="", **changes):
        environment = {k: v for k, v in {**os.environ, **changes}.items() if v is not None}
        command = ["bash", "-c", shell, "ncl", *ENTRY] if shell else [*ENTRY, *arguments]
        found = subprocess.run(command, capture_output=True, env=environment, timeout=120)
        return found.returncode, found.stdout, found.stderr

    return run


def test_the_installed_entry_point_is_this_command_line(spawn):
    from importlib.metadata import entry_points

    (entry,) = entry_points(group="console_scripts", name="ncl")
    assert entry.value == "ncl.cli.main:main"


def test_exit_codes_reach_the_shell(spawn):
    assert spawn("run", "two.py:one", "1", "--executor", "source")[:2] == (0, b"2\n")
    assert spawn("run", "two.py:pick", "[1]", "5", "--executor", "source")[0] == 1
    assert spawn("run", "nix.py:f")[0] == 2


@pytest.mark.parametrize("typed", ["--help", "run --help", "demo --help", "library reverse", "disasm reverse"])
def test_what_needs_no_torch_imports_none(spawn, typed):
    heavy = ("torch", "transformers", "z3", "numba", "hypothesis")
    told = (
        "import sys; from ncl.cli.main import run_main; run_main(sys.argv[1:]); "
        f"sys.exit(sum(name in sys.modules for name in {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", told, *typed.split()], stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("typed", [
    "verify two.py --shard 3/2", "train nix", "train tiny --float32", "train tiny --out two.py",
    "train tiny --out x --artefact nix", "evaluate nix", "chat nix",
])  # fmt: skip
def test_what_is_wrong_is_told_before_torch_is_imported(here, typed):
    heavy = ("torch", "transformers", "z3", "numba")
    told = (
        "import sys; from ncl.cli.main import run_main; code = run_main(sys.argv[1:]); "
        f"print(code, *[name for name in {heavy} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", told, *typed.split()], capture_output=True, text=True)
    assert ran.stdout in ("1\n", "2\n"), ran.stdout + ran.stderr


def test_a_reader_that_leaves_early_is_no_error(spawn):
    code, out, err = spawn(shell='set -o pipefail; "$@" trace reverse "[1,2,3,4,5,6,7,8]" | head -n 1')
    assert (code, err) == (0, b"")
    assert out.startswith(b"    0  pc")


def test_a_full_disk_behind_stdout_is_told(spawn):
    code, _, err = spawn(shell='"$@" library reverse > /dev/full')
    assert code == 2
    assert b"No space left" in err and b"Traceback" not in err


def test_a_closed_stdout_is_no_error(spawn):
    code, _, err = spawn(shell='"$@" library reverse >&-')
    assert (code, err) == (0, b"")


def test_an_ascii_terminal_gets_every_line(spawn):
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None}
    code, out, err = spawn("compile", "two.py", **ascii_only)
    assert (code, err) == (0, b"")
    assert b"one" in out and out.isascii()
    code, out, err = spawn("run", "two.py:one", "70000", **ascii_only)
    assert code == 2 and err.isascii() and b"no word in 0" in err


def test_source_is_read_as_utf8_whatever_the_locale(spawn, here):
    text = "from ncl import Word, program\n\n\n@program\ndef f(größe: Word) -> Word:\n    return größe  # ≥ 0\n"
    (here / "signs.py").write_text(text, encoding="utf-8")
    code, out, _ = spawn("run", "signs.py:f", "5", "--executor", "source", LC_ALL="C", PYTHONUTF8="0")
    assert (code, out) == (0, b"5\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_or_a_polite_kill_ends_a_run_with_130_and_one_line(here, sent):
    (here / "long.py").write_text(
        "from ncl import Word, program\n\n\n@program\ndef f(n: Word) -> Word:\n    i = 0\n    while i < n:\n"
        "        i = i * 1\n    return i\n"
    )  # fmt: skip
    # A shell's background job starts with SIGINT ignored; a user's terminal does not.
    told = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from ncl.cli.main import main; print('ready', flush=True); main()"
    )
    command = [sys.executable, "-c", told, "run", "long.py:f", "5", "--executor", "source", "--budget", "999999999999"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.5)
    process.send_signal(sent)
    out, err = process.communicate(timeout=240)
    assert (process.returncode, out, err) == (130, b"", b"ncl: interrupted\n")


def test_progress_and_notes_stay_off_stdout(spawn, here):
    code, out, _ = spawn("verify", "two.py:one", "--no-machine", "--total-budget", "0", "--json")
    assert code == 3
    assert set(json.loads(out)["verdicts"]) == {"unknown"}
