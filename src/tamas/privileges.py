"""Giving up root: ``serve`` started by root becomes an ordinary user (architecture rule 11)."""

from __future__ import annotations

import logging
import os
import pwd
import subprocess
import sys
from pathlib import Path

from tamas.settings import Settings

log = logging.getLogger(__name__)

CHECK_SECONDS = 60


def drop_privileges(settings: Settings) -> None:
    """Become ``settings.user`` when we are root and that user exists and can run what is installed here.

    Otherwise this process stays what it is; staying root is said in the log. What depends on who asks (the
    default directories) is put into the environment, so that the workers serve the same instance.
    """
    if os.geteuid() != 0:
        return
    try:
        user = pwd.getpwnam(settings.user)
    except KeyError:
        log.warning(
            "running as root, because there is no user %r; to change that: useradd --system %s",
            settings.user,
            settings.user,
        )
        return
    if user.pw_uid == 0:
        return
    for folder in (settings.state_dir, settings.cache_dir):
        folder.mkdir(parents=True, exist_ok=True)
        if any(path.stat().st_uid != user.pw_uid for path in (folder, *folder.iterdir())):
            give_to(folder, user.pw_uid, user.pw_gid)
    if not _can_run(settings, user):
        log.warning("running as root, because user %s cannot read the installation", settings.user)
        return
    os.environ.update(
        TAMAS_STATE_DIR=str(settings.state_dir),
        TAMAS_CACHE_DIR=str(settings.cache_dir),
        TAMAS_DATABASE_URL=settings.database_url,
        HOME=user.pw_dir,
        USER=user.pw_name,
        LOGNAME=user.pw_name,
    )
    os.initgroups(user.pw_name, user.pw_gid)
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    log.info("running as user %s", user.pw_name)


def give_to(folder: Path, uid: int, gid: int) -> None:
    """Make a user the owner of a folder and everything in it.

    Symbolic links are changed themselves, never followed, also when somebody puts one there meanwhile.
    """
    for _, folders, files, place in os.fwalk(folder, follow_symlinks=False):
        os.fchown(place, uid, gid)
        for name in (*folders, *files):
            os.chown(name, uid, gid, dir_fd=place, follow_symlinks=False)


def _can_run(settings: Settings, user: pwd.struct_passwd) -> bool:
    wanted = [str(settings.state_dir), str(settings.cache_dir)]
    check = (
        "import os, sys, tamas.worker\n"
        "sys.exit(not all(os.access(path, os.W_OK | os.X_OK) for path in sys.argv[1:]))"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", check, *wanted],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CHECK_SECONDS,
        check=False,
    )
    return result.returncode == 0
