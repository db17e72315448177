"""Commands that write files, each with what it leaves: to be killed, gone on with, and compared with one left in peace.

A command runs in a forked child, so that a death costs no imports. All of them are small, and one job works on each.
"""

import contextlib
import difflib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from deaths import temporaries

from ncl.cli.main import run_main

NOT_THE_SAME = ("seconds", "created")  # what two runs in peace differ in, too
NOTHING_YET = 97  # the exit of a resumption that found nothing to go on with


@dataclass(frozen=True)
class Command:
    """`words` begin it and `again` goes on with it; all that it leaves lies in `place`."""

    # patched: functions that are called in the child before
    name: str
    words: tuple[str, ...]
    again: tuple[str, ...]
    place: Path
    patched: tuple = ()

    def run(self, words):
        """In this process: the exit code. What it printed on stdout is left beside the place."""
        for patch in self.patched:
            patch()
        told = io.StringIO()
        os.environ["NCL_CACHE_DIR"] = str(self.place / "cache")
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()) as said:
            code = run_main([*words])
        if code:
            if "nothing to go on" in said.getvalue() or "no checkpoint to resume" in told.getvalue() + said.getvalue():
                return NOTHING_YET
            sys.__stderr__.write(told.getvalue() + said.getvalue())
            return code
        (self.place / "told.json").write_text(told.getvalue())
        return 0

    def begin(self):
        return self.run(self.words)

    def go_on(self):
        return self.run(self.again)


def left(place):
    """All that a command left, without what differs from run to run."""
    found = {}
    for path in sorted(p for p in place.rglob("*") if p.is_file()):
        name = str(path.relative_to(place))
        body = path.read_bytes()
        if name.startswith("cache/"):
            continue
        if path.suffix in (".json", ".jsonl"):
            body = "\n".join(json.dumps(same(json.loads(line)), indent=1) for line in documents(path))
        elif path.suffix == ".xml":
            body = re.sub(r' (time|timestamp)="[^"]*"', "", path.read_text())
        found[name] = body
    return found


def documents(path):
    text = path.read_text()
    return text.splitlines() if path.suffix == ".jsonl" else [text]


def difference(name, wanted, found):
    """The file's name; of texts, the lines that differ."""
    bodies = wanted.get(name), found.get(name)
    if not all(isinstance(body, str) for body in bodies):
        return name
    lines = difflib.unified_diff(bodies[0].splitlines(), bodies[1].splitlines(), "in peace", "killed", n=0, lineterm="")
    return "\n".join([name, *list(lines)[:20]])


def same(told):
    """Without seconds, and without the seals that hang on them."""
    if isinstance(told, dict):
        return {key: same(value) for key, value in told.items() if key not in (*NOT_THE_SAME, "seal", "cached")}
    return [same(one) for one in told] if isinstance(told, list) else told


# --- in children -----------------------------------------------------------------------------------------------------


def forked(act):
    child = os.fork()
    if not child:
        try:
            os._exit(act())
        except BaseException as fault:
            sys.__stderr__.write(f"{type(fault).__name__}: {fault}\n")
            os._exit(98)
    return child


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_after(act, seconds):
    """Whether SIGKILL met it; it may have been quicker. A code that is not 0 is an error."""
    child = forked(act)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    return ended(child)


@dataclass
class Count:
    kills: int = 0
    too_late: int = 0
    nothing_yet: int = 0
    resumed: int = 0
    wrong: list = field(default_factory=list)


def in_peace(command):
    """What is left where nobody kills it, and the seconds that it takes."""
    shutil.rmtree(command.place, ignore_errors=True)
    command.place.mkdir(parents=True)
    begin = time.perf_counter()
    assert ended(forked(command.begin)) == 0, command.name
    took = time.perf_counter() - begin
    return left(command.place), took


def finish(command, wanted, count):
    """Go on to the end and compare."""
    code = ended(forked(command.go_on))
    if code == NOTHING_YET:
        count.nothing_yet += 1
        code = ended(forked(command.begin))
    count.resumed += code == 0
    found = left(command.place)
    if code:
        count.wrong.append(f"exit {code}")
    elif found != wanted:
        count.wrong += [difference(n, wanted, found) for n in sorted(found.keys() | wanted.keys())
                        if found.get(n) != wanted.get(n)]  # fmt: skip
    elif rest := temporaries(command.place):
        count.wrong.append(f"left behind: {rest}")


def killed_at_random(command, kills, seed, chain=3):
    """So many SIGKILLs at random moments, at most `chain` before it may come to its end."""
    rng, count = random.Random(seed), Count()
    wanted, took = in_peace(command)
    while count.kills < kills and not count.wrong:
        shutil.rmtree(command.place)
        command.place.mkdir()
        act = command.begin
        for _ in range(rng.randint(1, chain)):
            code = killed_after(act, rng.uniform(0, took))
            count.kills += code == -signal.SIGKILL
            count.too_late += code == 0
            if code == NOTHING_YET:
                act = command.begin
                continue
            if code not in (0, -signal.SIGKILL):
                count.wrong.append(f"exit {code}")
            act = command.go_on
        finish(command, wanted, count)
    return count
