"""The content of an input as one hash, so that a change is noticed before anything is scored."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tqdm import tqdm

from newsstance.files import file_sha256
from newsstance.records import Record
from newsstance.sources import STDIN, Source, told

_PATIENCE: Final = 2.0
"""Seconds after which the bar is shown."""


def fingerprint(sources: Iterable[Source | Record]) -> tuple[str, int]:
    """Give the SHA-256, in hex, of the names and contents of ``sources``, and their size in bytes.

    Of standard input, which can't be read twice, only that it is one is told.
    """
    digest, size = hashlib.sha256(), 0
    with tqdm(desc="checking the input", unit="B", unit_scale=True, file=sys.stderr, delay=_PATIENCE, leave=False) as bar:
        for source in sources:
            digest.update(repr(_told(source)).encode("utf-8", "surrogatepass"))
            if isinstance(source, Source):
                size += source.size()
                bar.update(size - bar.n)
    return digest.hexdigest(), size


def _told(source: Source | Record) -> tuple[str, ...]:
    if isinstance(source, Record):
        return (source.place, str(source.content))
    try:
        content = STDIN if source.place == STDIN else file_sha256(Path(source.place))
    except (OSError, ValueError) as error:
        content = told(error)
    return (source.place, source.form, content)
