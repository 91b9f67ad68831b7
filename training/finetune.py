"""Fine-tune the two-headed encoder."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import ceil
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from newsstance.cores import usable_cores
from newsstance.labels import HEADS
from newsstance.models import Floats, likeliest
from newsstance.tokens import TOKENIZER_FILE, Window, Windows, batches_by_length
from training.batches import epoch_batches
from training.checkpoint import Checkpoint, Progress
from training.class_weights import class_weights
from training.corpus import Sentence, label_indices
from training.losses import HeadLoss, divergence
from training.metrics import Labels, stance_f1
from training.optimizer import build_optimizer, set_learning_rates
from training.pretrained import encoder_folder, load_network
from training.recipe import EncoderSettings
from training.targets import Targets
from training.two_heads import TwoHeads

Report = Callable[[int, str, float], None]
"""Called with a step, a metric's name and its value, as the learning curve grows."""

_EVALUATION_TOKENS: Final = 8192
_LOSS_WINDOW: Final = 50


class Finetuning:
    """One fine-tuning: the network, the data as token ids, and where it stands."""

    def __init__(
        self,
        settings: EncoderSettings,
        seed: int,
        train: Sequence[Sentence],
        validation: Sequence[Sentence],
        checkpoint: Checkpoint,
        report: Report,
        targets: Targets | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.settings, self.seed = settings, seed
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network: TwoHeads = load_network(settings).to(self.device)
        self.windows = Windows.read(encoder_folder(settings.encoder) / TOKENIZER_FILE, settings.max_length)
        self._rows = first_windows(self.windows, [sentence.text for sentence in train])
        labels = {head: label_indices(train, head) for head in HEADS}
        learnt = targets or Targets({head: np.array(indices) for head, indices in labels.items()})
        self._targets = {head: torch.tensor(learnt.labels[head], device=self.device) for head in HEADS}
        self._weights = None if learnt.weights is None else torch.tensor(learnt.weights, device=self.device)
        self._losses = {head: self._loss(head, labels[head]) for head in HEADS}
        self._validation = validation
        self._checkpoint, self._report = checkpoint, report
        self._optimizer = build_optimizer(self.network, settings)

    def run(self) -> TwoHeads:
        """Train to the end, or until validation stops improving, and give the network with its best weights.

        The state is saved at each evaluation: an interrupted training goes on from there.
        """
        progress = self._checkpoint.resume(self.network, self._optimizer)
        for step, name, value in progress.curve:
            self._report(step, name, value)
        batches = [batch for epoch in range(self.settings.epochs) for batch in self._epoch(epoch)]
        interval = ceil(len(batches) / (self.settings.epochs * self.settings.evaluations))
        with _progress_bar(len(batches), progress.step) as bar:
            losses: list[float] = []
            for batch in batches[progress.step :]:
                if progress.worse_since_best >= self.settings.patience:
                    break
                losses.append(self._step(batch, progress.step / len(batches)))
                progress.step += 1
                best = max(progress.best_score, 0)
                bar.set_postfix(loss=f"{np.mean(losses[-_LOSS_WINDOW:]):.3f}", best=f"{best:.3f}", refresh=False)
                bar.update()
                if progress.step % interval == 0 or progress.step == len(batches):
                    self._evaluate(progress, float(np.mean(losses)))
                    losses.clear()
        self._checkpoint.load_best(self.network)
        return self.network.eval()

    def _epoch(self, epoch: int) -> list[list[int]]:
        return epoch_batches([len(row.ids) for row in self._rows], self.settings.batch_tokens, self.seed, epoch)

    def _step(self, batch: Sequence[int], done: float) -> float:
        self.network.train()
        set_learning_rates(self._optimizer, done, self.settings.warmup)
        # With R-Drop every sentence is there twice, so that one pass gives both answers, each under dropout of its own.
        loss = self._batch_loss([*batch, *batch] if self.settings.r_drop else list(batch))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def _batch_loss(self, rows: list[int]) -> Tensor:
        ids, mask = self.windows.pad([self._rows[row] for row in rows])
        with autocast(self.device):
            outputs = self.network(torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device))
        logits = {head: output.float() for head, output in zip(HEADS, outputs, strict=True)}
        weights = None if self._weights is None else self._weights[rows]
        loss = torch.stack([self._losses[head](logits[head], self._targets[head][rows], weights) for head in HEADS]).sum()
        if not self.settings.r_drop:
            return loss
        once = None if weights is None else weights[: len(rows) // 2]
        return loss + self.settings.r_drop * torch.stack([divergence(logits[head], once) for head in HEADS]).sum()

    def _evaluate(self, progress: Progress, loss: float) -> None:
        with autocast(self.device):
            predicted = predict_labels(self.network, self.windows, [sentence.text for sentence in self._validation])
        score = stance_f1([sentence.stance for sentence in self._validation], predicted["stance"])
        is_best = score > progress.best_score
        progress.worse_since_best = 0 if is_best else progress.worse_since_best + 1
        if is_best:
            progress.best_score, progress.best_step = score, progress.step
        for name, value in (("curve/train_loss", loss), ("curve/validation_stance_f1", score)):
            progress.curve.append((progress.step, name, value))
            self._report(progress.step, name, value)
        self._checkpoint.save(self.network, self._optimizer, progress, is_best=is_best)

    def _loss(self, head: str, labels: Sequence[int]) -> HeadLoss:
        weights = torch.from_numpy(class_weights(labels, len(HEADS[head]), self.settings.balance)).to(self.device)
        return HeadLoss(weights, self.settings.label_smoothing)


def finetune(
    settings: EncoderSettings,
    seed: int,
    train: Sequence[Sentence],
    validation: Sequence[Sentence],
    checkpoint: Checkpoint,
    report: Report,
    targets: Targets | None = None,
) -> tuple[TwoHeads, Windows]:
    """Fine-tune as ``settings`` say; give the network with its best weights, and the windows it reads.

    With ``targets``, of the training sentences in their order, the network learns those instead of the sentences' labels.
    """
    finetuning = Finetuning(settings, seed, train, validation, checkpoint, report, targets)
    return finetuning.run().cpu(), finetuning.windows


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


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """Give bfloat16 autocast where the device computes in it, and nothing elsewhere, where it would only be slower."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.bfloat16, enabled=torch.cuda.is_bf16_supported())
    able = torch.cpu.get_capabilities()
    return torch.autocast("cpu", dtype=torch.bfloat16) if able.get("amx_bf16") or able.get("avx512_bf16") else nullcontext()


def use_all_cores() -> None:
    """Let torch compute on every core that this process may use."""
    torch.set_num_threads(usable_cores())


def _progress_bar(total: int, done: int) -> "tqdm[int]":
    return tqdm(total=total, initial=done, desc="fine-tuning", unit="batch", mininterval=1 if sys.stderr.isatty() else 30)
