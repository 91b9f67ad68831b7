"""Recipes: everything that decides how a model is trained, in one frozen dataclass."""

from dataclasses import asdict, field
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from newsstance.cascade import CASCADE
from newsstance.early_exit import EARLY_EXIT
from newsstance.locate import CHAMPION

_CONFIG: Final = ConfigDict(extra="forbid", strict=True)
CROSS_FIT: Final = "cross-fit"
"""The teacher that isn't one model in ``models/``: what ``training.lessons`` keeps beside the corpus."""

_RESERVED: Final = (CHAMPION, "champions", CROSS_FIT, "curve", "encoders", "seeds", "texts", "trained")
"""What lies in the models folder besides the model of each recipe, and what a recipe calls something else."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Part = Annotated[float, Field(gt=0, le=1)]


@dataclass(frozen=True, config=_CONFIG)
class LinearSettings:
    """How the linear model is fitted.

    ``minimum_count`` is the number of sentences that an n-gram must occur in, ``inverse_penalty`` is scikit-learn's ``C``, and
    ``balance`` how far each class's weight goes from 1 (0) to the inverse of its share (1).
    """

    minimum_count: Count = 2
    inverse_penalty: Positive = 2.0
    balance: Annotated[float, Field(ge=0, le=1)] = 0.5


@dataclass(frozen=True, config=_CONFIG)
class EncoderSettings:
    """How the encoder is fine-tuned.

    ``encoder`` is one of ``training.known_encoders``, ``package:PACKAGE/FOLDER`` for weights that an installed package
    carries, a local folder, or a hub id; with ``layers``, only its first so many layers are used, none of them for 0, and with
    ``feed_forward`` so many of the neurons of each (``training.narrow``).
    ``max_length`` is the model's window and ``batch_tokens`` the padded size of a batch, in tokens. ``warmup`` is the share of
    steps in which the learning rates rise, before they fall linearly to 0; the encoder's layers learn at ``learning_rate``,
    each lower one by ``layer_decay`` slower, and the heads at ``head_learning_rate``. ``dropout`` lies before the heads and
    ``encoder_dropout`` inside the encoder. ``freeze_words`` keeps the word embeddings as they came, which saves a fifth of
    MiniLM's time, and ``frozen_layers`` the embeddings and that many of the lowest layers. The loss is the sum of the heads'
    cross entropies, with ``label_smoothing`` and class weights (see ``LinearSettings.balance``). ``r_drop`` adds so much times
    the divergence between two passes over a batch with different dropout, at twice the time and memory of a step (Liang et al.
    2021, https://arxiv.org/abs/2106.14448). ``evaluations`` counts the evaluations on validation in an epoch; training stops
    after ``patience`` of them without a better one.
    """

    encoder: Annotated[str, Field(min_length=1)]
    layers: Annotated[int, Field(ge=0)] | None = None
    feed_forward: Count | None = None
    pooling: Literal["mean", "cls"] = "mean"
    max_length: Annotated[int, Field(ge=8, le=512)] = 128
    epochs: Annotated[int, Field(ge=1, le=1000)] = 4
    batch_tokens: Annotated[int, Field(ge=64)] = 1024
    learning_rate: Positive = 1e-4
    head_learning_rate: Positive = 1e-3
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 0.9
    warmup: Share = 0.1
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.01
    dropout: Share = 0.1
    encoder_dropout: Share = 0.0
    freeze_words: bool = True
    frozen_layers: Annotated[int, Field(ge=0)] = 0
    label_smoothing: Share = 0.05
    balance: Annotated[float, Field(ge=0, le=1)] = 0.5
    r_drop: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    evaluations: Count = 2
    patience: Count = 4

    def __post_init__(self) -> None:
        if self.r_drop and not (self.dropout or self.encoder_dropout):
            raise ValueError("r_drop compares two passes that only dropout or encoder_dropout makes differ: set one above 0")


@dataclass(frozen=True, config=_CONFIG)
class TeacherSettings:
    """Who teaches a model besides the labels.

    ``model`` is ``champion``, the name of a model in the models folder, a model's path, or ``cross-fit`` for what models that
    didn't train on a sentence said of it, by ``data/lessons.tsv`` (``training.cross_fit``). The targets are its
    probabilities, by ``weight``, and the labels, by the rest; a ``temperature`` above 1 makes its probabilities less sure
    first, so that more is told of the labels that it didn't choose (Hinton and others 2015,
    https://arxiv.org/abs/1503.02531). Besides the training sentences there are at most ``unlabelled`` real ones without
    labels (``training.unlabelled``), whose targets are its probabilities alone. With ``states`` above 0 the distance to what
    the model ``states_of``, an encoder of the same tokens, makes of every token counts so many times in the loss
    (``training.states``), of every sentence alike; that model's answers alone are the targets of at most ``spliced`` more
    sentences, put together from the real ones (``training.splices``).
    """

    model: Annotated[str, Field(min_length=1)] = CHAMPION
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    temperature: Positive = 1.0
    unlabelled: Annotated[int, Field(ge=0)] = 0
    states: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    states_of: Annotated[str, Field(min_length=1)] = CHAMPION
    spliced: Annotated[int, Field(ge=0)] = 0

    def __post_init__(self) -> None:
        if self.spliced and not self.states:
            raise ValueError("the teacher of states labels spliced sentences, and states is 0: set how much they count")
        if self.states_of != CHAMPION and not self.states:
            raise ValueError("states_of names a teacher of states, and states is 0: set how much they count")


@dataclass(frozen=True, config=_CONFIG)
class CascadeSettings:
    """Which two models answer in turn: ``fast`` where it is sure enough, ``champion`` elsewhere.

    Both are names in the models folder, or ``champion``. How sure is sure enough is chosen on the real sentences of validation:
    as little as keeps the F1 of each head within ``tolerance`` of the champion's.
    """

    fast: Annotated[str, Field(min_length=1)] = "fast"
    champion: Annotated[str, Field(min_length=1)] = CHAMPION
    tolerance: Share = 0.01


@dataclass(frozen=True, config=_CONFIG)
class EarlyExitSettings:
    """How a trained encoder gets an early exit: a small head on the states of its lowest ``layers``.

    ``of`` is ``champion``, the name of a model in the models folder, or a model's path. The head, a layer of ``neurons``,
    learns what that model says of the training sentences and of at most ``unlabelled`` real ones without labels. With
    ``epochs``, a copy of the model learns the same for that long at ``learning_rate``, at its end and at its exit, so that the
    lower layers come to say it (``training.exit_tuning``). How sure the exit must be for its answer to stand is chosen on the
    real sentences of validation: as little as keeps the F1 of each head within ``tolerance`` of that of all layers.
    """

    of: Annotated[str, Field(min_length=1)] = CHAMPION
    layers: Count = 7
    neurons: Count = 256
    unlabelled: Annotated[int, Field(ge=0)] = 0
    epochs: Annotated[int, Field(ge=0)] = 0
    learning_rate: Positive = 5e-5
    tolerance: Share = 0.005


@dataclass(frozen=True, config=_CONFIG)
class DataSettings:
    """What of the training split a recipe trains on; validation and the tests are always whole.

    ``origins`` names the origins that train (all of them if it is empty), and ``share`` how much of those: always the same
    sentences, and a smaller share lies within a larger one. ``shares`` takes less of single origins: a share by origin, on top
    of ``share``. ``votes`` is ``all`` for the labels that all annotators decided, ``first`` for the first annotator's alone, or
    ``shares`` for each label's share of all votes on a sentence, which only an encoder learns. ``weights`` gives the sentences
    of an origin more or less than 1 in the loss.
    """

    origins: list[str] = field(default_factory=list)
    share: Part = 1.0
    shares: dict[str, Part] = field(default_factory=dict)
    votes: Literal["all", "first", "shares"] = "all"
    weights: dict[str, Positive] = field(default_factory=dict)


@dataclass(frozen=True, config=_CONFIG)
class Recipe:
    """One way to train a model: its name, what it is in a sentence, its seed, and the settings of its kind.

    ``min_confidence`` is the model's operating point, which its user can move: a stance less likely than that is ``unsure``.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    min_confidence: Share = 0.0
    data: DataSettings = field(default_factory=DataSettings)
    linear: LinearSettings | None = None
    encoder: EncoderSettings | None = None
    cascade: CascadeSettings | None = None
    early_exit: EarlyExitSettings | None = None
    teacher: TeacherSettings | None = None

    def __post_init__(self) -> None:
        if sum(table is not None for table in (self.linear, self.encoder, self.cascade, self.early_exit)) != 1:
            raise ValueError("a recipe has either a [linear], an [encoder], a [cascade] or an [early_exit] table")
        if self.teacher is not None and self.encoder is None:
            raise ValueError("only an [encoder] learns from a [teacher]")
        if self.data.votes == "shares" and self.encoder is None:
            raise ValueError("only an [encoder] learns the shares of votes")
        if self.name in _RESERVED:
            raise ValueError(f"a recipe can't be called {self.name!r}, which has a meaning of its own in models/ or in recipes")

    @property
    def kind(self) -> str:
        """Name the kind of model that this recipe trains: ``linear``, ``encoder``, ``cascade`` or ``early-exit``."""
        if self.cascade is not None:
            return CASCADE
        if self.early_exit is not None:
            return EARLY_EXIT
        return "linear" if self.encoder is None else "encoder"

    @property
    def learns_lessons(self) -> bool:
        """Tell whether the lessons beside the corpus teach."""
        return self.teacher is not None and self.teacher.model == CROSS_FIT

    def to_dict(self) -> dict[str, Any]:
        """Give the recipe as plain types, without the table it doesn't have."""
        return {name: value for name, value in asdict(self).items() if value is not None}
