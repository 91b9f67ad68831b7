"""Fine-tune the two-headed encoder."""

import random
from collections.abc import Callable, Sequence
from math import ceil
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from transformers import PreTrainedModel

from newsstance.labels import HEADS
from newsstance.tokens import TOKENIZER_FILE, Windows
from training.batches import epoch_batches
from training.checkpoint import Checkpoint, Progress
from training.class_weights import class_weights
from training.corpus import Sentence, label_indices
from training.losses import HeadLoss, divergence
from training.metrics import stance_f1
from training.narrow import narrow
from training.network_answers import first_windows, predict_labels
from training.optimizer import build_optimizer, set_learning_rates
from training.pretrained import encoder_folder, freeze_lower, load_network
from training.processor import autocast
from training.progress_bar import progress_bar
from training.recipe import EncoderSettings
from training.states import States
from training.targets import Targets
from training.two_heads import TwoHeads

Report = Callable[[int, str, float], None]
"""Called with a step, a metric's name and its value, as the learning curve grows."""

_LOSS_WINDOW: Final = 50

_SAMPLE: Final = 512
"""Training sentences that tell which neurons do most."""


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
        self.network: TwoHeads = load_network(settings)
        self.windows = Windows.read(encoder_folder(settings.encoder) / TOKENIZER_FILE, settings.max_length)
        self._rows = first_windows(self.windows, [sentence.text for sentence in train])
        self._fit_encoder()
        labels = {head: label_indices(train, head) for head in HEADS}
        learnt = targets or Targets({head: np.array(indices) for head, indices in labels.items()})
        self._states = learnt.states
        if self._states is not None:
            self.network.to_teacher = nn.Linear(self.network.width, self._states.width)
        self.network.to(self.device)
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
        with progress_bar("fine-tuning", len(batches), done=progress.step) as bar:
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
        self.network.to_teacher = None
        return self.network.eval()

    def _fit_encoder(self) -> None:
        encoder = self.network.encoder
        assert isinstance(encoder, PreTrainedModel)
        if self.settings.feed_forward is not None:
            sample = random.Random(self.seed).sample(self._rows, min(_SAMPLE, len(self._rows)))
            padded = (self.windows.pad([row]) for row in sample)
            batches = ((torch.from_numpy(ids), torch.from_numpy(mask)) for ids, mask in padded)
            narrow(encoder, self.settings.feed_forward, batches)
        freeze_lower(encoder, self.settings)

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
        tokens, attended = torch.from_numpy(ids).to(self.device), torch.from_numpy(mask).to(self.device)
        with autocast(self.device):
            states = self.network.states(tokens, attended)
            outputs = self.network.label(states, attended)
        logits = {head: output.float() for head, output in zip(HEADS, outputs, strict=True)}
        weights = None if self._weights is None else self._weights[rows]
        loss = torch.stack([self._losses[head](logits[head], self._targets[head][rows], weights) for head in HEADS]).sum()
        if self._states is not None:
            loss = loss + self._states_loss(self._states, states[attended.bool()], rows)
        if not self.settings.r_drop:
            return loss
        once = None if weights is None else weights[: len(rows) // 2]
        return loss + self.settings.r_drop * torch.stack([divergence(logits[head], once) for head in HEADS]).sum()

    def _states_loss(self, wanted: States, states: Tensor, rows: Sequence[int]) -> Tensor:
        assert self.network.to_teacher is not None
        with autocast(self.device):
            mapped = self.network.to_teacher(states)
        return wanted.weight * mse_loss(mapped.float(), torch.from_numpy(wanted.of(rows)).to(self.device))

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
