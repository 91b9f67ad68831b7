"""Real news in the corpus, by stand-off labels.

The text is the Lee background corpus, 300 news stories of 2000 and 2001, one a line, that the gensim package carries.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import sentencex

from training.corpus import Sentence
from training.errors import CorpusError
from training.standoff import fold, join

NEWS_PATH: Final = Path("data/news.tsv")
TEST_NEWS: Final = "test-news"
"""The split of the documents that are never trained on: the project's own test on real news."""

ORIGIN: Final = "lee"
_PLACE: Final = Path("test/test_data/lee_background.cor")


def read_news(path: Path = NEWS_PATH, text: Path | None = None) -> list[Sentence]:
    """Read the labels at ``path`` and join them with the stories, which lie in ``text`` or in the installed gensim.

    Raises ``CorpusError`` if the text isn't there, or isn't the one that was labelled.
    """
    stories = (text or _installed()).read_text(encoding="utf-8").split("\n")
    sentences = (fold(sentence) for story in stories for sentence in sentencex.segment("en", story))
    published = "the installed text; install the gensim and sentencex that constraints.txt names"
    return join(path, sentences, ORIGIN, published)


def _installed() -> Path:
    spec = find_spec("gensim")
    if spec is None or spec.origin is None:
        raise CorpusError("the package gensim, which carries the news stories, isn't installed: run `make train`")
    return Path(spec.origin).parent / _PLACE
