"""Delete the local store, which nothing but its user should ever do."""

import shutil
from pathlib import Path

from training.errors import StoreError
from training.processes import end_abandoned
from training.store import is_local, open_store


def count_runs(store: Path) -> int:
    """Count the runs that would go with ``store``.

    Raises ``StoreError`` if the store is somewhere else, isn't there, or a training is under way in it.
    """
    if not is_local():
        raise StoreError("MLFLOW_TRACKING_URI names another store: what lies there isn't deleted from here")
    if not (store / "mlflow.db").is_file():
        raise StoreError(f"{store}: there is no store here")
    client, experiment = open_store(store)
    end_abandoned(client, experiment)
    runs = client.search_runs([experiment], max_results=10_000)
    running = [run.info.run_name for run in runs if run.info.status == "RUNNING"]
    if running:
        raise StoreError(f"{store}: a training is under way ({running[0]}); stop it first")
    return len(runs)


def remove_store(store: Path) -> None:
    """Delete ``store``, stepping it aside first so that a cut-off deletion leaves no half of it in use."""
    aside = store.with_name(f".{store.name}.deleted")
    shutil.rmtree(aside, ignore_errors=True)
    store.rename(aside)
    shutil.rmtree(aside)
