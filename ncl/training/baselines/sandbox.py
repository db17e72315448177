"""Runs a whitelisted expression in a process of its own: no imports, no files, little time and memory.

`python -I -S` with no environment of the caller's; the limits are set inside, before the expression is read. The
whitelist (`expression`) is what keeps it harmless; the sandbox is for what slips through.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

SECONDS, MEMORY, OUTPUT = 5, 512 << 20, 1 << 20
KEPT = ("LD_LIBRARY_PATH", "SYSTEMROOT")  # without which Python itself may not start

# What the instructions say that may be called, besides a few of Python's own.
RUNNER = """
import sys, json
try:
    import resource
except ImportError:  # not on every system
    resource = None
if resource:
    limits = [("CPU", SECONDS), ("AS", MEMORY), ("FSIZE", 0), ("NOFILE", 16), ("NPROC", 0), ("CORE", 0)]
    for name, most in limits:
        try:
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
        except (AttributeError, ValueError, OSError):
            pass

def stack(steps):
    found = []
    for step in steps:
        if step != "pop":
            found.append(step)
        elif found:
            found.pop()
    return found

own = dict(reverse=lambda xs: list(xs)[::-1], sort=sorted, count=lambda xs, s: list(xs).count(s),
           modsum=lambda xs, m: sum(xs) % m, stack=stack)
plain = dict(sorted=sorted, reversed=lambda xs: list(xs)[::-1], list=list, sum=sum, len=len, min=min, max=max)
code = compile(sys.stdin.read(), "answer", "eval")
found = eval(code, {"__builtins__": {}, **own, **plain})
found = list(found) if isinstance(found, (list, tuple)) else [found]
if all(type(number) is int for number in found):
    text = json.dumps(found)
    print(text if len(text) <= OUTPUT else "null")
else:
    print("null")
"""


def evaluate(source: str, seconds: int = SECONDS) -> list[int] | None:
    """The numbers that the expression gives; None when it fails, takes too long or gives something else."""
    limits = f"SECONDS, MEMORY, OUTPUT = {seconds}, {MEMORY}, {OUTPUT}\n"
    with tempfile.TemporaryDirectory() as folder:
        try:
            ran = subprocess.run(
                [sys.executable, "-I", "-S", "-c", limits + RUNNER], input=source, capture_output=True, text=True,
                env={name: os.environ[name] for name in KEPT if name in os.environ}, cwd=folder,
                timeout=4 * seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return None
    try:
        found = json.loads(ran.stdout) if ran.returncode == 0 else None
    except ValueError:
        return None
    return found if isinstance(found, list) else None
