"""Which exported model is in use, and the copy of it that no later training overwrites."""

import hashlib
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Final

from newsstance.bundle import BUNDLE_FILE, Bundle, read_bundle
from newsstance.cascade import CASCADE
from newsstance.early_exit import EARLY_EXIT
from newsstance.errors import BundleError, ModelNotFoundError
from newsstance.locate import CHAMPION, locate_model, name_champion
from training.recipe import CROSS_FIT

CHAMPIONS: Final = "champions"
"""The folder in ``models/`` that keeps each model that became champion, as it was then."""


def current_champion(models: Path) -> Bundle | None:
    """Give the model in use in ``models``; ``None`` if there is none, or it can't be read."""
    try:
        return read_bundle(locate_model(models / CHAMPION))
    except (BundleError, ModelNotFoundError):
        return None


def crown(models: Path, bundle: Bundle) -> None:
    """Make a copy of ``bundle``, with what lies beside it, the model in use."""
    name = f"{bundle.name}-{fingerprint(bundle)[:8]}"
    target = models / CHAMPIONS / name
    if not _is_sound(target):
        copy_whole(bundle.path, target)
    name_champion(models, f"{CHAMPIONS}/{name}")


def challenges(bundle: Bundle) -> bool:
    """Tell whether ``bundle`` may become champion: a model that another taught, or is part of, only serves beside it.

    The lessons beside the corpus are as good as labels: what learnt from them alone may.
    """
    teacher = bundle.settings.get("teacher", {})
    return bundle.kind not in (CASCADE, EARLY_EXIT) and teacher.get("name", CROSS_FIT) == CROSS_FIT and "states" not in teacher


def keep_champion(models: Path) -> None:
    """Set the model in use apart, if it still lies where the next training of its recipe will put another."""
    champion = current_champion(models)
    if champion is not None and champion.path.parent != models / CHAMPIONS:
        crown(models, champion)


def fingerprint(bundle: Bundle) -> str:
    """Give a hash of what decides a model's answers: its files and settings, whichever run it came from."""
    decisive = {"kind": bundle.kind, "settings": dict(bundle.settings)}
    files = {name: asdict(record) for name, record in bundle.files.items()}
    return hashlib.sha256(json.dumps([decisive, files], sort_keys=True).encode()).hexdigest()


def copy_whole(source: Path, target: Path) -> None:
    """Copy a model's folder so that it is at ``target`` whole or not at all."""
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, beside)
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)


def _is_sound(folder: Path) -> bool:
    if not (folder / BUNDLE_FILE).is_file():
        return False
    try:
        read_bundle(folder)
    except BundleError:
        return False
    return True
