"""The MLflow UI on this project's store."""

import os
import socket
import sys

from training.store import open_store, store_uri

_HOST = "127.0.0.1"
_PORTS = range(5000, 5020)


def open_ui() -> None:
    """Replace this process by the MLflow UI, on the first free port from 5000 on."""
    open_store()
    port = next((port for port in _PORTS if _is_free(port)), 0)
    print(f"MLflow UI: http://{_HOST}:{port} (stop it with Ctrl-C)", flush=True)
    words = ["-m", "mlflow", "ui", "--backend-store-uri", store_uri(), "--host", _HOST, "--port", str(port)]
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606  # fixed words, no shell


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex((_HOST, port)) != 0
