"""A real Asterisk that writes CEL and CDR rows into a real store, with a small static call flow.

The flow says its facts through ``CELGenUserEvent(TAMAS, ...)`` as the product's does; phones are
:class:`records._phone.Phone`. Used by the end-to-end tests and to capture the samples in ``data/``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import make_url

from records._phone import HOST, Phone
from support.ports import free_port, free_range
from tamas.engine.ami import AmiClient, AmiMessage
from tamas.engine.install import AsteriskInstall

MODULES = """
    res_timing_timerfd res_odbc_transaction res_odbc res_config_odbc res_realtime
    res_sorcery_config res_sorcery_memory res_sorcery_astdb
    res_pjproject res_pjsip res_pjsip_session res_pjsip_pubsub res_pjsip_sdp_rtp
    res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip
    res_pjsip_caller_id res_pjsip_nat res_pjsip_refer res_pjsip_rfc3326 res_pjsip_dlg_options chan_pjsip
    res_rtp_multicast chan_rtp res_rtp_asterisk bridge_simple bridge_native_rtp bridge_softmix bridge_holding
    bridge_builtin_features codec_ulaw codec_resample format_pcm format_wav format_sln res_musiconhold
    res_speech res_clioriginate app_dial app_playback app_exec app_stack app_queue app_mixmonitor
    app_directed_pickup app_celgenuserevent func_callerid func_channel func_logic func_strings func_uri
    pbx_config cdr_adaptive_odbc cel_odbc
""".split()  # noqa: SIM905

EXTENSIONS = ("101", "102", "103", "104")
TRUNK = "carrier1"

_DIALPLAN = """
[general]
static = yes
[globals]
[tamas-outgoing]
exten => _10X,1,CELGenUserEvent(TAMAS,type=local&dst=${EXTEN})
 same => n,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
exten => _11X,1,CELGenUserEvent(TAMAS,type=local&dst=10${EXTEN:2})
 same => n,Dial(PJSIP/10${EXTEN:2},1)
 same => n,Hangup()
exten => _12X,1,CELGenUserEvent(TAMAS,type=local&dst=10${EXTEN:2}&record=20261123_${CHANNEL(linkedid)}.wav)
 same => n,MixMonitor(${CHANNEL(linkedid)}.wav,b)
 same => n,Dial(PJSIP/10${EXTEN:2},30)
 same => n,Hangup()
exten => _9X.,1,CELGenUserEvent(TAMAS,type=outgoing&dst=${EXTEN}&exit=carrier1)
 same => n,Dial(PJSIP/${EXTEN}@trunk-carrier1,30)
 same => n,Hangup()
exten => 500,1,CELGenUserEvent(TAMAS,type=local&dst=500&queue=500)
 same => n,Answer()
 same => n,Queue(500,,,,5)
 same => n,Hangup()
exten => _50[1-7],1,CELGenUserEvent(TAMAS,type=local&dst=${EXTEN}&queue=${EXTEN})
 same => n,Answer()
 same => n,Queue(${EXTEN},tTkKc,,,${IF($["${EXTEN}" = "503"]?2:10)})
 same => n,CELGenUserEvent(TAMAS,queue_status=${QUEUESTATUS})
 same => n,GotoIf($["${EXTEN}" != "505"]?end)
 same => n,CELGenUserEvent(TAMAS,poll=5&label=sale)
 same => n,CELGenUserEvent(TAMAS,poll=3&label=a+second+one)
 same => n(end),Hangup()
exten => 600,1,CELGenUserEvent(TAMAS,type=local&dst=600)
 same => n,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => 601,1,CELGenUserEvent(TAMAS,type=local&dst=601&definite=1)
 same => n,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => _*8X.,1,CELGenUserEvent(TAMAS,type=feature&dst=${EXTEN})
 same => n,PickupChan(PJSIP/${EXTEN:2},p)
 same => n,Hangup()
exten => h,1,NoOp()
[tamas-incoming]
exten => _X.,1,CELGenUserEvent(TAMAS,type=incoming&did=${EXTEN}&entry=carrier1&dst=102)
 same => n,Dial(PJSIP/102,30)
 same => n,Hangup()
[tamas-originated]
include => tamas-outgoing
[simotel-local-agents]
exten => 201,1,NoOp()
 same => n,Dial(PJSIP/102,30,U(agent-answered,201))
 same => n,Hangup()
exten => 202,1,NoOp()
 same => n,Dial(PJSIP/103,30,U(agent-answered,202))
 same => n,Hangup()
