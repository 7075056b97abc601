"""Requests per second of the API, as shares of a bare Starlette and msgspec endpoint.

Both get the same requests and run at the same time on one processor, wrk on another; they are loaded in turn,
and the ratio is the median over the rounds.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import func, select

from bench.extensions import add_extension, number_of
from bench.figures import BenchBroken, Figure, median_ratio
from bench.options import STORE_NAMES, STORES, Options, say
from bench.processes import cpus, place, running_bare_server
from bench.product import Product, running_product
from bench.wrk import Request, requests_per_second
from support.ports import free_port
from tamas.store.schema import api_log

EXTENSIONS = 10_000
ROUNDS, ROUND_SECONDS = 7, 3
QUICK_ROUNDS, QUICK_ROUND_SECONDS = 3, 2
WARM_SECONDS = 2
PING_TARGET = 0.4
SEARCH_TARGETS = {"sqlite": 0.25, "postgresql": 0.1}


def measure(options: Options) -> Iterator[Figure]:
    """Ping and search by number, on both stores."""
    for store in STORES:
        with running_product(options.database_url(store)) as product:
            port = free_port()
            with running_bare_server(port, options.folder) as bare_pid:
                for pid in (bare_pid, product.worker_pid()):
                    place(pid, cpus()[:1])
                bare = f"http://127.0.0.1:{port}/"
                yield _compare(
                    options, f"setting/ping/act, {STORE_NAMES[store]}", _ping(product), bare, PING_TARGET
                )
                say(f"adding {EXTENSIONS} extensions")
                for position in range(1, EXTENSIONS + 1):
                    add_extension(product, number_of(position))
                search = _search(product)
                what = f"pbx/users/search by number among {EXTENSIONS:,}, {STORE_NAMES[store]}"
                yield _compare(options, what, search, bare, SEARCH_TARGETS[store])
                _check_log(product)


def _compare(options: Options, what: str, request: Request, bare_url: str, target: float) -> Figure:
    wrk, client = options.wrk(), cpus()[-1:]
    bare = replace(request, url=bare_url)
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    seconds = QUICK_ROUND_SECONDS if options.quick else ROUND_SECONDS
    for each in (bare, request):
        requests_per_second(wrk, each, seconds=WARM_SECONDS, processors=client)
    values, baselines = [], []
    for turn in range(rounds):
        baselines.append(requests_per_second(wrk, bare, seconds=seconds, processors=client))
        values.append(requests_per_second(wrk, request, seconds=seconds, processors=client))
        say(f"{what}, round {turn + 1}: {values[-1]:.0f} of {baselines[-1]:.0f} requests/s")
    return Figure(
        what=what,
        value=statistics.median(values),
        unit="req/s",
        baseline="bare endpoint, same request",
        baseline_value=statistics.median(baselines),
        ratio=median_ratio(values, baselines),
        target=target,
        at_least=True,
    )


def _ping(product: Product) -> Request:
    return Request(url=product.url("setting/ping/act"), headers={"Authorization": product.authorization})


def _search(product: Product) -> Request:
    """The search, after it was seen to find what it shall."""
    for position in (1, EXTENSIONS // 2, EXTENSIONS):
        number = number_of(position)
        found = product.ask("pbx/users/search", {"alike": False, "conditions": {"number": number}})
        if [row["number"] for row in found] != [number]:
            raise BenchBroken(f"the search for {number} found {found}")
    body = json.dumps({"alike": False, "conditions": {"number": "{number}"}})
    return Request(
        url=product.url("pbx/users/search"),
        method="POST",
        headers={"Authorization": product.authorization, "Content-Type": "application/json"},
        body=body,
        numbers=range(int(number_of(1)), int(number_of(EXTENSIONS)) + 1, 7),
    )


def _check_log(product: Product) -> None:
    """The API log was written all the while, and no request failed."""
    (row,) = product.rows(
        select(
            func.count().label("all"), func.count().filter(api_log.c.success == 1).label("good")
        ).select_from(api_log)
    )
    if not row["good"] or row["good"] != row["all"]:
        raise BenchBroken(f"the API log has {row['all']} requests, {row['good']} of them successful")
