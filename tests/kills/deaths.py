"""Deaths at every file operation: a child process ends without a word right before its n-th, for every n.

What Python does to files raises an audit event before it is done; the child counts those that change something.
"""

import os
import sys

KILLED = 99
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.link", "os.symlink",
           "shutil.rmtree", "ctypes.dlsym", "fcntl.flock"}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def changes(event, arguments):
    """Whether this event comes before a change of a file."""
    if event != "open":
        return event in CHANGES
    _, mode, flags = arguments
    return bool((isinstance(flags, int) and flags & WRITING) or (mode and set(mode) & set("wax+")))


def dies(act, before):
    """Whether `act` died in a child, right before its change number `before`; else it came to its end."""
    child = os.fork()
    if not child:
        try:
            left = before

            def count(event, arguments):
                nonlocal left
                if changes(event, arguments):
                    left -= 1
                    if left == 0:
                        os._exit(KILLED)

            sys.addaudithook(count)
            act()
        except BaseException as fault:
            print(f"{type(fault).__name__}: {fault}", file=sys.__stderr__, flush=True)
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED), f"the child ended with {code}"
    return code == KILLED


def deaths(act, begin=1, step=1):
    """Number by number until `act` comes to its end: yields each, once it has died there."""
    number = begin
    while dies(act, number):
        yield number
        number += step


def temporaries(place):
    return sorted(path for path in place.rglob("*") if path.name.startswith(".") and ".ncl-tmp" in path.name)
