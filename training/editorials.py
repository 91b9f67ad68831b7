"""Newspaper editorials in the corpus, by stand-off labels.

The text is 5,190 sentences of opinion pieces of the New York Times that Hutto and Gilbert rated by sentiment (VADER, ICWSM
2014). The source archive of their package vaderSentiment carries it; the wheel, which the benchmark uses, doesn't.
"""

import html
from pathlib import Path
from typing import Final

from training.corpus import Sentence
from training.packages import Package
from training.published import TEXTS, Published, fetch_text
from training.standoff import fold, join

EDITORIALS_PATH: Final = Path("data/editorials.tsv")
ORIGIN: Final = "editorial"
EDITORIALS: Final = Published(
    name="editorials.tsv",
    package=Package("vaderSentiment==3.3.2", "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9", source=True),
    inside=(
        "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
        "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt",
    ),
    sha256="7d8fbcce7dde5d716da53e78f4ef4be6b706e9ef1e1d51887e6d0ad4b69cc27e",
)


def read_editorials(path: Path = EDITORIALS_PATH, texts: Path = TEXTS) -> list[Sentence]:
    """Read the labels at ``path`` and join them with the sentences, which lie in ``texts``, fetched there if need be.

    Raises ``DownloadError`` if they can't be fetched, ``CorpusError`` if they aren't those that were labelled.
    """
    text = fetch_text(EDITORIALS, texts)
    lines = text.read_text(encoding="utf-8").split("\n")
    sentences = [_plain(line.split("\t")[2]) for line in lines if line]
    return join(path, sentences, ORIGIN, f"{text}; delete that file, it is fetched anew")


def _plain(sentence: str) -> str:
    """Give a sentence as news is typed today: entities, escaped twice there, as characters, one mark for double quotes."""
    return fold(html.unescape(html.unescape(sentence)).replace("''", '"'))
