"""Which process a run belongs to, and which runs have lost theirs: a killed training can't end its run itself."""

import os
import socket
import sys
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROCESS_TAG: Final = "process"
"""The tag that holds a run's machine, process id and when the process started (seconds since 1970)."""

_CLOCK: Final = 2.0
"""Seconds by which two readings of when a process started may differ."""


def this_process() -> str:
    """Give the value of ``PROCESS_TAG`` for this process."""
    return f"{socket.gethostname()} {os.getpid()} {psutil.Process().create_time():.0f}"


def end_abandoned(client: "MlflowClient", experiment: str) -> list[str]:
    """Mark as killed every run of this machine that is still running although its process is gone; give their names."""
    running = client.search_runs([experiment], "attributes.status = 'RUNNING'", max_results=1000)
    abandoned = [run for run in running if _is_gone(run.data.tags.get(PROCESS_TAG, ""))]
    for run in abandoned:
        client.set_terminated(run.info.run_id, "KILLED")
    return [str(run.info.run_name) for run in abandoned]


def tell_abandoned(client: "MlflowClient", experiment: str) -> None:
    """Mark abandoned runs as killed, and say so in a line each."""
    for name in end_abandoned(client, experiment):
        print(f"{name}: its process is gone without ending it; marked as killed", file=sys.stderr)


def is_ours(tag: str) -> bool:
    """Tell whether a run with the ``PROCESS_TAG`` ``tag`` belongs to this machine, so that we can see whether it lives."""
    return tag.partition(" ")[0] == socket.gethostname()


def _is_gone(tag: str) -> bool:
    _, _, rest = tag.partition(" ")
    identity, _, started = rest.partition(" ")
    if not is_ours(tag) or not identity.isdigit() or not started.isdigit():
        return False
    try:
        process = psutil.Process(int(identity))
        return bool(process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - int(started)) > _CLOCK)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
