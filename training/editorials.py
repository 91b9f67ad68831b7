"""Newspaper editorials in the corpus, by stand-off labels.

The text is 5,190 sentences of opinion pieces of the New York Times that Hutto and Gilbert rated by sentiment (VADER, ICWSM
2014). The source archive of their package vaderSentiment carries it; the wheel doesn't, so that it is fetched, once.
"""

import hashlib
import html
import io
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from filelock import FileLock

from newsstance.files import write_atomically
from training.corpus import Sentence
from training.errors import CorpusError
from training.packages import Package, download
from training.standoff import fold, join, text_hash

EDITORIALS_PATH: Final = Path("data/editorials.tsv")
ORIGIN: Final = "editorial"
TEXT: Final = Path("models/texts/editorials.tsv")
"""Where the fetched text is kept; like the pretrained encoders, it lies among what git ignores."""

_ARCHIVE: Final = Package(
    "vaderSentiment==3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", source=True
)
_INNER: Final = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_FILE: Final = "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt"
_UPDATE: Final = "newsstance must be updated"
_SHA256: Final = "7d8fbcce7dde5d716da53e78f4ef4be6b706e9ef1e1d51887e6d0ad4b69cc27e"


def read_editorials(path: Path = EDITORIALS_PATH, text: Path = TEXT) -> list[Sentence]:
    """Read the labels at ``path`` and join them with the sentences, which lie in ``text``, fetched there if need be.

    Raises ``DownloadError`` if they can't be fetched, ``CorpusError`` if they aren't those that were labelled.
    """
    lines = fetch_editorials(text).read_text(encoding="utf-8").split("\n")
    sentences = [_plain(line.split("\t")[2]) for line in lines if line]
    published = f"{text}; delete that file, it is fetched anew"
    return join(path, {text_hash(sentence): sentence for sentence in sentences}, ORIGIN, published)


def fetch_editorials(text: Path = TEXT) -> Path:
    """Give ``text``, fetched the first time.

    Raises ``DownloadError`` if it can't be downloaded, ``CorpusError`` if it isn't what it must be.
    """
    text.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(text.with_name(f".{text.name}.lock")):
        if not text.is_file():
            print(f"fetching the text of the editorials, once, into {text}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=text.parent) as folder:
                write_atomically(text, _unpacked(download([_ARCHIVE], Path(folder))[0]))
    return text


def _unpacked(archive: Path) -> bytes:
    try:
        with tarfile.open(archive) as outer, tarfile.open(fileobj=io.BytesIO(_member(outer, _INNER))) as inner:
            data = _member(inner, _FILE)
    except (KeyError, tarfile.TarError) as error:
        raise CorpusError(f"{archive.name} doesn't hold what it must ({error}); {_UPDATE}") from error
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise CorpusError(
            f"{archive.name}: the editorials aren't the known ones (their hash differs); newsstance must be updated"
        )
    return data


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file.read()


def _plain(sentence: str) -> str:
    """Give a sentence as news is typed today: entities, escaped twice there, as characters, one mark for double quotes."""
    return fold(html.unescape(html.unescape(sentence)).replace("''", '"'))
