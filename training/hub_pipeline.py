"""The champion as a user of Hugging Face would run it: the same float32 weights in a ``pipeline("text-classification")``."""

from logging import CRITICAL
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast, logging, pipeline
from transformers.modeling_outputs import SequenceClassifierOutput

from newsstance.bundle import Bundle, read_bundle
from newsstance.labels import STANCES
from newsstance.tokens import TOKENIZER_FILE
from training.contestants import Scorers
from training.two_heads import TwoHeads
from training.weights import encoder_config, read_network

_PADDINGS = ("[PAD]", "<pad>")


class StanceClassifier(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The stance head of a trained network, in the form that a pipeline takes."""

    _supports_sdpa = True  # the encoder inside computes its attention so, as it does in a pipeline of its own

    def __init__(self, config: PretrainedConfig, network: TwoHeads) -> None:
        super().__init__(config)
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> SequenceClassifierOutput:
        """Give the logits of the stances, (texts, stances)."""
        return SequenceClassifierOutput(logits=self.network(input_ids, attention_mask)[0])


def load_pipeline(folder: str, batch_size: str) -> Scorers:
    """Give a pipeline as a contestant of ``bench``; its default is a ``batch_size`` of 1.

    ``folder`` is the bundle of the model as it was trained, which keeps its weights.
    """
    trained = read_bundle(Path(folder))
    logging.set_verbosity(CRITICAL)  # it warns of a class that it doesn't know by name
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    network = read_network(trained.path, str(trained.recipe["encoder"]["pooling"]))
    config = encoder_config(network)
    config.id2label, config.label2id = dict(enumerate(STANCES)), {stance: place for place, stance in enumerate(STANCES)}
    model = StanceClassifier(config, network)
    classify = pipeline("text-classification", model=model, tokenizer=_tokenizer(trained), device="cpu")
    size = int(batch_size)
    return Scorers(lambda texts: [str(answer["label"]) for answer in classify(list(texts), truncation=True, batch_size=size)])


def _tokenizer(trained: Bundle) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer.from_file(str(trained.path / TOKENIZER_FILE))
    padding = next(token for token in _PADDINGS if tokenizer.token_to_id(token) is not None)
    length = int(trained.settings["max_length"])
    inputs = ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=padding, model_max_length=length, model_input_names=inputs
    )
