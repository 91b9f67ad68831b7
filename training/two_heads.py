"""The network that the encoder recipes train: one shared encoder under a head for stance and a head for sentiment."""

from typing import Literal

import torch
from torch import Tensor, nn

from newsstance.labels import HEADS


class TwoHeads(nn.Module):
    """A transformer encoder whose pooled output feeds one linear head for each of ``newsstance.labels.HEADS``.

    ``width`` is that of the encoder's states. While a teacher's states teach, ``to_teacher`` maps the encoder's to them.
    """

    def __init__(self, encoder: nn.Module, width: int, pooling: Literal["mean", "cls"], dropout: float) -> None:
        super().__init__()
        self.encoder, self.width = encoder, width
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({head: nn.Linear(width, len(labels)) for head, labels in HEADS.items()})
        self.to_teacher: nn.Linear | None = None

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Give the logits of each head, (texts, labels), for token ids and a mask of shape (texts, tokens)."""
        return self.label(self.states(input_ids, attention_mask), attention_mask)

    def states(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Give the encoder's last states, (texts, tokens, ``width``)."""
        states: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states

    def layers(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Give what lies below the encoder's layers and the states that each gives, the last ones last, shaped like these."""
        read = self.encoder(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        return tuple(read.hidden_states)

    def label(self, states: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Give the logits of each head, (texts, labels), for the encoder's last states."""
        pooled = self.dropout(self._pool(states, attention_mask))
        return tuple(head(pooled) for head in self.heads.values())

    def _pool(self, hidden: Tensor, attention_mask: Tensor) -> Tensor:
        if self.pooling == "cls":
            return hidden[:, 0]
        return mean_of(hidden, attention_mask)


def mean_of(states: Tensor, attention_mask: Tensor) -> Tensor:
    """Give the means of ``states``, (texts, tokens, width), over each text's tokens: of shape (texts, width)."""
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return torch.sum(states * weights, dim=1) / weights.sum(dim=1)
