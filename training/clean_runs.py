"""Delete the local store, which nothing but its user should ever do."""

import shutil
from pathlib import Path

from training.errors import StoreError
from training.processes import PROCESS_TAG, is_ours
from training.store import is_local, require_store


def count_runs(store: Path) -> tuple[int, list[str]]:
    """Count the runs that would go with ``store``, and name those of other machines that aren't marked as ended.

    Whether such a run still lives can't be seen from here: it may be the rest of a container that is gone. Raises
    ``StoreError`` if the store is somewhere else, isn't there, or a training of this machine is under way in it.
    """
    if not is_local(store):
        raise StoreError("MLFLOW_TRACKING_URI names another store: what lies there isn't deleted from here")
    if not (store / "mlflow.db").is_file():
        raise StoreError(f"{store}: there is no store here")
    client, experiment = require_store(store)
    runs = client.search_runs([experiment], max_results=10_000)
    running = [(run.info.run_name, run.data.tags.get(PROCESS_TAG, "")) for run in runs if run.info.status == "RUNNING"]
    alive = [name for name, process in running if is_ours(process)]
    if alive:
        raise StoreError(f"{store}: a training is under way ({alive[0]}); stop it first")
    return len(runs), [f"{name} on {process.partition(' ')[0] or 'an unknown machine'}" for name, process in running]


def remove_store(store: Path) -> None:
    """Delete ``store``, stepping it aside first so that a cut-off deletion leaves no half of it in use."""
    aside = store.with_name(f".{store.name}.deleted")
    shutil.rmtree(aside, ignore_errors=True)
    store.rename(aside)
    shutil.rmtree(aside)
