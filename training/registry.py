"""The MLflow registry: each exported model is a version of ``newsstance``; the alias ``champion`` tells which is in use."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from newsstance.bundle import Bundle, read_bundle
from newsstance.locate import CHAMPION
from training.champion import crown, current_champion, fingerprint
from training.logged_model import log_model
from training.promotion import Decision
from training.tracking import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

REGISTERED: Final = "newsstance"
"""The name of the registered model."""

_FINGERPRINT: Final = "bundle"
_ABOUT: Final = (
    "Stance and sentiment of news sentences. The alias `champion` is the model in use; it moves when a newly trained one is "
    "better on validation by a paired test and not worse calibrated. To move it by hand, give the alias to another version "
    "and run `python -m training champion`."
)


def register(run: Tracking, bundle: Bundle) -> str | None:
    """Log ``bundle`` with ``run`` and make it a version; give the version, ``None`` where tracking has failed."""
    return run.attempt(lambda client, identity: _register(client, identity, bundle))


def record_decision(run: Tracking, decision: Decision, version: str | None) -> None:
    """Record why the model of ``run`` became champion or didn't, and move the alias if it did."""
    run.metrics(decision.figures)
    run.tag("promotion", decision.reason)
    run.tag("promoted", str(decision.promoted).lower())
    if version is None:
        return
    run.attempt(lambda client, _: client.update_model_version(REGISTERED, version, decision.reason))
    if decision.promoted:
        run.attempt(lambda client, _: client.set_registered_model_alias(REGISTERED, CHAMPION, version))


def champion_version(client: "MlflowClient") -> "ModelVersion | None":
    """Give the version that the alias ``champion`` names; ``None`` if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(REGISTERED, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def follow_registry(client: "MlflowClient", models: Path) -> None:
    """Make the registry's champion the one in use in ``models``, where someone has moved the alias.

    A model in use that the registry doesn't know stays: it was chosen while the registry couldn't be reached.
    """
    version = champion_version(client)
    if version is None:
        return
    with FileLock(models / ".champion.lock"):
        local = current_champion(models)
        if local is not None and (fingerprint(local) == version.tags.get(_FINGERPRINT) or not _is_known(client, local)):
            return
        with TemporaryDirectory() as folder:
            bundle = read_bundle(_download(client, version, Path(folder)))
            crown(models, bundle)
    print(f"champion: {bundle.name}, version {version.version} in the registry, as its alias says", file=sys.stderr)


def _register(client: "MlflowClient", run: str, bundle: Bundle) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(REGISTERED, description=_ABOUT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    model = log_model(client, run, bundle)
    tags = {"recipe": bundle.name, "corpus_sha256": bundle.corpus_sha256, _FINGERPRINT: fingerprint(bundle)}
    source = client.get_logged_model(model).artifact_location
    return str(client.create_model_version(REGISTERED, source, run, tags=tags, model_id=model).version)


def _is_known(client: "MlflowClient", bundle: Bundle) -> bool:
    versions = client.search_model_versions(f"name = '{REGISTERED}'", max_results=10_000)
    return any(version.tags.get(_FINGERPRINT) == fingerprint(bundle) for version in versions)


def _download(client: "MlflowClient", version: "ModelVersion", folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts

    place = download_artifacts(artifact_uri=version.source, dst_path=str(folder), tracking_uri=client.tracking_uri)
    return Path(place) / "artifacts" / "bundle"
