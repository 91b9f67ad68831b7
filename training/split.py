"""Which block of the corpus trains a model, which chooses it and which measures it."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.sparse.csgraph import connected_components

from training.corpus import SPLITS, Sentence
from training.near_duplicates import near_duplicates

SEED: Final = 20261126
TRAIN_ONLY: Final = ("wire-hard",)
"""Origins that only train: written for the kinds of sentence that models got wrong, so that a test of them would mislead."""

SHARES: Final[dict[str, float]] = {"train": 0.8, "validation": 0.1, "test": 0.1}


def assign_splits(sentences: Sequence[Sentence], seed: int = SEED) -> list[Sentence]:
    """Give ``sentences`` with ``split`` filled in: 80% train, 10% validation, 10% test, alike within each origin.

    A block goes to one split, since its neighbouring rows can be minimal pairs; blocks that hold near-duplicates of each other
    go together. Origins in ``TRAIN_ONLY`` train as a whole and leave the other splits as they are without them. The same
    sentences and seed always give the same splits.
    """
    by_origin: dict[str, list[list[Sentence]]] = defaultdict(list)
    for group in _groups([sentence for sentence in sentences if sentence.origin not in TRAIN_ONLY]):
        by_origin[group[0].origin].append(group)
    split_of: dict[str, str] = {}
    for origin in sorted(by_origin):
        groups = sorted(by_origin[origin], key=lambda group: group[0].block)
        random.Random(seed).shuffle(groups)
        split_of |= _deal(groups)
    return [replace(sentence, split=split_of.get(sentence.block, "train")) for sentence in sentences]


def _deal(groups: Sequence[Sequence[Sentence]]) -> dict[str, str]:
    """Give each group's blocks to the split that is furthest below its share so far."""
    total = sum(len(group) for group in groups)
    room = {split: SHARES[split] * total for split in SPLITS}
    split_of: dict[str, str] = {}
    for group in groups:
        split = max(room, key=lambda name: room[name] / SHARES[name])
        room[split] -= len(group)
        split_of |= {sentence.block: split for sentence in group}
    return split_of


def _groups(sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    """Gather the sentences whose blocks must stay together: one block, or several that near-duplicates connect."""
    names = sorted({sentence.block for sentence in sentences})
    place = {name: index for index, name in enumerate(names)}
    links = np.zeros((len(names), len(names)), dtype=bool)
    for pair in near_duplicates([sentence.text for sentence in sentences]):
        links[place[sentences[pair.first].block], place[sentences[pair.second].block]] = True
    count, group_of = connected_components(links, directed=False)
    groups: list[list[Sentence]] = [[] for _ in range(count)]
    for sentence in sentences:
        groups[group_of[place[sentence.block]]].append(sentence)
    return groups
