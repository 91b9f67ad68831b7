"""The MLflow UI on this project's store."""

import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from training.runs_view import RUNS_VIEW_TAG, runs_page, runs_view
from training.store import STORE, require_store, store_uri

HOST: Final = "127.0.0.1"
_PORTS: Final = range(5000, 5020)


def open_ui(store: Path = STORE) -> None:
    """Replace this process by the MLflow UI, on the first free port from 5000 on.

    Where ``MLFLOW_TRACKING_URI`` names a server, that has a UI of its own, and only its address is printed. Raises
    ``StoreError`` if the store can't be opened.
    """
    if store_uri(store).startswith("http"):
        print(f"MLflow UI: {store_uri()} (the server that MLFLOW_TRACKING_URI names)", flush=True)
        return
    client, experiment = require_store(store)
    if RUNS_VIEW_TAG not in client.get_experiment(experiment).tags:  # a store made before there was one
        client.set_experiment_tag(experiment, RUNS_VIEW_TAG, runs_view())
    port = free_port()
    if port != _PORTS[0]:
        print(f"port {_PORTS[0]} is taken", flush=True)
    print(f"MLflow UI: {runs_page(f'http://{HOST}:{port}', experiment)} (stop it with Ctrl-C)", flush=True)
    words = ["--backend-store-uri", store_uri(store), "--host", HOST, "--port", str(port), "--workers", "1"]
    # Jobs judge the answers of language models; nothing here needs their five processes.
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *words])  # noqa: S606  # fixed words, no shell


def free_port(ports: Iterable[int] = _PORTS) -> int:
    """Give the first of ``ports`` that nothing listens on, or any free one if all are taken."""
    for port in (*ports, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: a port just left is free
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise OSError("no free port")
