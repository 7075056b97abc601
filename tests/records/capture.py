"""Records the samples in ``data/``: plays every scenario on a real Asterisk and stores what it wrote.

``PYTHONPATH=src:tests python tests/records/capture.py CACHE_DIR WORK_DIR [NAME...]``
"""

from __future__ import annotations

import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from sqlalchemy import select

from records import _scenarios
from records._lab import Lab
from support.waiting import eventually
from tamas.engine.install import ensure_asterisk
from tamas.store.database import Database, open_database
from tamas.store.migrate import migrate
from tamas.store.schema import cdr, cel, queue_log

DATA = Path(__file__).with_name("data")


async def _rows(database: Database, after: dict[str, int]) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = {}
    async with database.read() as connection:
        for table in (cel, cdr, queue_log):
            statement = select(table).where(table.c.id > after[table.name]).order_by(table.c.id)
            found[table.name] = [
                {key: value for key, value in row.items() if value not in (None, "") and key != "id"}
                for row in await connection.rows(statement)
            ]
            after[table.name] += len(found[table.name])
    return found


async def capture(cache: Path, work: Path, names: list[str]) -> None:
    """Play the named scenarios, or all, and write one file each."""
    url = f"sqlite:///{work}/tamas.db"
    await migrate(url)
    database = await open_database(url)
    install = ensure_asterisk(cache, None, lambda *_: None)
    lab = Lab(work, install, url)
    after = {"cel": 0, "cdr": 0, "queue_log": 0}
    try:
        await lab.start()
        for scenario in _scenarios.ALL:
            if names and scenario.__name__ not in names:
                continue
            for phone in lab.phones.values():
                phone.dialogs.clear()
            uniqueid = await scenario(lab)
            if uniqueid is not None:
                await eventually(partial(_scenarios.last_response, lab, uniqueid), what="OriginateResponse")
            await eventually(
                lambda: all(d.state == "ended" for p in lab.phones.values() for d in p.dialogs.values()),
                within=15,
                what=scenario.__name__,
            )
            await asyncio.sleep(0.7)
            found = await _rows(database, after)
            if not found["queue_log"]:
                del found["queue_log"]
            rows: dict[str, object] = {"situation": scenario.__doc__, **found}
            if uniqueid is not None:
                rows["originate"] = uniqueid
                rows["originate_response"] = _scenarios.last_response(lab, uniqueid)
            (DATA / f"{scenario.__name__}.json").write_text(json.dumps(rows, indent=1) + "\n")
            print(scenario.__name__, len(found["cel"]), len(found["cdr"]))  # noqa: T201
    except AssertionError:
        for phone in lab.phones.values():
            print(phone.number, *phone.dialogs.values(), sep="\n   ")  # noqa: T201
        raise
    finally:
        await lab.close()
        await database.close()


if __name__ == "__main__":
    asyncio.run(capture(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
