"""What a network in torch says of texts."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest
from newsstance.tokens import Window, Windows, batches_by_length
from training.metrics import Labels
from training.two_heads import TwoHeads

_EVALUATION_TOKENS: Final = 8192


def first_windows(windows: Windows, texts: Sequence[str]) -> list[Window]:
    """Give the first window of each text; a training sentence longer than that is rare, and its start tells its stance."""
    firsts: dict[int, Window] = {}
    for window in windows.cut(texts):
        firsts.setdefault(window.text, window)
    return list(firsts.values())


@torch.no_grad()
def network_logits(network: TwoHeads, windows: Windows, texts: Sequence[str]) -> dict[str, Floats]:
    """Give the network's logits in float32 by head, each of shape (texts, labels), from the first window of each text."""
    network.eval()
    device = next(network.parameters()).device
    rows = first_windows(windows, texts)
    logits = {head: np.empty((len(rows), len(labels)), np.float32) for head, labels in HEADS.items()}
    for batch in batches_by_length([len(row.ids) for row in rows], _EVALUATION_TOKENS):
        ids, mask = windows.pad([rows[index] for index in batch])
        outputs = network(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
        for head, output in zip(HEADS, outputs, strict=True):
            logits[head][batch] = output.float().cpu().numpy()
    return logits


def predict_labels(network: TwoHeads, windows: Windows, texts: Sequence[str]) -> Labels:
    """Give the likeliest label of each text by head."""
    logits = network_logits(network, windows, texts)
    return {head: likeliest(head, values) for head, values in logits.items()}
