"""The MLflow UI on this project's store."""

import os
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from training.store import is_local, open_store, store_uri

HOST: Final = "127.0.0.1"
_PORTS: Final = range(5000, 5020)


def open_ui() -> None:
    """Replace this process by the MLflow UI, on the first free port from 5000 on.

    Where ``MLFLOW_TRACKING_URI`` names a server, that has a UI of its own, and only its address is printed.
    """
    if not is_local() and store_uri().startswith("http"):
        print(f"MLflow UI: {store_uri()} (the server that MLFLOW_TRACKING_URI names)", flush=True)
        return
    open_store()
    port = free_port()
    if port != _PORTS[0]:
        print(f"port {_PORTS[0]} is taken", flush=True)
    print(f"MLflow UI: http://{HOST}:{port} (stop it with Ctrl-C)", flush=True)
    words = ["-m", "mlflow", "ui", "--backend-store-uri", store_uri(), "--host", HOST, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606  # fixed words, no shell


def free_port(ports: Iterable[int] = _PORTS) -> int:
    """Give the first of ``ports`` that nothing listens on, or any free one if all are taken."""
    for port in (*ports, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: a port just left is free
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise OSError("no free port")
