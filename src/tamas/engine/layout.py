"""Where things of one engine lie in the state directory."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tamas.errors import SetupError

_SOCKET = "asterisk.ctl"
MAX_SOCKET_PATH = 107
"""Bytes in the path of a UNIX socket on Linux; Asterisk would cut a longer one without a word."""


SHORT_PLACES = Path("/tmp")  # noqa: S108 - what is made there is checked to be ours alone
"""Where the control socket goes when the state directory lies too deep for one."""


class RunDirectoryTakenError(SetupError):
    """The directory for the control socket belongs to somebody else, or is open to others."""


@dataclass(frozen=True, kw_only=True)
class EngineLayout:
    """The files and directories of the engine under one state directory."""

    state_dir: Path

    @property
    def asterisk(self) -> Path:
        return self.state_dir / "asterisk"

    @property
    def etc(self) -> Path:
        return self.asterisk / "etc"

    @property
    def log(self) -> Path:
        return self.asterisk / "log"

    @property
    def run(self) -> Path:
        """Where Asterisk's control socket is: a short path, whatever that of the state directory."""
        inside = self.asterisk / "run"
        if len(bytes(inside / _SOCKET)) <= MAX_SOCKET_PATH:
            return inside
        digest = hashlib.sha256(bytes(self.state_dir.absolute())).hexdigest()[:16]
        return SHORT_PLACES / f"tamas-{digest}"

    @property
    def spool(self) -> Path:
        return self.asterisk / "spool"

    @property
    def db(self) -> Path:
        return self.asterisk / "db"

    @property
    def custom_plans(self) -> Path:
        """Contexts that the call flow loads while Asterisk runs; its dialplan includes them all."""
        return self.asterisk / "custom-plans"

    @property
    def agi_url(self) -> Path:
        """Where Asterisk sends calls: the part of its dialplan's globals that changes while it runs."""
        return self.etc / "tamas_agi.conf"

    @property
    def keys(self) -> Path:
        return self.asterisk / "keys"

    @property
    def lib(self) -> Path:
        return self.asterisk / "lib"

    @property
    def odbc(self) -> Path:
        return self.asterisk / "odbc"

    @property
    def secrets(self) -> Path:
        return self.state_dir / "secrets"

    @property
    def recordings(self) -> Path:
        return self.state_dir / "recordings"

    @property
    def voicemail(self) -> Path:
        """Messages that callers left: a folder for each number of a mailbox."""
        return self.state_dir / "voicemail"

    @property
    def announcements(self) -> Path:
        """Sounds that callers are played."""
        return self.state_dir / "announcements"

    @property
    def dialer_sounds(self) -> Path:
        """Sounds of campaigns."""
        return self.state_dir / "dialer-sounds"

    @property
    def faxes(self) -> Path:
        """Documents to fax."""
        return self.state_dir / "faxes"

    @property
    def received_faxes(self) -> Path:
        """Faxes as Asterisk writes them: ``UNIQUEID.tiff``."""
        return self.faxes / "received"

    @property
    def music(self) -> Path:
        """Music on hold: a folder for each class."""
        return self.state_dir / "music"

    @property
    def ami_secret(self) -> Path:
        return self.secrets / "ami.secret"

    @property
    def messages(self) -> Path:
        """What Asterisk's logger writes."""
        return self.log / "messages.log"

    @property
    def output(self) -> Path:
        """Standard output and error of the Asterisk process."""
        return self.log / "output.log"

    @property
    def control_socket(self) -> Path:
        return self.run / _SOCKET

    @property
    def process_lock(self) -> Path:
        """Locked for as long as an Asterisk of this state directory lives: it inherits the descriptor."""
        return self.state_dir / "engine.lock"

    @property
    def owner_lock(self) -> Path:
        """Locked by the one process that supervises."""
        return self.asterisk / "owner.lock"

    @property
    def status(self) -> Path:
        """Says how the engine is, to workers that do not supervise it."""
        return self.state_dir / "engine-status.json"

    @property
    def record(self) -> Path:
        """What the running Asterisk was started with, see :mod:`tamas.engine.running`."""
        return self.state_dir / "engine.json"

    @property
    def log_position(self) -> Path:
        """How far :attr:`messages` was read, see :mod:`tamas.engine.log_tail`."""
        return self.state_dir / "engine-log.json"

    def make_directories(self) -> None:
        """Create every directory, readable by its owner only.

        :raises RunDirectoryTakenError: see there.
        """
        made = (
            self.log,
            self.run,
            self.spool,
            self.spool / "outgoing",
            self.db,
            self.keys,
            self.custom_plans,
            self.lib,
            self.odbc,
        )
        ours = (
            self.secrets,
            self.recordings,
            self.voicemail,
            self.announcements,
            self.dialer_sounds,
            self.music,
            self.faxes,
            self.received_faxes,
        )
        for directory in (self.state_dir, self.asterisk, *made, *ours):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.run.lstat()
        if (
            found.st_uid != os.geteuid()
            or not stat.S_ISDIR(found.st_mode)
            or stat.S_IMODE(found.st_mode) & 0o077
        ):
            raise RunDirectoryTakenError(
                f"{self.run} is not a directory of this user alone; remove it, or use a state directory "
                "with a shorter path"
            )
