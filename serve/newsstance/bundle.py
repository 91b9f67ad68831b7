"""An exported model on disk: a folder of plain files and the ``bundle.json`` that describes and guards them.

``bundle.json`` holds the labels of each head in order, the SHA-256 and size of every other file, the hash of the corpus, the
MLflow run, the recipe, the metrics and the versions of what made it. Nothing in a bundle is executable: ONNX, safetensors
and JSON, each checked against its hash before it is opened.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from newsstance.errors import BundleError
from newsstance.files import file_sha256, write_atomically
from newsstance.labels import HEADS

BUNDLE_FILE: Final = "bundle.json"
_AGAIN: Final = "train it again with `make train`"
FORMAT: Final = 1
"""The version of this layout; a bundle of another format is refused."""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What one file of a bundle must be: its SHA-256 in hex and its size in bytes."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """The description of an exported model.

    ``kind`` tells which model class reads the files (``encoder`` or ``linear``), ``settings`` what that class needs to know,
    such as the encoder's window in tokens. ``metrics`` are those of the exported model, named ``split/metric``.
    """

    name: str
    kind: str
    labels: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Any]
    files: Mapping[str, FileRecord]
    corpus_sha256: str
    run_id: str | None
    recipe: Mapping[str, Any]
    metrics: Mapping[str, float]
    versions: Mapping[str, str]
    created: str
    format: int = FORMAT
    path: Path = field(default=Path(), compare=False)

    def require(self, *names: str) -> None:
        """Raise ``BundleError`` unless the bundle lists, and so guards, the files ``names``."""
        missing = [name for name in names if name not in self.files]
        if missing:
            raise BundleError(f"{self.path}: its {BUNDLE_FILE} doesn't list {', '.join(missing)}; {_AGAIN}")

    def write(self) -> None:
        """Write ``bundle.json`` into ``path``, where the files it lists already lie."""
        content = {name: value for name, value in asdict(self).items() if name != "path"}
        write_atomically(self.path / BUNDLE_FILE, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def record_files(folder: Path) -> dict[str, FileRecord]:
    """Give the record of every file in ``folder`` except ``bundle.json``."""
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name != BUNDLE_FILE)
    return {path.name: FileRecord(file_sha256(path), path.stat().st_size) for path in paths}


def read_bundle(folder: Path) -> Bundle:
    """Read and check the bundle in ``folder``.

    Raises ``BundleError`` if its description can't be read, its labels aren't newsstance's, or a file is missing or altered.
    """
    bundle = _parse(folder)
    if dict(bundle.labels) != HEADS:
        raise BundleError(f"{folder}: its labels aren't those of this newsstance; {_AGAIN}")
    for name, record in bundle.files.items():
        try:
            _check(folder / name, name, record)
        except OSError as error:
            raise BundleError(f"{folder / name}: can't be read ({error.strerror})") from error
    return bundle


def _check(path: Path, name: str, record: FileRecord) -> None:
    if Path(name).name != name or not path.is_file():
        raise BundleError(f"{path}: this file of the model is missing; {_AGAIN}")
    if path.stat().st_size != record.bytes or file_sha256(path) != record.sha256:
        raise BundleError(f"{path}: not the file that was exported (its hash differs); {_AGAIN}")


def _parse(folder: Path) -> Bundle:
    path = folder / BUNDLE_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.get("format") != FORMAT:
            raise BundleError(f"{path}: format {content.get('format')!r}; this newsstance reads format {FORMAT}")
        known = {name: content[name] for name in (item.name for item in fields(Bundle)) if name != "path"}
        known["labels"] = {head: tuple(labels) for head, labels in known["labels"].items()}
        known["files"] = {name: FileRecord(**record) for name, record in known["files"].items()}
    except OSError as error:
        raise BundleError(f"{path}: can't be read ({error.strerror}); {_AGAIN}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"{path}: not the description of a model; {_AGAIN}") from error
    return Bundle(**known, path=folder)
