"""The network that the encoder recipes train: one shared encoder under a head for stance and a head for sentiment."""

from typing import Literal

import torch
from torch import Tensor, nn

from newsstance.labels import HEADS


class TwoHeads(nn.Module):
    """A transformer encoder whose pooled output feeds one linear head for each of ``newsstance.labels.HEADS``."""

    def __init__(self, encoder: nn.Module, width: int, pooling: Literal["mean", "cls"], dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({head: nn.Linear(width, len(labels)) for head, labels in HEADS.items()})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Give the logits of each head, (texts, labels), for token ids and a mask of shape (texts, tokens)."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = self.dropout(self._pool(hidden, attention_mask))
        return tuple(head(pooled) for head in self.heads.values())

    def _pool(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            return hidden[:, 0]
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return torch.sum(hidden * weights, dim=1) / weights.sum(dim=1)
