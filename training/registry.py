"""The MLflow registry: each exported model is a version of ``newsstance``; the alias ``champion`` tells which is in use."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from filelock import FileLock

from newsstance.bundle import Bundle, read_bundle
from newsstance.errors import BundleError, first_line
from newsstance.files import write_atomically
from newsstance.locate import CHAMPION
from training.champion import crown, current_champion, fingerprint
from training.errors import StoreError
from training.logged_model import log_model
from training.promotion import Decision
from training.tracking import Tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

REGISTERED: Final = "newsstance"
"""The name of the registered model."""

_FINGERPRINT: Final = "bundle"
_FOLLOWED: Final = ".champion.alias"
"""The file in ``models/`` that tells which version had the alias when it was last set or followed from here."""

PROMOTED: Final = "promoted"
"""The tag of a run and of its version that tells whether the training decided for it: ``true`` or ``false``."""

_ABOUT: Final = (
    "Stance and sentiment of news sentences. The alias `champion` is the model in use; it moves when a newly trained one is "
    "better on validation by a paired test and not worse calibrated. To move it by hand, give the alias to another version "
    "and run `python -m training champion`."
)


def register(run: Tracking, bundle: Bundle) -> str | None:
    """Log ``bundle`` with ``run`` and make it a version; give the version, ``None`` where tracking has failed."""
    return run.attempt(lambda client, identity: str(_register(client, run.experiment, identity, bundle).version))


def record_decision(run: Tracking, decision: Decision, version: str | None, models: Path) -> None:
    """Record why the model of ``run`` became champion or didn't, and move the alias if it did."""
    run.metrics(decision.figures)
    run.tag("promotion", decision.reason)
    promoted = str(decision.promoted).lower()
    run.tag(PROMOTED, promoted)
    if version is None:
        return
    run.attempt(lambda client, _: client.update_model_version(REGISTERED, version, decision.reason))
    run.attempt(lambda client, _: client.set_model_version_tag(REGISTERED, version, PROMOTED, promoted))
    if decision.promoted:
        run.attempt(lambda client, _: _name_champion(client, client.get_model_version(REGISTERED, version), models))


def champion_version(client: "MlflowClient") -> "ModelVersion | None":
    """Give the version that the alias ``champion`` names; ``None`` if there is none."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(REGISTERED, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def follow_registry(client: "MlflowClient", models: Path, experiment: str) -> None:
    """See that the champion in ``models`` and the registry's are one.

    Where someone has moved the alias, the models follow; a model in use that the registry doesn't know stays, since it was
    chosen while the registry couldn't be reached. Where the alias is as it was last set or followed from here, or gone with its
    store, the model in use was chosen since: the alias moves to it, which is logged in ``experiment`` if the registry doesn't
    know it. Raises ``StoreError`` if a champion of the registry that is to be followed can't be read.
    """
    with FileLock(models / ".champion.lock"):
        version, local = champion_version(client), current_champion(models)
        if local is None:
            if version is not None:
                _take_over(client, version, models)
        elif version is not None and _is_of(version, local):
            _remember(models, version)
        elif version is None or version.source == _followed(models):
            _catch_up(client, experiment, local, models)
        elif _versions_of(client, local):
            _take_over(client, version, models)


def _take_over(client: "MlflowClient", version: "ModelVersion", models: Path) -> None:
    """Make ``version`` the champion of ``models``."""
    from mlflow.exceptions import MlflowException

    name = f"version {version.version} in the registry"
    with TemporaryDirectory() as folder:
        try:
            bundle = read_bundle(_download(client, version, Path(folder)))
        except (BundleError, MlflowException, OSError) as error:
            raise StoreError(
                f"{name}, which has the alias {CHAMPION}, can't be read and isn't followed ({first_line(error)})"
            ) from error
        crown(models, bundle)
    _remember(models, version)
    print(f"champion: {bundle.name}, {name}, as its alias says", file=sys.stderr)


def _catch_up(client: "MlflowClient", experiment: str, local: Bundle, models: Path) -> None:
    """Give the alias to a version of ``local``, made now if there is none, below the run that trained it if that is there."""
    found = _versions_of(client, local)
    version = found[0] if found else _register(client, experiment, _run_of(client, local), local)
    if not version.description:
        why = "became champion in a training that could not be recorded whole" if found else "was champion before this registry"
        client.update_model_version(REGISTERED, version.version, f"{local.name} {why}")
    _set_alias(client, version, models)
    print(f"champion: {local.name}, which is in use, is now the registry's too (version {version.version})", file=sys.stderr)


def _name_champion(client: "MlflowClient", version: "ModelVersion", models: Path) -> None:
    """Give the alias to ``version``, unless another training has put another champion in use meanwhile."""
    with FileLock(models / ".champion.lock"):
        local = current_champion(models)
        if local is not None and _is_of(version, local):
            _set_alias(client, version, models)


def _set_alias(client: "MlflowClient", version: "ModelVersion", models: Path) -> None:
    client.set_registered_model_alias(REGISTERED, CHAMPION, version.version)
    _remember(models, version)


def _remember(models: Path, version: "ModelVersion") -> None:
    """Note which version has the alias: by its source, since a new store counts its versions from 1 again."""
    if _followed(models) != version.source:
        write_atomically(models / _FOLLOWED, f"{version.source}\n".encode())


def _followed(models: Path) -> str | None:
    path = models / _FOLLOWED
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None


def _register(client: "MlflowClient", experiment: str, run: str | None, bundle: Bundle) -> "ModelVersion":
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(REGISTERED, description=_ABOUT)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    model = log_model(client, experiment, run, bundle)
    tags = {"recipe": bundle.name, "corpus_sha256": bundle.corpus_sha256, _FINGERPRINT: fingerprint(bundle)}
    source = client.get_logged_model(model).artifact_location
    # Without a run, MLflow 3.17 looks the model up for one, in the store of its global state, which isn't ours.
    return client.create_model_version(REGISTERED, source, run, tags=tags, model_id=model if run else None)


def _versions_of(client: "MlflowClient", bundle: Bundle) -> Sequence["ModelVersion"]:
    """Give the versions of ``bundle``, the one of its own run before those of others that came out the same."""
    versions = client.search_model_versions(f"name = '{REGISTERED}'", max_results=10_000)
    return sorted((one for one in versions if _is_of(one, bundle)), key=lambda one: one.run_id != bundle.run_id)


def _is_of(version: "ModelVersion", bundle: Bundle) -> bool:
    return version.tags.get(_FINGERPRINT) == fingerprint(bundle)


def _run_of(client: "MlflowClient", bundle: Bundle) -> str | None:
    """Give the id of the run that trained ``bundle``, if the store still has it."""
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(bundle.run_id or "")
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return bundle.run_id if run.info.lifecycle_stage == "active" else None


def _download(client: "MlflowClient", version: "ModelVersion", folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts

    place = download_artifacts(artifact_uri=version.source, dst_path=str(folder), tracking_uri=client.tracking_uri)
    return Path(place) / "artifacts" / "bundle"
