"""The labels of newsstance, in the order in which every model's outputs stand.

What each label means is told by ``data/CODEBOOK.md``; nothing else in the project spells a list of labels.
"""

from typing import Final

NO_STANCE: Final = "none"
"""The label of a sentence that takes no posture."""

STANCES: Final[tuple[str, ...]] = ("optimistic", "cautious", "alarmed", NO_STANCE)
"""The four stances."""

POSTURES: Final[tuple[str, ...]] = tuple(stance for stance in STANCES if stance != NO_STANCE)
"""The stances that a stance-bearing sentence can take: all but ``none``."""

UNSURE: Final = "unsure"
"""What stands in a stance's place where the model is less sure than the user asks for; no sentence is labelled so."""

SENTIMENTS: Final[tuple[str, ...]] = ("negative", "neutral", "positive")
"""The three sentiments, from bad to good."""

HEADS: Final[dict[str, tuple[str, ...]]] = {"stance": STANCES, "sentiment": SENTIMENTS}
"""What a model answers about a sentence: the name of each head and its labels in order."""
