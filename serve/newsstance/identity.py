"""Which model scored: an id that changes with anything that shapes its scores, and with nothing else."""

import hashlib
import json
from dataclasses import asdict
from typing import Final

from newsstance.bundle import Bundle

_TOLD: Final = {"corpus_sha256", "created", "metrics", "path", "recipe", "run_id", "versions"}
"""What a bundle tells of how it was made, which shapes no score."""


def bundle_sha256(bundle: Bundle) -> str:
    """Give the SHA-256, in hex, of what shapes the scores of ``bundle``: its files' hashes, labels and settings."""
    shaping = {name: value for name, value in asdict(bundle).items() if name not in _TOLD}
    return hashlib.sha256(json.dumps(shaping, sort_keys=True, default=str).encode()).hexdigest()


def model_id(bundle: Bundle) -> str:
    """Give the name of ``bundle`` and the first 12 digits of its hash, such as ``minilm-3f2a9c0d1b7e``."""
    return f"{bundle.name}-{bundle_sha256(bundle)[:12]}"
