"""A real Asterisk with a few phones in static files: for what must be true below our own configuration."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port, free_range
from tamas.engine.install import AsteriskInstall

START_SECONDS = 20.0
REALM = "tamas"
SECRET = "a secret of 201"
NUMBERS = tuple(str(number) for number in range(201, 221))
CARRIER = "127.0.0.9"
"""Address from which calls are taken as a trunk's, without a password."""

_MODULES = (
    "res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip "
    "res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp res_pjsip_registrar "
    "res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest "
    "res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip res_pjsip_caller_id "
    "res_pjsip_nat res_pjsip_rfc3326 res_pjsip_dtmf_info res_pjsip_refer chan_pjsip res_rtp_asterisk "
    "bridge_simple bridge_builtin_features bridge_softmix codec_ulaw codec_alaw codec_resample "
    "format_pcm format_wav format_sln app_dial app_echo app_exec app_stack app_verbose app_senddtmf "
    "app_read func_callerid func_channel func_logic pbx_config "
)


@dataclass(frozen=True, kw_only=True)
class StaticAsterisk:
    """A running Asterisk: extensions :data:`NUMBERS` with password :data:`SECRET`.

    Dialing one of them rings it; ``600`` echoes, ``601`` sends the digits ``42#``, ``602`` rejects as
    busy, ``carrier`` numbers (``9…``) do not exist.
    """

    sip: tuple[str, int]
    folder: Path

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "output").read_text(errors="replace")


@asynccontextmanager
async def running_static_asterisk(install: AsteriskInstall) -> AsyncIterator[StaticAsterisk]:
    """Start it, and end it at once afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tamas-static-"))
    sip_port, rtp = free_port(), free_range(100)
    _write_files(folder, install, sip_port, rtp)
    with (folder / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *install.command,
            *("-C", str(folder / "etc/asterisk.conf"), "-f", "-n"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env={**install.environment, "TZ": "UTC", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
        )
    asterisk = StaticAsterisk(sip=("127.0.0.1", sip_port), folder=folder)
    try:
        await _until_booted(install, asterisk, process)
        yield asterisk
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        shutil.rmtree(folder)


async def _until_booted(
    install: AsteriskInstall, asterisk: StaticAsterisk, process: asyncio.subprocess.Process
) -> None:
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    words = [*install.command, "-C", str(asterisk.folder / "etc/asterisk.conf")]
    while True:
        asking = await asyncio.create_subprocess_exec(
            *words,
            *("-rx", "core waitfullybooted"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**install.environment, "PATH": os.environ["PATH"]},
        )
        said, _ = await asking.communicate()
        if b"fully booted" in said:
            return
        assert process.returncode is None, f"Asterisk ended:\n{asterisk.log}"
        assert asyncio.get_running_loop().time() < deadline, f"Asterisk did not start:\n{asterisk.log}"
        await asyncio.sleep(0.05)


def _write_files(folder: Path, install: AsteriskInstall, sip_port: int, rtp: range) -> None:
    for name in ("etc", "lib", "db", "keys", "agi", "spool", "run", "log"):
        (folder / name).mkdir()
    phones = "".join(
        f"[{number}](phone)\nauth = {number}\naors = {number}\n"
        f"callerid = Phone {number} <{number}>\n"
        f"[{number}]\ntype = auth\nauth_type = userpass\nusername = {number}\npassword = {SECRET}\n"
        f"realm = {REALM}\n"
        f"[{number}]\ntype = aor\nmax_contacts = 1\nremove_existing = yes\n"
        for number in NUMBERS
    )
    files = {
        "asterisk.conf": f"""
[directories]
astetcdir => {folder}/etc
astmoddir => {install.modules_dir}
astvarlibdir => {folder}/lib
astdbdir => {folder}/db
astkeydir => {folder}/keys
astdatadir => {install.data_dir}
astagidir => {folder}/agi
astspooldir => {folder}/spool
astrundir => {folder}/run
astlogdir => {folder}/log
[options]
nofork = yes
documentation_language = en_US
""",
        "modules.conf": "[modules]\nautoload = no\n"
        + "".join(f"load = {name}.so\n" for name in _MODULES.split()),
        "logger.conf": "[general]\n[logfiles]\nconsole => notice,warning,error\n",
        "rtp.conf": f"[general]\nrtpstart = {rtp.start}\nrtpend = {rtp.stop - 1}\n",
        "pjsip.conf": f"""
[global]
type = global
endpoint_identifier_order = ip,username
[udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip_port}
[phone](!)
type = endpoint
context = phones
disallow = all
allow = ulaw,alaw
direct_media = no
rtp_symmetric = yes
force_rport = yes
rewrite_contact = yes
{phones}
[carrier]
type = endpoint
context = phones
disallow = all
allow = ulaw
direct_media = no
aors = carrier
[carrier]
type = aor
[carrier]
type = identify
endpoint = carrier
match = {CARRIER}
""",
        "extensions.conf": """
[phones]
exten => _2XX,1,Dial(PJSIP/${EXTEN},20)
 same => n,Hangup()
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Wait(0.3)
 same => n,SendDTMF(42#)
 same => n,Wait(30)
exten => 602,1,Hangup(17)
exten => 603,1,Answer()
 same => n,Read(DIALED,,3,,1,10)
 same => n,Dial(PJSIP/${DIALED},20)
 same => n,Hangup()
""",
        "indications.conf": "[general]\ncountry = us\n[us]\ndescription = US\nringcadence = 2000,4000\n",
        "cdr.conf": "[general]\nenable = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "http.conf": "[general]\nenabled = no\n",
        "manager.conf": "[general]\nenabled = no\n",
    }
    empty = "pjproject features acl ccss udptl codecs cli cli_permissions stasis dsp dnsmgr"
    files |= {f"{name}.conf": "" for name in empty.split()}
    for name, text in files.items():
        (folder / "etc" / name).write_text(text.lstrip("\n"), encoding="utf-8")
