"""One training in MLflow. Whatever goes wrong here costs a warning, never the model."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from training.corpus import FIELDS, Sentence
from training.material import Material
from training.recipe import Recipe
from training.store import STORE, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput


class Tracking:
    """Writes to one MLflow run. After the first failure it warns once and writes no more.

    ``run_id`` is ``None`` where the run couldn't be started.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None
        self._client: MlflowClient | None = None

    def start(self, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any], store: Path) -> None:
        """Start the run, with ``parameters`` flattened to ``table.setting``."""
        try:
            self._client, experiment = open_store(store)
            self.run_id = str(self._client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id)
        except Exception as error:  # a store can fail in any way: disk, lock, network, version
            self._give_up(error)
        for setting, value in _flat(parameters).items():
            self._attempt(partial(_log_param, setting=setting, value=value))

    def data(self, sentences: Sequence[Sentence], source: Path, digest: str) -> None:
        """Record the corpus as the run's input, known by ``digest``, the SHA-256 of all of it."""
        self._attempt(lambda client, run: client.log_inputs(run, datasets=[_dataset(sentences, source, digest)]))

    def metric(self, step: int, name: str, value: float) -> None:
        """Add a point to a learning curve."""
        self._attempt(lambda client, run: client.log_metric(run, name, value, step=step))

    def metrics(self, values: Mapping[str, float]) -> None:
        """Record final metrics."""
        for name, value in values.items():
            self.metric(0, name, value)

    def figure(self, figure: Figure, name: str) -> None:
        """Keep a figure as ``figures/NAME.png``."""
        self._attempt(lambda client, run: client.log_figure(run, figure, f"figures/{name}.png"))

    def file(self, path: Path) -> None:
        """Keep a small file among the run's artefacts."""
        self._attempt(lambda client, run: client.log_artifact(run, str(path)))

    def end(self, status: str) -> None:
        """End the run as ``FINISHED``, ``FAILED`` or ``KILLED``."""
        self._attempt(lambda client, run: client.set_terminated(run, status))

    def _attempt(self, action: Callable[["MlflowClient", str], object]) -> None:
        if self._client is None or self.run_id is None:
            return
        try:
            action(self._client, self.run_id)
        except Exception as error:  # as in start
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._client = None
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        print(f"warning: MLflow can't track this run any further ({reason}); the training goes on", file=sys.stderr)


@contextmanager
def tracked(recipe: Recipe, material: Material, store: Path = STORE) -> Iterator[Tracking]:
    """Track what happens inside as one run of ``recipe``: finished, failed, or killed if it is interrupted."""
    tracking, digest = Tracking(), material.sha256
    tags = {
        "recipe": recipe.name,
        "kind": recipe.kind,
        "corpus_sha256": digest,
        "git_commit": git_commit(),
        "mlflow.source.git.commit": git_commit(),  # what the UI shows as the version
        "mlflow.source.name": "python -m training train",
    }
    tracking.start(f"{recipe.name} · corpus {digest[:4]} · seed {recipe.seed}", tags, recipe.to_dict(), store)
    status = "FAILED"
    try:
        tracking.data(material.sentences, material.path, digest)
        yield tracking
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        tracking.end(status)


def _dataset(sentences: Sequence[Sentence], source: Path, digest: str) -> "DatasetInput":
    """Describe the corpus to MLflow, whose own digest would read 10,000 rows only and whose digests hold 36 characters."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    schema = {"mlflow_colspec": [{"name": name, "type": "string", "required": True} for name in FIELDS]}
    splits = Counter(sentence.split for sentence in sentences)
    corpus = Dataset(
        name="corpus",
        digest=digest[:32],
        source_type="local",
        source=json.dumps({"uri": str(source)}),
        schema=json.dumps(schema),
        profile=json.dumps({"num_rows": len(sentences), **splits}),
    )
    return DatasetInput(corpus, [InputTag("mlflow.data.context", "training")])


def git_commit() -> str:
    """Give the commit that is checked out, with ``+`` behind it if files differ from it; ``unknown`` outside git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return done.stdout.strip()


def _log_param(client: "MlflowClient", run: str, setting: str, value: Any) -> None:
    client.log_param(run, setting, value)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat
