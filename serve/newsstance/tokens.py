"""Sentences as the encoder reads them: windows of token ids, so that a long one is read in parts and never cut."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]

TOKENIZER_FILE: Final = "tokenizer.json"


class Window(NamedTuple):
    """A stretch of one text: the text's position in the list, and its token ids with the special ones around them."""

    text: int
    ids: list[int]


class Windows:
    """Cuts texts into windows of at most ``max_length`` tokens, the special ones included."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        tokenizer.enable_truncation(max_length)
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        known = (tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>"))
        self.padding_id: int = next((number for number in known if number is not None), 0)

    @classmethod
    def read(cls, path: Path, max_length: int) -> "Windows":
        """Read the tokenizer at ``path``, a ``tokenizer.json``."""
        return cls(Tokenizer.from_str(path.read_text(encoding="utf-8")), max_length)

    def cut(self, texts: Sequence[str]) -> list[Window]:
        """Give the windows of every text, in order; each text has at least one."""
        windows = []
        for index, encoding in enumerate(self._tokenizer.encode_batch_fast(list(texts))):
            windows += [Window(index, part.ids) for part in (encoding, *encoding.overflowing)]
        return windows

    def pad(self, windows: Sequence[Window]) -> tuple[Ids, Ids]:
        """Give the token ids and the attention mask of ``windows``, each of shape (windows, longest window)."""
        longest = max(len(window.ids) for window in windows)
        ids = np.full((len(windows), longest), self.padding_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, window in enumerate(windows):
            ids[row, : len(window.ids)] = window.ids
            mask[row, : len(window.ids)] = 1
        return ids, mask


def batches_by_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Give positions in batches of like length, longest first, each of at most ``tokens`` tokens once padded.

    A length above ``tokens`` makes a batch of its own.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if batch and (len(batch) + 1) * lengths[batch[0]] > tokens:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
