"""A trained encoder goes on learning what it says already, so that its lower layers come to say it too.

That a network's own answers teach its lower layers is the self-distillation of Zhang et al. (2019), "Be Your Own Teacher",
https://arxiv.org/abs/1905.08094; there all heads learn from the start, here of an encoder that is trained already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from newsstance.models import Floats
from newsstance.tokens import Ids, Windows
from training.batches import epoch_batches
from training.checkpoint import Checkpoint
from training.exit_head import EXIT_DECAY, EXIT_RATE, ExitNetwork, distance
from training.network_answers import first_windows
from training.optimizer import set_learning_rates
from training.processor import autocast
from training.progress_bar import progress_bar
from training.recipe import EarlyExitSettings
from training.two_heads import TwoHeads, mean_of

_BATCH_TOKENS: Final = 2048
_WARMUP: Final = 0.05
_DECAY: Final = 0.01
_KEPT_EVERY: Final = 100
"""Batches after which it is kept how far it has come: about three minutes' work on two cores."""


class WithExit(nn.Module):
    """A trained network, and the head of an exit after the lowest ``layers`` of its encoder."""

    def __init__(self, network: TwoHeads, exit_network: ExitNetwork, layers: int) -> None:
        super().__init__()
        self.network, self.exit, self._layers = network, exit_network, layers

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Give the logits of each head, (texts, labels), at the exit and of the whole network."""
        states = self.network.layers(input_ids, attention_mask)
        early = self.exit(mean_of(states[self._layers].float(), attention_mask))
        return early, self.network.label(states[-1], attention_mask)


@dataclass(frozen=True)
class Taught:
    """What teaches an exit: texts, and what a model said of them: probabilities by head, of shape (texts, labels)."""

    texts: Sequence[str]
    said: Mapping[str, Floats]

    def of(self, rows: Sequence[int]) -> dict[str, Floats]:
        """Give what was said of the texts ``rows``."""
        return {head: of_head[rows] for head, of_head in self.said.items()}


def tune_exit(
    network: TwoHeads,
    exit_network: ExitNetwork,
    windows: Windows,
    taught: Taught,
    settings: EarlyExitSettings,
    seed: int,
    checkpoint: Checkpoint,
) -> None:
    """Have all of ``network`` but its embeddings, and ``exit_network`` on its lower layers, learn what is ``taught``, in place.

    Both answers count alike. Interrupted, it goes on from where ``checkpoint`` was last kept.
    """
    torch.manual_seed(seed)
    both = WithExit(network, exit_network, settings.layers).train()
    both.to("cuda" if torch.cuda.is_available() else "cpu")
    optimizer = _optimizer(both, settings.learning_rate)
    progress = checkpoint.resume(both, optimizer)
    rows = first_windows(windows, taught.texts)
    lengths = [len(row.ids) for row in rows]
    batches = [batch for epoch in range(settings.epochs) for batch in epoch_batches(lengths, _BATCH_TOKENS, seed, epoch)]
    with progress_bar("tuning", len(batches), done=progress.step) as bar:
        for batch in batches[progress.step :]:
            set_learning_rates(optimizer, progress.step / len(batches), _WARMUP)
            loss = _step(both, optimizer, windows.pad([rows[row] for row in batch]), taught.of(batch))
            progress.step += 1
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
            if progress.step % _KEPT_EVERY == 0 or progress.step == len(batches):
                checkpoint.save(both, optimizer, progress, is_best=False)
    both.cpu().eval()


def _step(
    both: WithExit, optimizer: torch.optim.Optimizer, read: tuple[Ids, Ids], said: Mapping[str, Floats]
) -> float:  # fmt: skip
    device = both.exit.center.device
    ids, mask = (torch.from_numpy(array).to(device) for array in read)
    wanted = {head: torch.from_numpy(of_head).to(device) for head, of_head in said.items()}
    with autocast(device):
        early, late = both(ids, mask)
    loss = distance(early, wanted) + distance(late, wanted)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(both.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


def _optimizer(both: WithExit, rate: float) -> torch.optim.AdamW:
    network, exit_network = both.network, both.exit
    network.requires_grad_(True)
    for name, parameter in network.encoder.named_parameters():
        parameter.requires_grad_("embeddings" not in name)
    learns = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": learns, "lr": rate, "peak": rate, "weight_decay": _DECAY},
            {"params": list(exit_network.parameters()), "lr": EXIT_RATE, "peak": EXIT_RATE, "weight_decay": EXIT_DECAY},
        ],
        fused=True,
    )
