"""The MLflow store: where runs are tracked, made ready before anything writes to it."""

import logging
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from newsstance.errors import first_line
from training.errors import StoreError
from training.processes import tell_abandoned
from training.runs_view import RUNS_VIEW_TAG, runs_view

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT: Final = "newsstance"
STORE: Final = Path("mlruns")
"""The folder of the local store: ``mlflow.db`` and ``artifacts/``."""

_DATABASE: Final = "mlflow.db"
_SQLITE: Final = "sqlite:///"
_ABOUT: Final = (
    "Trainings of newsstance. A run named after a number of seeds is a sweep: its figures are means, and the runs of its seeds "
    "stand below it. `NAME_low` and `NAME_high` bound the 95% interval of `NAME`. `make compare` ranks the runs."
)
_DEFAULTS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # MLflow's own 7 tries of 120 seconds would hold up a training for minutes where a server is gone.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


def store_uri(store: Path = STORE) -> str:
    """Give the tracking URI: ``MLFLOW_TRACKING_URI`` where it is set, else SQLite in ``store``."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{store.resolve() / _DATABASE}"


def is_local(store: Path = STORE) -> bool:
    """Tell whether runs go to the folder ``store``, and not to another place that ``MLFLOW_TRACKING_URI`` says."""
    uri = store_uri(store)
    return uri.startswith(_SQLITE) and Path(uri.removeprefix(_SQLITE)).resolve() == (store / _DATABASE).resolve()


def require_store(store: Path = STORE) -> tuple["MlflowClient", str]:
    """Open the store where nothing can be done without it, and mark the runs in it whose process is gone.

    Raises ``StoreError``, in one line, whatever is wrong with it.
    """
    try:
        client, experiment = open_store(store)
        tell_abandoned(client, experiment)
        return client, experiment
    except StoreError:
        raise
    except Exception as error:  # a store can fail in any way: disk, lock, network, version
        raise StoreError(f"{store_uri(store)}: the MLflow store can't be opened ({first_line(error)})") from error


def open_store(store: Path = STORE) -> tuple["MlflowClient", str]:
    """Make the store ready, with its experiment; give a client of it and the experiment's id.

    The database is created and migrated under a lock, once, so that several trainings may start together. Only the client
    knows the store: MLflow's global state, which its environment variable would pass on, stays untouched. Raises
    ``StoreError`` if a local store is damaged or can't be migrated, and MLflow's own errors for what else can be wrong.
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient  # here, since it takes seconds to import

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for told_by_us in ("mlflow.store.db.utils", "mlflow.system_metrics", "urllib3"):
        logging.getLogger(told_by_us).setLevel(logging.CRITICAL)
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / ".lock"):
        if is_local(store) and _revision(store) not in (None, _installed_revision()):
            _migrate(store)
        return _with_experiment(MlflowClient(store_uri(store), store_uri(store)), store)


def _with_experiment(client: "MlflowClient", store: Path) -> tuple["MlflowClient", str]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is not None:
        if experiment.lifecycle_stage == "deleted":  # in the UI; it keeps its name, and no run can be added to it
            print(f"the experiment {EXPERIMENT} was deleted; it is restored, with its runs", file=sys.stderr)
            client.restore_experiment(experiment.experiment_id)
        return client, str(experiment.experiment_id)
    artifacts = (store / "artifacts").resolve().as_uri() if is_local(store) else None
    try:
        tags = {
            "mlflow.note.content": _ABOUT,
            "mlflow.experimentKind": "custom_model_development",
            RUNS_VIEW_TAG: runs_view(),
        }
        return client, str(client.create_experiment(EXPERIMENT, artifact_location=artifacts, tags=tags))
    except Exception:  # on a server, another machine may have been a moment earlier
        experiment = client.get_experiment_by_name(EXPERIMENT)
        if experiment is None:
            raise
        return client, str(experiment.experiment_id)


def _revision(store: Path) -> str | None:
    """Give the schema's revision of the local database; ``None`` where there is none yet."""
    if not (store / _DATABASE).is_file():
        return None
    with closing(sqlite3.connect(store / _DATABASE)) as database:
        try:
            row = database.execute("select version_num from alembic_version").fetchone()
        except sqlite3.OperationalError:  # created, but not by MLflow or not to the end
            return None
        except sqlite3.DatabaseError as error:
            what = f"{store / _DATABASE}: damaged, or not an SQLite database ({error})"
            raise StoreError(f"{what}; put a copy in its place, or move it away and a new one is made") from error
    return None if row is None else str(row[0])


def _installed_revision() -> str | None:
    """Give the schema's revision of the installed MLflow, which migrates some older stores without a word or a copy."""
    import mlflow
    from alembic.script import ScriptDirectory

    return ScriptDirectory(Path(mlflow.__file__).parent / "store" / "db_migrations").get_current_head()


def _migrate(store: Path) -> None:
    """Bring the local database to the installed MLflow's schema; what it was is kept beside it."""
    database = store / _DATABASE
    kept = database.with_name(f"{_DATABASE}.{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    print(f"{database}: written by another MLflow; migrating it, and keeping it as it was in {kept.name}", file=sys.stderr)
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(kept)) as copy:
        old.backup(copy)
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "db", "upgrade", store_uri(store)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        kept.replace(database)
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StoreError(f"{database.name}: this MLflow can't migrate it; a newer one may have written it: {reason}")
