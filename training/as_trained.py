"""Where an encoder lies as it was trained, in float32, beside the int8 one in use."""

from pathlib import Path
from typing import Final

from newsstance.bundle import Bundle, read_bundle
from newsstance.errors import BundleError

TRAINED: Final = "trained"
"""The folder in ``models/`` that keeps each encoder as it was trained."""


def as_trained(bundle: Bundle, models: Path) -> Path | None:
    """Give the folder in ``models`` of ``bundle`` as it was trained; ``None`` if there is none, or that of another training."""
    folder = models / TRAINED / bundle.name
    try:
        return folder if read_bundle(folder).run_id == bundle.run_id else None
    except BundleError:
        return None
