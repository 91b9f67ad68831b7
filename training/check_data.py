"""The rules that the corpus must keep, and which rows break them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from newsstance.labels import HEADS
from training.annotations import Vote, with_votes
from training.corpus import SPLITS, Sentence, sentence_id
from training.near_duplicates import near_duplicates
from training.news import ORIGIN as NEWS
from training.news import TEST_NEWS

TOPICS: Final[tuple[str, ...]] = (
    "business", "climate", "crime", "culture", "disaster", "economy", "health",
    "politics", "science", "society", "sport", "world", "",
)  # fmt: skip
"""The topics of a sentence; empty where its writer gave none."""


def breaches(sentences: Sequence[Sentence], votes: Mapping[str, Sequence[Vote]] | None = None) -> list[str]:
    """Give one line for each breach of a rule, naming the rows; none for a sound corpus.

    Where there are ``votes``, by sentence id, every row must have the labels that they decide.
    """
    rules: tuple[Callable[[Sequence[Sentence]], list[str]], ...] = (
        _values, _texts, _duplicates, _splits, _leaks,
    )  # fmt: skip
    found = [line for rule in rules for line in rule(sentences)] + (_undecided(sentences, votes) if votes else [])
    return found or _missing_labels(sentences)


def _values(sentences: Sequence[Sentence]) -> list[str]:
    allowed = {**HEADS, "topic": TOPICS, "split": (*SPLITS, TEST_NEWS)}
    return [
        f"{sentence.id}: {name} is {value!r}, not one of {', '.join(filter(None, values))}"
        for sentence in sentences
        for name, values in allowed.items()
        if (value := getattr(sentence, name)) not in values
    ]


def _texts(sentences: Sequence[Sentence]) -> list[str]:
    lines = []
    for sentence in sentences:
        if sentence.id != sentence_id(sentence.text):
            lines.append(f"{sentence.id}: the id isn't the text's hash, which is {sentence_id(sentence.text)}")
        if not sentence.text.strip() or sentence.text != " ".join(sentence.text.split()):
            lines.append(f"{sentence.id}: the text is empty or has white space other than single spaces")
        lines += [f"{sentence.id}: {name} is empty" for name in ("origin", "block") if not getattr(sentence, name)]
    return lines


def _duplicates(sentences: Sequence[Sentence]) -> list[str]:
    ids_of = defaultdict(list)
    for sentence in sentences:
        if sentence.origin != NEWS:  # real news repeats itself, within a split
            ids_of[sentence.text.casefold()].append(sentence.id)
    return [f"{', '.join(ids)}: the same text {len(ids)} times" for ids in ids_of.values() if len(ids) > 1]


def _splits(sentences: Sequence[Sentence]) -> list[str]:
    splits_of: dict[str, Counter[str]] = defaultdict(Counter)
    for sentence in sentences:
        splits_of[sentence.block][sentence.split] += 1
    return [
        f"block {block}: lies in {len(counts)} splits ({', '.join(sorted(counts))}); a block belongs to one"
        for block, counts in splits_of.items()
        if len(counts) > 1
    ]


def _leaks(sentences: Sequence[Sentence]) -> list[str]:
    pairs = near_duplicates([sentence.text for sentence in sentences], groups=[sentence.split for sentence in sentences])
    found = ((sentences[pair.first], sentences[pair.second], pair.similarity) for pair in pairs)
    return [
        f"{first.id} ({first.split}) and {second.id} ({second.split}): near-duplicates, {similarity:.2f} alike"
        for first, second, similarity in found
    ]


def _undecided(sentences: Sequence[Sentence], votes: Mapping[str, Sequence[Vote]]) -> list[str]:
    lines = []
    for sentence in sentences:
        cast = votes.get(sentence.id)
        if cast is None:
            lines.append(f"{sentence.id}: there is no vote on this sentence")
        elif with_votes(sentence, cast) != sentence:
            lines.append(f"{sentence.id}: its labels, votes or agreement aren't what the {len(cast)} votes on it decide")
    return lines


def _missing_labels(sentences: Sequence[Sentence]) -> list[str]:
    """Name the labels that a split lacks, which can't be learned or measured there."""
    present = {(sentence.split, head, sentence.label(head)) for sentence in sentences for head in HEADS}
    return [
        f"split {split}: no sentence has the {head} {label}"
        for split in SPLITS
        for head, labels in HEADS.items()
        for label in labels
        if (split, head, label) not in present
    ]
