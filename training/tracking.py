"""One run in MLflow. Whatever goes wrong here costs a warning, never the model."""

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from matplotlib.figure import Figure

from newsstance.errors import first_line
from training.corpus import Sentence
from training.datasets import dataset_inputs
from training.processes import tell_abandoned
from training.run_spec import RunSpec
from training.runs import earlier_parent
from training.store import STORE, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

_TRIES: Final = 6
"""How often a write is tried where the database is locked: SQLite has one writer at a time, and several may train at once."""
_METRICS_AT_ONCE: Final = 500
_SAMPLED_EVERY: Final = 10
"""Seconds between two samples of system metrics, unless MLflow's own environment variable says otherwise."""
Result = TypeVar("Result")


class Tracking:
    """Writes to one MLflow run. After the first failure it warns once and writes no more.

    ``run_id`` is ``None`` where the run couldn't be started; ``experiment`` is the id of the experiment that it is in.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None
        self.experiment = ""
        self._client: MlflowClient | None = None
        self._failed: MlflowClient | None = None
        self._monitor: SystemMetricsMonitor | None = None

    def start(self, spec: RunSpec, store: Path) -> None:
        """Start the run that ``spec`` describes, or go on with it; runs whose process is gone are marked as killed first."""
        try:
            self._client, self.experiment = open_store(store)
            _patiently(lambda: tell_abandoned(self._opened(), self.experiment))
            self.run_id = _patiently(lambda: _start(self._opened(), self.experiment, spec))
            if not spec.is_parent:
                self._monitor = _monitor(self._client, self.run_id)
        except Exception as error:  # a store can fail in any way: disk, lock, network, version
            self._give_up(error)

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing is tracked, or no more."""
        return self._client is None

    def attempt(self, action: Callable[["MlflowClient", str], Result]) -> Result | None:
        """Do ``action`` with the client and the run's id, and give its result; ``None`` where tracking fails or has failed."""
        if self._client is None or self.run_id is None:
            return None
        client, run = self._client, self.run_id
        try:
            return _patiently(lambda: action(client, run))
        except Exception as error:  # as in start
            self._give_up(error)
            return None

    def data(self, sentences: Sequence[Sentence], source: Path, digest: str) -> None:
        """Record the corpus, split by split, as the run's input, known by ``digest``, the SHA-256 of all of it."""
        self.attempt(lambda client, run: client.log_inputs(run, datasets=dataset_inputs(sentences, source, digest)))

    def metric(self, step: int, name: str, value: float) -> None:
        """Add a point to a learning curve."""
        self.attempt(lambda client, run: client.log_metric(run, metric_name(name), value, step=step))

    def metrics(self, values: Mapping[str, float]) -> None:
        """Record final metrics, few transactions for all."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        points = [Metric(metric_name(name), value, now, 0) for name, value in values.items()]
        for start in range(0, len(points), _METRICS_AT_ONCE):
            some = points[start : start + _METRICS_AT_ONCE]
            self.attempt(lambda client, run, some=some: client.log_batch(run, metrics=some))  # type: ignore[misc]

    def tag(self, name: str, value: str) -> None:
        """Set a tag."""
        self.attempt(lambda client, run: client.set_tag(run, name, value))

    def figure(self, figure: Figure, name: str) -> None:
        """Keep a figure as ``figures/NAME.png``."""
        self.attempt(lambda client, run: client.log_figure(run, figure, f"figures/{name}.png"))

    def text(self, content: str, name: str) -> None:
        """Keep ``content`` as the artefact ``name``."""
        self.attempt(lambda client, run: client.log_text(run, content, name))

    def table(self, columns: Mapping[str, Sequence[Any]], name: str) -> None:
        """Keep ``columns`` of like length as a table that the UI's evaluation view reads, in place of an earlier one."""
        self.attempt(lambda client, run: _write_table(client, run, columns, name))

    def file(self, path: Path) -> None:
        """Keep a small file among the run's artefacts."""
        self.attempt(lambda client, run: client.log_artifact(run, str(path)))

    def end(self, status: str) -> None:
        """End the run as ``FINISHED``, ``FAILED`` or ``KILLED``, if at all possible also where tracking has failed.

        A run that isn't recorded whole has failed, however the training went.
        """
        if self._monitor is not None:
            self._monitor.finish()  # type: ignore[no-untyped-call]
        self.attempt(lambda client, run: client.set_terminated(run, status))
        if self._failed is not None and self.run_id is not None:
            with suppress(Exception):
                self._failed.set_terminated(self.run_id, "FAILED" if status == "FINISHED" else status)

    def _opened(self) -> "MlflowClient":
        assert self._client is not None
        return self._client

    def _give_up(self, error: Exception) -> None:
        self._client, self._failed = None, self._client
        print(f"warning: MLflow can't track this run any further ({first_line(error)}); the training goes on", file=sys.stderr)


@contextmanager
def tracked(spec: RunSpec, store: Path = STORE) -> Iterator[Tracking]:
    """Track what happens inside as the run ``spec``: finished, failed, or killed if it is interrupted."""
    tracking = Tracking()
    tracking.start(spec, store)
    status = "FAILED"
    try:
        yield tracking
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        tracking.end(status)


def metric_name(name: str) -> str:
    """Give the name under which MLflow keeps the metric ``name``: no hyphens, and slashes between the UI's groups."""
    return name.replace("-", "_")


def _patiently(action: Callable[[], Result]) -> Result:
    for attempt in range(1, _TRIES):
        try:
            return action()
        except Exception as error:
            if "database is locked" not in str(error):
                raise
            time.sleep(random.uniform(0.5, 1) * attempt)
    return action()


def _start(client: "MlflowClient", experiment: str, spec: RunSpec) -> str:
    from mlflow.entities import Param, RunTag

    tags = {**spec.tags, **({"mlflow.parentRunId": spec.parent} if spec.parent else {})}
    before = earlier_parent(client, experiment, spec.tags) if spec.is_parent else None
    if before is not None:
        client.update_run(before, status="RUNNING", name=spec.name)
        client.log_batch(before, tags=[RunTag(name, value) for name, value in tags.items()])
        return before
    run = str(client.create_run(experiment, run_name=spec.name, tags=tags).info.run_id)
    client.log_batch(run, params=[Param(name, str(value)) for name, value in spec.parameters.items()])
    return run


def _write_table(client: "MlflowClient", run: str, columns: Mapping[str, Sequence[Any]], name: str) -> None:
    import pandas as pd

    table = pd.DataFrame(dict(columns), dtype=object)  # log_table looks for objects, and pandas warns where it finds strings
    if any(kept.path == name for kept in client.list_artifacts(run)):  # to which log_table would append
        client.log_text(run, table.to_json(orient="split", index=False), name)
    else:
        client.log_table(run, table, name)


def _monitor(client: "MlflowClient", run: str) -> "SystemMetricsMonitor":
    from mlflow.environment_variables import MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL as INTERVAL
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    seconds = INTERVAL.get() or _SAMPLED_EVERY  # type: ignore[no-untyped-call]
    monitor = SystemMetricsMonitor(run, sampling_interval=seconds, tracking_uri=client.tracking_uri)  # type: ignore[no-untyped-call]
    monitor.start()  # type: ignore[no-untyped-call]
    return monitor
