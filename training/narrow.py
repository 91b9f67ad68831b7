"""An encoder made narrower before it learns: of each layer's neurons those that do most."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import Linear, Parameter
from transformers import PreTrainedModel

from training.errors import EncoderError

Batches = Iterable[tuple[Tensor, Tensor]]
"""Token ids and masks, each of shape (texts, tokens)."""


@torch.no_grad()
def narrow(encoder: PreTrainedModel, neurons: int, batches: Batches) -> None:
    """Leave each layer of ``encoder`` only so many of its feed-forward ``neurons``: those that move its states most.

    A neuron moves them by the size of its value, over all tokens of ``batches``, times the length of its weights behind it:
    what Sun et al. 2023, https://arxiv.org/abs/2306.11695, take of single weights. Raises ``EncoderError`` if there are fewer
    neurons, or they aren't found.
    """
    there = int(getattr(encoder.config, "intermediate_size", 0))
    if neurons > there:
        raise EncoderError(f"feed_forward is {neurons}, and the encoder's layers have {there} neurons")
    pairs = [_around_neurons(layer, there) for layer in _layers(encoder)]
    sizes = _sizes(encoder, [behind for _, behind in pairs], batches)
    for (before, behind), size in zip(pairs, sizes, strict=True):
        kept = (size * behind.weight.norm(dim=0)).topk(neurons).indices.sort().values
        before.weight, before.bias = Parameter(before.weight[kept]), Parameter(before.bias[kept])
        behind.weight = Parameter(behind.weight[:, kept].contiguous())
        before.out_features = behind.in_features = neurons
    encoder.config.intermediate_size = neurons


def _layers(encoder: PreTrainedModel) -> nn.ModuleList:
    """Give the encoder's stack of layers: the first list of modules in it."""
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList):
            return module
    raise EncoderError("feed_forward: this encoder's layers aren't found")


def _around_neurons(layer: nn.Module, neurons: int) -> tuple[Linear, Linear]:
    """Give the products before and behind the ``neurons`` of ``layer``."""
    linears = [module for module in layer.modules() if isinstance(module, Linear)]
    before = [linear for linear in linears if linear.out_features == neurons]
    behind = [linear for linear in linears if linear.in_features == neurons]
    if len(before) != 1 or len(behind) != 1:
        raise EncoderError(f"feed_forward: the {neurons} neurons of this encoder's layers aren't found")
    return before[0], behind[0]


def _sizes(encoder: nn.Module, behind: Sequence[Linear], batches: Batches) -> list[Tensor]:
    """Give the sums of the sizes of what each of ``behind`` takes, by neuron, over the tokens that the masks attend to."""
    sums = [torch.zeros(linear.in_features) for linear in behind]
    attended = torch.ones(0, dtype=torch.bool)

    def add(place: int, values: Tensor) -> None:
        sums[place] += values[attended].abs().sum(dim=0)

    def watch(place: int, linear: Linear) -> torch.utils.hooks.RemovableHandle:
        return linear.register_forward_pre_hook(lambda _, taken: add(place, taken[0]))

    watched = [watch(place, linear) for place, linear in enumerate(behind)]
    for ids, mask in batches:
        attended = mask.bool()
        encoder(input_ids=ids, attention_mask=mask)
    for handle in watched:
        handle.remove()
    return sums
