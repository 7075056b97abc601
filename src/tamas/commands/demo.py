"""``tamas demo``: a contact center with two test phones and a call, to watch and then to play with."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console

from tamas.commands.opened import opened_store
from tamas.commands.output import fail, print_json
from tamas.console.accounts import FIRST_USERNAME, first_password_file
from tamas.demo.story import FIRST, SECOND, DemoFailed, DemoServer, RecordedCall, Story, Teller
from tamas.engine.install import ensure_asterisk, ensure_sipp
from tamas.errors import TamasError
from tamas.records.calls import Call, list_calls
from tamas.sa import accounts
from tamas.settings import Settings, load_settings
from tamas.sockets import bind_failure
from tamas.state import prepare_state_dir
from tamas.supervisor import die_with_parent

ACCOUNT = "demo"
READY_SECONDS = 90.0
POLL_SECONDS = 0.1
STOP_SECONDS = 60.0
LOG_TAIL = 2000
"""Characters of the server's log that a failure shows."""


class Interrupted(TamasError):
    """Somebody pressed Ctrl-C before the story was over."""


def run_demo(*, once: bool, as_json: bool) -> None:
    """Tell the story; keep running afterwards unless ``once``."""
    console = Console(stderr=as_json, highlight=False)
    try:
        recorded = asyncio.run(_demo(console, once=once))
    except TamasError as error:
        fail(str(error), as_json=as_json)
    if as_json:
        names = ("cuid", "src", "dst", "disposition", "wait", "billsec", "record")
        print_json({name: getattr(recorded, name) for name in names})


async def _demo(console: Console, *, once: bool) -> RecordedCall:
    _choose_free_ports()
    settings = load_settings()
    prepare_state_dir(settings.state_dir)
    progress = partial(_progress, console)
    await asyncio.to_thread(ensure_asterisk, settings.cache_dir, settings.asterisk, progress)
    sipp = await asyncio.to_thread(ensure_sipp, settings.cache_dir, progress)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with _serving(settings, stop) as process:
        console.print(f"Tamas is up; its log is {_log_file(settings)}", soft_wrap=True)
        server = await _demo_server(settings)
        async with Story(server, Teller(console), sipp=sipp) as story:
            telling = asyncio.create_task(story.tell())
            await _until(telling, stop)
            recorded = telling.result()
            if once:
                console.print("Every step came true.")
                return recorded
            story.stay_reachable()
            _say_where(console, settings, server)
            ended = asyncio.create_task(_ended(process))
            try:
                await _until(ended, stop)
            except Interrupted:
                console.print("Stopping.")
                return recorded
            raise DemoFailed(f"the server ended by itself:\n{_log_tail(settings)}")


async def _until(task: asyncio.Task[RecordedCall] | asyncio.Task[int], stop: asyncio.Event) -> None:
    """Wait for a task. :raises Interrupted: ``stop`` was set first; the task is cancelled."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise Interrupted("stopped before the story was over")


def _choose_free_ports() -> None:
    """Move from default ports that others use to free ones; what the environment names stays."""
    taken = (
        ("TAMAS_HTTP_PORT", "127.0.0.1", 8080, (socket.SOCK_STREAM,)),
        ("TAMAS_SIP_PORT", "0.0.0.0", 5060, (socket.SOCK_DGRAM, socket.SOCK_STREAM)),  # noqa: S104
    )
    for name, host, port, kinds in taken:
        if not os.environ.get(name) and any(bind_failure(host, port, kind) for kind in kinds):
            with socket.socket() as probe:
                probe.bind((host, 0))
                os.environ[name] = str(probe.getsockname()[1])


def _log_file(settings: Settings) -> Path:
    return settings.state_dir / "demo.log"


def _log_tail(settings: Settings) -> str:
    return _log_file(settings).read_text(errors="replace")[-LOG_TAIL:]


@asynccontextmanager
async def _serving(settings: Settings, stop: asyncio.Event) -> AsyncIterator[subprocess.Popen[bytes]]:
    """``tamas serve`` as a child, from ready to ended.

    :raises DemoFailed: it did not get ready.
    """
    process = _start_server(settings)
    try:
        await _until_ready(settings, process, stop)
        yield process
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _start_server(settings: Settings) -> subprocess.Popen[bytes]:
    with _log_file(settings).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tamas", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to pass on
            preexec_fn=partial(die_with_parent, signal.SIGTERM),
        )


async def _until_ready(settings: Settings, process: subprocess.Popen[bytes], stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(verify=False, timeout=3) as client:  # noqa: S501
            while not stop.is_set():
                if process.poll() is not None:
                    raise DemoFailed(f"the server did not start:\n{_log_tail(settings)}")
                try:
                    if (await client.get(f"{settings.http_address}/readyz")).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass  # it does not listen yet
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        text = f"the server was not ready within {READY_SECONDS:.0f} s:\n{_log_tail(settings)}"
        raise DemoFailed(text) from None
    raise Interrupted("stopped before the story began")


async def _ended(process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:  # noqa: ASYNC110 - a thread that waits could not be given up
        await asyncio.sleep(POLL_SECONDS)
    return process.returncode


async def _demo_server(settings: Settings) -> DemoServer:
    """Where the server is, with an account of the demo's own, made or given new secrets."""
    async with opened_store() as store:
        known = {account.username for account in await accounts.list_accounts(store.database)}
        if ACCOUNT in known:
            account = await accounts.rotate(store.database, store.changes, ACCOUNT)
        else:
            account = await accounts.create_account(
                store.database,
                store.changes,
                username=ACCOUNT,
                auth="basic",
                password=None,
                permissions=["*"],
            )
    sip_host = "127.0.0.1" if settings.sip_host == "0.0.0.0" else settings.sip_host  # noqa: S104
    return DemoServer(
        base_url=settings.http_address,
        sip=(sip_host, settings.sip_port),
        username=account.username,
        password=account.password,
        token=account.token,
        recordings=settings.state_dir / "recordings",
        fetch_call=_fetch_call,
    )


async def _fetch_call(originated_call_id: str) -> Call | None:
    async with opened_store() as store:
        found = await list_calls(store.database, limit=1, originated_call_id=originated_call_id)
    return found[0] if found else None


def _say_where(console: Console, settings: Settings, server: DemoServer) -> None:
    password_file = first_password_file(settings.state_dir)
    password = password_file.read_text().strip() if password_file.is_file() else "(changed)"
    body = f'{{"caller": "{FIRST}", "callee": "{SECOND}", "context": "main_routing", "caller_id": "{FIRST}"}}'
    console.print(
        f"""
  It keeps running. The two phones now answer every call by themselves.

  Console    {settings.http_address}/console   user {FIRST_USERNAME}, password {password}
  API docs   {settings.http_address}/docs
  API        {settings.http_address}/api/v4    user {server.username}, password {server.password}
  SIP        port {settings.sip_port}, UDP and TCP; extensions {FIRST} and {SECOND}

  Again, by hand:
  curl -u {server.username}:{server.password} {settings.http_address}/api/v4/call/originate/act \\
    -H 'Content-Type: application/json' \\
    -d '{body}'

  Ctrl-C ends it.
""",
        markup=False,
        soft_wrap=True,
    )


def _progress(console: Console, step: str) -> None:
    console.print(f"  {step}", markup=False, soft_wrap=True)
