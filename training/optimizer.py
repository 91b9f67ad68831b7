"""AdamW with a learning rate for each layer of the encoder, and its rise and fall."""

import re
from collections import defaultdict
from typing import Final

import torch
from torch import nn

from training.recipe import EncoderSettings
from training.two_heads import TwoHeads

_LAYER: Final = re.compile(r"\blayers?\.(\d+)\.")


def build_optimizer(network: TwoHeads, settings: EncoderSettings) -> torch.optim.AdamW:
    """Build AdamW over ``network``: the top layer learns at the recipe's rate, each one below slower by ``layer_decay``.

    Biases and layer norms are not decayed. Layer-wise decay follows Howard and Ruder (2018), https://arxiv.org/abs/1801.06146.
    """
    layers = 1 + max((layer_of(name) for name, _ in network.encoder.named_parameters()), default=0)
    members: dict[tuple[float, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = settings.head_learning_rate
        if name.startswith("encoder."):
            rate = settings.learning_rate * settings.layer_decay ** (layers - 1 - layer_of(name))
        members[rate, settings.weight_decay if parameter.ndim > 1 else 0.0].append(parameter)
    groups = [
        {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay} for (rate, decay), parameters in members.items()
    ]
    return torch.optim.AdamW(groups, fused=True)


def set_learning_rates(optimizer: torch.optim.Optimizer, done: float, warmup: float) -> None:
    """Set each rate for the share ``done`` of all steps, in [0, 1): a rise in ``warmup`` of them, then a fall to 0."""
    share = done / warmup if done < warmup else (1 - done) / (1 - warmup)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share


def layer_of(name: str) -> int:
    """Give the layer of the encoder that the parameter ``name`` belongs to, −1 for what lies below them all."""
    found = _LAYER.search(name)
    return int(found.group(1)) if found else -1
