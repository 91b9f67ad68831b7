"""What is learnt of each sentence: shares of votes, weights by origin, and the losses that take them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from newsstance.labels import HEADS
from tests.made import made_sentences, tiny_encoder_recipe
from training import encoder_road
from training.annotations import ANNOTATORS, Vote
from training.checkpoint import Checkpoint
from training.corpus import of_split
from training.finetune import finetune
from training.linear import FittedLinear
from training.losses import HeadLoss, divergence
from training.material import read_material
from training.recipe import DataSettings, EncoderSettings, LinearSettings
from training.split import assign_splits
from training.targets import Targets, sentence_weights, targets
from training.train import train
from training.two_heads import TwoHeads

ROWS = assign_splits(made_sentences())
TRAIN, VALIDATION = of_split(ROWS, "train"), of_split(ROWS, "validation")
CLASS_WEIGHTS = torch.tensor([0.5, 1.0, 2.0])
LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.0, 0.0, 1.5]])
LABELS = torch.tensor([0, 2, 1])
SHARES = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])


def cast(identity: str, *stances: str) -> list[Vote]:
    return [Vote(identity, place, stance, "neutral") for place, stance in zip(ANNOTATORS, stances, strict=False)]


def tuned(encoder: Path, folder: Path, learnt: Targets | None, **changes: object) -> TwoHeads:
    settings = tiny_encoder_recipe(encoder, **{"epochs": 2, **changes}).encoder
    assert settings is not None
    return finetune(settings, 1, TRAIN, VALIDATION, Checkpoint(folder, {}), lambda *_: None, learnt)[0]


def test_sentences_of_several_votes_are_learnt_by_their_shares_and_the_others_by_their_labels() -> None:
    optimistic, cautious = (next(row for row in ROWS if row.stance == stance) for stance in ("optimistic", "cautious"))
    votes = {
        optimistic.id: cast(optimistic.id, "optimistic", "alarmed", "optimistic"),
        cautious.id: cast(cautious.id, "alarmed"),  # the corpus decides where there is one vote
    }
    learnt = targets([optimistic, cautious], votes, DataSettings(votes="shares")).labels
    assert learnt["stance"].tolist() == [pytest.approx([2 / 3, 0, 1 / 3, 0]), [0, 1, 0, 0]]
    assert learnt["sentiment"].tolist() == [[0, 1, 0], [0, 1, 0]]
    for other in (DataSettings(), DataSettings(votes="first")):
        assert targets([optimistic, cautious], votes, other).labels["stance"].tolist() == [0, 1]


def test_sentences_weigh_what_their_origin_does() -> None:
    rows = [replace(TRAIN[0], origin=origin) for origin in ("lee", "grid", "lee")]
    found = targets(rows, {}, DataSettings(weights={"lee": 2.5})).weights
    assert found is not None
    assert found.tolist() == [2.5, 1.0, 2.5]
    assert targets(rows, {}, DataSettings()).weights is None


@pytest.mark.parametrize("learnt", [LABELS, SHARES], ids=["labels", "shares"])
def test_equal_weights_change_no_loss_and_a_weight_of_two_counts_as_twice_the_sentence(learnt: torch.Tensor) -> None:
    loss = HeadLoss(CLASS_WEIGHTS, 0.1)
    plain = cross_entropy(LOGITS, learnt, CLASS_WEIGHTS, label_smoothing=0.1)
    assert torch.equal(loss(LOGITS, learnt), plain)
    torch.testing.assert_close(loss(LOGITS, learnt, torch.full((3,), 4.0)), plain)
    twice = [0, 1, 1, 2]
    torch.testing.assert_close(loss(LOGITS, learnt, torch.tensor([1.0, 2.0, 1.0])), loss(LOGITS[twice], learnt[twice]))


def test_the_divergence_is_half_of_both_directions_and_none_between_equals() -> None:
    other = torch.tensor([[0.3, 0.1, 0.0], [1.0, -1.0, 0.5], [0.0, 0.0, 2.0]])
    first, second = log_softmax(LOGITS, 1), log_softmax(other, 1)
    each = [(kl_div(a, b, reduction="none", log_target=True)).sum(1) for a, b in ((first, second), (second, first))]
    both = torch.cat([LOGITS, other])
    torch.testing.assert_close(divergence(both), ((each[0] + each[1]) / 2).mean())
    weights = torch.tensor([1.0, 0.0, 3.0])
    torch.testing.assert_close(divergence(both, weights), ((each[0] + each[1]) / 2 * weights).sum() / 4)
    assert divergence(torch.cat([LOGITS, LOGITS])) == 0


def test_the_linear_model_learns_rather_what_weighs_more() -> None:
    rows = [
        replace(row, origin="wrong", stance="alarmed") if place % 8 < 4 else row for place, row in enumerate(TRAIN)
    ]  # half of the sentences of each label

    def alarmed(**weights: float) -> float:
        fitted = FittedLinear(LinearSettings(balance=0.0), 1).fit(rows, sentence_weights(rows, DataSettings(weights=weights)))
        probabilities = fitted.probabilities([row.text for row in VALIDATION])["stance"]
        return float(probabilities[:, HEADS["stance"].index("alarmed")].mean())

    assert alarmed(wrong=5.0) > alarmed() > alarmed(made=5.0)
    assert alarmed(wrong=3.0, made=3.0) == pytest.approx(alarmed(), rel=1e-3)


def test_equal_weights_train_the_same_encoder(encoder: Path, tmp_path: Path) -> None:
    plain = tuned(encoder, tmp_path / "plain", None, balance=0.5).state_dict()
    weighed = targets(TRAIN, {}, DataSettings(weights={"made": 3.0}))
    for name, tensor in tuned(encoder, tmp_path / "weighed", weighed, balance=0.5).state_dict().items():
        torch.testing.assert_close(tensor, plain[name], atol=1e-3, rtol=1e-3)


def test_r_drop_brings_two_passes_under_dropout_together(encoder: Path, tmp_path: Path) -> None:
    def between_passes(r_drop: float) -> float:
        network = tuned(encoder, tmp_path / str(r_drop), None, dropout=0.3, r_drop=r_drop).train()
        torch.manual_seed(0)
        ids = torch.randint(5, 17, (64, 6))
        with torch.no_grad():
            passes = [network(ids, torch.ones_like(ids))[0] for _ in range(2)]
        return float(divergence(torch.cat(passes)))

    assert between_passes(4.0) < between_passes(0.0)


def test_a_recipe_hands_votes_and_weights_to_the_encoder(
    encoder: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Seen(Exception):  # noqa: N818
        pass

    def look(_: EncoderSettings, __: int, rows: object, *rest: object) -> None:
        raise Seen(rows, rest[-1])

    material = read_material(corpus)
    first = of_split(material.sentences, "train")[0]
    data = DataSettings(votes="shares", weights={"made": 2.0})
    monkeypatch.setattr(encoder_road, "finetune", look)
    with pytest.raises(Seen) as seen:
        train(
            replace(tiny_encoder_recipe(encoder), data=data),
            replace(material, votes={first.id: cast(first.id, "none", "alarmed")}),
            tmp_path / "models",
            tmp_path / "mlruns",
        )
    rows, learnt = seen.value.args
    assert rows[0] == first
    assert learnt.labels["stance"][0].tolist() == [0, 0, 0.5, 0.5]
    assert set(learnt.weights) == {2.0}
