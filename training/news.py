"""Real news in the corpus by stand-off labels: ours are the labels, the text stays where it is published.

The text is the Lee background corpus, 300 news stories of 2000 and 2001, one a line, that the gensim package carries. Our
labels name a sentence by its document, its place there and a hash of its text, and are joined with it here.
"""

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import sentencex

from training.corpus import Sentence, sentence_id
from training.errors import CorpusError

NEWS_PATH: Final = Path("data/news.tsv")
TEST_NEWS: Final = "test-news"
"""The split of the documents that are never trained on: the project's own test on real news."""

ORIGIN: Final = "lee"
_PLACE: Final = Path("test/test_data/lee_background.cor")


def read_news(path: Path = NEWS_PATH, text: Path | None = None) -> list[Sentence]:
    """Read the labels at ``path`` and join them with the stories, which lie in ``text`` or in the installed gensim.

    A sentence's block is its document, so that a document lies in one split. Raises ``CorpusError`` if the text isn't there,
    or isn't the one that was labelled.
    """
    stories = (text or _installed()).read_text(encoding="utf-8").split("\n")
    sentences: dict[int, dict[str, str]] = {}
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            document = int(row["document"])
            if document not in sentences:
                story = stories[document] if document < len(stories) else ""
                sentences[document] = {news_hash(sentence): _fold(sentence) for sentence in sentencex.segment("en", story)}
            if row["hash"] not in sentences[document]:
                raise CorpusError(
                    f"{path}: {row['hash']}, sentence {row['position']} of document {document}, isn't in the installed text; "
                    "install the gensim and sentencex that constraints.txt names"
                )
            rows.append(_sentence(row, sentences[document][row["hash"]]))
    return rows


def news_hash(sentence: str) -> str:
    """Give the hash by which a label names a sentence: the id of its text, white space folded."""
    return sentence_id(_fold(sentence))


def _sentence(row: dict[str, str], text: str) -> Sentence:
    return Sentence(
        id=row["hash"],
        text=text,
        stance=row["stance"],
        sentiment=row["sentiment"],
        topic="",
        origin=ORIGIN,
        block=f"{ORIGIN}-{row['document']}",
        split=row["split"],
        votes=int(row["votes"]),
        agreement=float(row["agreement"]),
    )


def _installed() -> Path:
    spec = find_spec("gensim")
    if spec is None or spec.origin is None:
        raise CorpusError("the package gensim, which carries the news stories, isn't installed: run `make train`")
    return Path(spec.origin).parent / _PLACE


def _fold(sentence: str) -> str:
    return " ".join(sentence.split())
