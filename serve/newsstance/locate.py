"""Find the exported model that is meant: a folder, a models folder, or its champion."""

import os
from pathlib import Path
from typing import Final

from newsstance.bundle import BUNDLE_FILE
from newsstance.errors import ModelNotFoundError
from newsstance.files import write_atomically

CHAMPION: Final = "champion"
"""The file in a models folder that holds the name of the model in use."""

MODELS_VARIABLE: Final = "NEWSSTANCE_MODELS"
"""The environment variable that names the models folder; without it, it is ``models`` in the working directory."""


def models_folder() -> Path:
    """Give the folder that holds exported models."""
    return Path(os.environ.get(MODELS_VARIABLE) or "models")


def locate_model(path: Path | None = None) -> Path:
    """Give the bundle's folder that ``path`` means.

    ``path`` is a bundle's folder, a models folder or its champion file, or the name of a model in ``models_folder()``; ``None``
    means the champion there. Raises ``ModelNotFoundError`` if there is no model there.
    """
    if path is not None and len(path.parts) == 1 and not path.exists() and (models_folder() / path / BUNDLE_FILE).is_file():
        return models_folder() / path
    place = models_folder() if path is None else path
    if (place / BUNDLE_FILE).is_file():
        return place
    pointer = place if place.name == CHAMPION else place / CHAMPION
    if pointer.is_file():
        named = pointer.parent / pointer.read_text(encoding="utf-8").strip()
        if (named / BUNDLE_FILE).is_file():
            return named
        raise ModelNotFoundError(f"{pointer} names {named.name!r}, which isn't there: run `make train`")
    if path is None:
        raise ModelNotFoundError(f"no trained model in {place}/: run `make train` first, or name a model with --model")
    raise ModelNotFoundError(
        f"{path}: no exported model here, nor one of this name in {models_folder()}/ (`make train RECIPE=NAME` trains one)"
    )


def name_champion(models: Path, name: str) -> None:
    """Make the model ``name`` the one in use in the folder ``models``."""
    write_atomically(models / CHAMPION, f"{name}\n".encode())
