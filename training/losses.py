"""The losses of fine-tuning."""

from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax


class HeadLoss:
    """The cross entropy of one head, with ``class_weights`` of shape (labels,) and label smoothing."""

    def __init__(self, class_weights: Tensor, label_smoothing: float) -> None:
        self._class_weights, self._smoothing = class_weights, label_smoothing

    def __call__(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Give the mean over sentences, or with ``weights``, of shape (sentences,), their weighted mean.

        ``targets`` are indices, of shape (sentences,), or probabilities, of shape (sentences, labels), like the logits. Equal
        weights, whatever they are, change nothing: of indices torch divides by the weights of their classes, and so does this.
        """
        if weights is None:
            return cross_entropy(logits, targets, self._class_weights, label_smoothing=self._smoothing)
        each = cross_entropy(logits, targets, self._class_weights, label_smoothing=self._smoothing, reduction="none")
        return (weights * each).sum() / (weights * self._class_weights[targets] if targets.dim() == 1 else weights).sum()


def divergence(logits: Tensor, weights: Tensor | None = None) -> Tensor:
    """Give the (weighted) mean symmetric Kullback–Leibler divergence of two passes over the same sentences, in nats.

    ``logits`` has shape (2 · sentences, labels), the second pass after the first. Half of the sum of both directions, as in
    R-Drop: Liang et al. 2021, https://arxiv.org/abs/2106.14448, equation 2.
    """
    first, second = log_softmax(logits, dim=1).chunk(2)
    each = ((first.exp() - second.exp()) * (first - second)).sum(dim=1) / 2
    return each.mean() if weights is None else (weights * each).sum() / weights.sum()
