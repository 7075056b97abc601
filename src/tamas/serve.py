"""What ``tamas serve`` becomes: the supervisor, in a process that has imported nothing else."""

from __future__ import annotations

import logging
import sys

from tamas.errors import TamasError
from tamas.logs import configure_logging
from tamas.privileges import drop_privileges
from tamas.settings import load_settings, unknown_variables
from tamas.state import only_server, prepare_state_dir
from tamas.supervisor import StartWorker, Supervisor, bind_http, start_worker

log = logging.getLogger(__name__)


def main(arguments: list[str], *, start: StartWorker = start_worker) -> int:
    """Serve until told to stop.

    :param arguments: number of API-only workers.
    :param start: starts a worker.
    :returns: exit status.
    """
    api_workers = int(arguments[0]) if arguments else 0
    try:
        settings = load_settings()
        configure_logging(settings.log_format)
        for name in unknown_variables():
            log.warning("%s is no setting and is ignored", name)
        prepare_state_dir(settings.state_dir)
        with only_server(settings.state_dir):
            listener = bind_http(settings)
            drop_privileges(settings)
            return Supervisor(listener, api_workers=api_workers, start=start).run()
    except TamasError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