[agent-answered]
exten => s,1,CELGenUserEvent(TAMAS,agent=${ARG1})
 same => n,Return()
"""

_ENDPOINT = """
[{id}]
type = endpoint
context = {context}
disallow = all
allow = ulaw
aors = {id}
direct_media = no
accountcode = {id}
call_group = 1
pickup_group = 1
callerid = {callerid}
from_user = {from_user}
[{id}]
type = aor
contact = sip:{user}{host}:{port}
qualify_frequency = 0
"""


_QUEUE = """
[{number}]
strategy = ringall
retry = 1
timeout = 10
ringinuse = no
wrapuptime = 0
{more}
"""
_FIRST = "member => Local/201@simotel-local-agents/n,0,201,PJSIP/102"
_SECOND = "member => Local/202@simotel-local-agents/n,0,202,PJSIP/103"
_QUEUES = {
    "501": _SECOND,
    "502": f"{_FIRST}\n{_SECOND}",
    "503": _FIRST,
    "504": "joinempty = no",
    "507": "joinempty = yes",
    "505": _FIRST,
    "506": f"strategy = linear\ntimeout = 1\n{_FIRST}\n{_SECOND}",
}
"""Queues by number: another agent, both agents, impatient callers, closed when empty, open when empty, with a
survey behind, one agent after the other."""


class Lab:
    """One Asterisk and its phones 101 to 104 plus a carrier."""

    def __init__(self, directory: Path, install: AsteriskInstall, database_url: str) -> None:
        self.directory = directory
        self.install = install
        self.database_url = database_url
        self.sip_port = free_port()
        self.ami_port = free_port()
        self.rtp_ports = free_range(40)
        self.phones: dict[str, Phone] = {}
        self.events: list[AmiMessage] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.ami = AmiClient(
            host=HOST,
            port=self.ami_port,
            username="records",
            secret="records",
            on_event=self._on_event,
            event_mask="system,call",
        )
        self.on_hangup: Callable[[], None] = lambda: None
        self._ami_task: asyncio.Task[None] | None = None

    def _on_event(self, message: AmiMessage) -> None:
        self.events.append(message)
        if message.event == "Hangup":
            self.on_hangup()

    async def start(self) -> None:
        """Open the phones, write the configuration, start Asterisk, log in."""
        for number in (*EXTENSIONS, TRUNK):
            self.phones[number] = await Phone(number, self.sip_port).open()
        self._configure()
        self.launch()
        self._ami_task = asyncio.create_task(self.ami.run())
        await self.ami.wait_connected(20)

    def launch(self) -> None:
        """Start the Asterisk process."""
        with (self.directory / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [*self.install.command, "-C", str(self.directory / "etc/asterisk.conf"), "-f", "-n"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **self.install.environment,
                    "TZ": "UTC",
                    "PATH": os.environ.get("PATH", ""),
                    "ODBCSYSINI": str(self.directory),
                    "ODBCINI": str(self.directory / "odbc.ini"),
                },
            )

    def kill(self) -> None:
        """End Asterisk at once, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)

    async def close(self) -> None:
        """Stop everything."""
        await self.ami.close()
        for phone in self.phones.values():
            phone.close()
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def _configure(self) -> None:
        etc = self.directory / "etc"
        for name in ("etc", "run", "log", "spool", "db", "lib", "keys"):
            (self.directory / name).mkdir(parents=True, exist_ok=True)
        modules = self.install.modules_dir
        files = {
            "asterisk.conf": (
                f"[directories]\nastetcdir => {etc}\nastmoddir => {modules}\n"
                + "".join(
                    f"{key} => {self.directory / name}\n"
                    for key, name in (
                        ("astvarlibdir", "lib"),
                        ("astdbdir", "db"),
                        ("astkeydir", "keys"),
                        ("astagidir", "lib"),
                        ("astspooldir", "spool"),
                        ("astrundir", "run"),
                        ("astlogdir", "log"),
                    )
                )
                + f"astdatadir => {self.install.data_dir}\n"
                "[options]\nnofork = yes\nhideconnect = yes\n"
            ),
            "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in MODULES),
            "logger.conf": (
                "[general]\nqueue_log = yes\nqueue_log_to_file = no\nqueue_adaptive_realtime = yes\n"
                "queue_log_realtime_use_gmt = yes\n[logfiles]\nconsole => notice,warning,error\n"
            ),
            "extensions.conf": _DIALPLAN,
            "pjsip.conf": (
                "[global]\ntype = global\nendpoint_identifier_order = username,ip\n"
                "[system]\ntype = system\ntimer_t1 = 100\n"
                f"[udp]\ntype = transport\nprotocol = udp\nbind = {HOST}:{self.sip_port}\n"
                + "".join(
                    _ENDPOINT.format(
                        id=number,
                        context="tamas-outgoing",
                        callerid=f"Phone {number} <{number}>",
                        from_user="",
                        user=f"{number}@",
                        host=HOST,
                        port=self.phones[number].port,
                    )
                    for number in EXTENSIONS
                )
                + _ENDPOINT.format(
                    id=f"trunk-{TRUNK}",
                    context="tamas-incoming",
                    callerid="",
                    from_user="",
                    user="",
                    host=HOST,
                    port=self.phones[TRUNK].port,
                )
                + _ENDPOINT.partition("[{id}]\ntype = aor")[0].format(
                    id="unregistered", context="tamas-outgoing", callerid="", from_user=""
                )
                + "[unregistered]\ntype = aor\nmax_contacts = 1\n"
                + f"[trunk-{TRUNK}]\ntype = identify\nendpoint = trunk-{TRUNK}\nmatch = {HOST}\n"
            )
            .replace("from_user = \n", "")
            .replace("callerid = \n", ""),
            "queues.conf": (
                "[general]\npersistentmembers = no\nlog_membername_as_agent = yes\n"
                "[500]\nstrategy = ringall\nretry = 1\ntimeout = 10\n"
                "ringinuse = no\nmember => Local/201@simotel-local-agents/n,0,201,PJSIP/102\n"
                + "".join(_QUEUE.format(number=number, more=more) for number, more in _QUEUES.items())
            ),
            "extconfig.conf": "[settings]\nqueue_log => odbc,tamas\n",
            "cdr.conf": "[general]\nenable = yes\nunanswered = yes\ncongestion = yes\nbatch = no\n",
            "cdr_adaptive_odbc.conf": (
                '[cdr]\nconnection = tamas\ntable = cdr\nusegmtime = yes\nquoted_identifiers = "\n'
                "alias start => calldate\n"
            ),
            "cel.conf": (
                "[general]\nenable = yes\napps = dial,queue\ndateformat = %F %T.%6q\n"
                "events = CHAN_START,CHAN_END,ANSWER,HANGUP,BRIDGE_ENTER,BRIDGE_EXIT,APP_START,APP_END,"
                "LINKEDID_END,BLINDTRANSFER,ATTENDEDTRANSFER,PICKUP,FORWARD,LOCAL_OPTIMIZE,USER_DEFINED\n"
            ),
            "cel_odbc.conf": "[cel]\nconnection = tamas\ntable = cel\nusegmtime = yes\n",
            "res_odbc.conf": (
                "[tamas]\nenabled => yes\ndsn => tamas\npre-connect => yes\nmax_connections => 4\n"
            ),
            "manager.conf": (
                f"[general]\nenabled = yes\nport = {self.ami_port}\nbindaddr = {HOST}\n"
                "[records]\nsecret = records\nread = all\nwrite = all\n"
            ),
            "rtp.conf": f"[general]\nrtpstart = {self.rtp_ports[0]}\nrtpend = {self.rtp_ports[-1]}\n",
        }
        for name in ("features", "acl", "ccss", "udptl", "indications", "musiconhold", "http", "pjproject"):
            files.setdefault(f"{name}.conf", "")
        for name, text in files.items():
            (etc / name).write_text(text)
        (self.directory / "odbcinst.ini").write_text("")
        (self.directory / "odbc.ini").write_text(self._data_source())

    def _data_source(self) -> str:
        url = make_url(self.database_url)
        drivers = self.install.odbc_drivers
        if url.get_backend_name() == "sqlite":
            return (
                f"[tamas]\nDriver = {drivers['sqlite']}\nDatabase = {url.database}\n"
                "Timeout = 30000\nJournalMode = WAL\nSyncPragma = NORMAL\nNoWCHAR = 1\n"
            )
        return (
            f"[tamas]\nDriver = {drivers['postgresql']}\nServername = {url.host}\n"
            f"Port = {url.port}\nDatabase = {url.database}\nUserName = {url.username}\n"
            f"Password = {url.password or ''}\nBoolsAsChar = Yes\nMaxVarcharSize = 1024\n"
        )
