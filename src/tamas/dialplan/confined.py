"""Runs one program with as few rights as this system can take from it; started as a script of its own.

Arguments: a JSON object, then the program and its arguments. The object has ``uid`` and ``gid`` (whom
to become; ``null``: stay), ``limits`` (names of ``resource`` and values), ``readable`` and ``writable`` (all
that exists for the program, through Landlock, see https://docs.kernel.org/userspace-api/landlock.html).

Only the standard library, because nothing of ours is imported in the confined process. Exits with 126 when
the program cannot be started.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

PR_SET_NO_NEW_PRIVS = 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls, the same on every architecture."""
VERSION_FLAG = 1
PATH_BENEATH = 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
RIGHTS_BY_VERSION = (13, 14, 15, 15, 16)
"""How many rights of the file system each version of Landlock knows, from version 1 on."""
SCOPES_VERSION, SCOPES = 6, 0b11
"""From which version on signals and abstract sockets can be kept inside, and the bits for both."""
CANNOT_START = 126

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("fd", ctypes.c_int32))


def landlock_version() -> int:
    """The version of Landlock this kernel has; 0: none."""
    return max(0, int(_libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)))


def _hide_files(readable: list[str], writable: list[str]) -> None:
    """Let the program see these folders (and single files) and nothing else."""
    version = landlock_version()
    if version == 0:
        return
    every = (1 << RIGHTS_BY_VERSION[min(version, len(RIGHTS_BY_VERSION)) - 1]) - 1
    rules = _Ruleset(fs=every, net=0, scoped=SCOPES if version >= SCOPES_VERSION else 0)
    size = ctypes.sizeof(rules) if version >= SCOPES_VERSION else 8
    ruleset = _checked(_libc.syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    looking = EXECUTE | READ_FILE | READ_DIR
    for paths, access in ((readable, looking), (writable, every)):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
                allowed = access if Path(path).is_dir() else access & (EXECUTE | WRITE_FILE | READ_FILE)
                rule = _PathBeneath(access=allowed, fd=folder)
                _checked(_libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0))
                os.close(folder)
    _checked(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _confine(how: dict[str, Any]) -> None:
    os.umask(0o077)
    for name, value in how["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (limit, limit))
    if how["uid"] is not None:
        os.setgroups([])
        os.setresgid(how["gid"], how["gid"], how["gid"])
        os.setresuid(how["uid"], how["uid"], how["uid"])
    _checked(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    _hide_files(how["readable"], how["writable"])


def main() -> None:
    """Confine this process, then become the program."""
    try:
        _confine(json.loads(sys.argv[1]))
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - a program that an administrator put there
    except (OSError, ValueError) as error:
        sys.stderr.write(f"the program cannot be started: {error}\n")
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
