"""The MLflow store: where runs are tracked, made ready before anything writes to it."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "newsstance"
STORE: Final = Path("mlruns")
"""The folder of the local store: ``mlflow.db`` and ``artifacts/``."""


def store_uri(store: Path = STORE) -> str:
    """Give the tracking URI: ``MLFLOW_TRACKING_URI`` where it is set, else SQLite in ``store``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{store.resolve() / 'mlflow.db'}"


def open_store(store: Path = STORE) -> tuple["MlflowClient", str]:
    """Make the store ready, with its experiment; give a client of it and the experiment's id.

    The database is created and migrated under a lock, once, so that several trainings may start together. Only the client
    knows the store: MLflow's global state, which its environment variable would pass on, stays untouched.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient  # here, since it takes seconds to import

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / ".lock"):
        client = MlflowClient(tracking_uri=store_uri(store))
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is not None:
            return client, str(experiment.experiment_id)
        local = not os.environ.get("MLFLOW_TRACKING_URI")
        artifacts = (store / "artifacts").resolve().as_uri() if local else None
        return client, str(client.create_experiment(EXPERIMENT, artifact_location=artifacts))
