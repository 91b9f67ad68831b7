"""Where a recipe's pretrained encoder lies, and the network and tokenizer made of it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel, logging

from newsstance.errors import first_line
from newsstance.tokens import TOKENIZER_FILE
from training.errors import EncoderError
from training.fetch_encoder import fetch_encoder
from training.known_encoders import KNOWN_ENCODERS
from training.optimizer import layer_of
from training.recipe import EncoderSettings
from training.two_heads import TwoHeads

PACKAGE: Final = "package:"
_FILES: Final = ("config.json", TOKENIZER_FILE)


def encoder_folder(name: str) -> Path:
    """Give the local folder of the encoder ``name``.

    ``name`` is one of ``KNOWN_ENCODERS``, which is fetched once; ``package:PACKAGE/FOLDER`` for weights inside an installed
    package; a local folder; or a hub id, which is downloaded once. Raises ``EncoderError`` if there is none, or it lacks its
    configuration, tokenizer or safetensors weights.
    """
    folder = _find_folder(name)
    missing = [file for file in _FILES if not (folder / file).is_file()]
    if not any(folder.glob("*.safetensors")):
        missing.append("*.safetensors (weights in other formats aren't read)")
    if missing:
        raise EncoderError(f"the encoder {name!r} at {folder} lacks {', '.join(missing)}")
    return folder


def load_network(settings: EncoderSettings) -> TwoHeads:
    """Build the network of ``settings`` on its pretrained encoder, all of whose neurons there still are, with fresh heads."""
    folder = encoder_folder(settings.encoder)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        _set_dropout(config, settings.encoder_dropout)
        if settings.layers is not None:
            config.num_hidden_layers = _checked_layers(settings, config)
        encoder: PreTrainedModel = AutoModel.from_pretrained(folder, config=config, use_safetensors=True, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise EncoderError(f"the encoder {settings.encoder!r} can't be loaded: {first_line(error)}") from error
    if hasattr(encoder, "pooler"):
        setattr(encoder, "pooler", None)  # noqa: B010  # unused; its weights would only swell the export
    positions = getattr(config, "max_position_embeddings", settings.max_length)
    if settings.max_length > positions:
        raise EncoderError(f"max_length is {settings.max_length}; the encoder {settings.encoder!r} reads {positions} tokens")
    return TwoHeads(encoder, int(config.hidden_size), settings.pooling, settings.dropout)


def _checked_layers(settings: EncoderSettings, config: PretrainedConfig) -> int:
    """Give how many of the encoder's layers to use; the weights of the others are left where they are."""
    there = getattr(config, "num_hidden_layers", 0)
    if settings.layers is None or settings.layers > there:
        raise EncoderError(f"layers is {settings.layers}; the encoder {settings.encoder!r} has {there}")
    return settings.layers


def freeze_lower(encoder: PreTrainedModel, settings: EncoderSettings) -> None:
    """Keep from learning what ``settings`` freeze of ``encoder``."""
    encoder.get_input_embeddings().requires_grad_(not settings.freeze_words)
    for parameter in lower_parameters(encoder, settings.frozen_layers):
        parameter.requires_grad_(False)


def lower_parameters(encoder: nn.Module, layers: int) -> list[nn.Parameter]:
    """Give the parameters of the lowest ``layers`` layers of ``encoder`` and of all that lies below; none for 0 layers."""
    return [parameter for name, parameter in encoder.named_parameters() if layers and layer_of(name) < layers]


def _set_dropout(config: PretrainedConfig, share: float) -> None:
    """Drop ``share`` of the hidden values and no attention, whose fused kernel would be lost to it; names differ by family."""
    values = {"hidden_dropout_prob": share, "dropout": share, "attention_probs_dropout_prob": 0.0, "attention_dropout": 0.0}
    for name, value in values.items():
        if hasattr(config, name):
            setattr(config, name, value)


def _find_folder(name: str) -> Path:
    if name in KNOWN_ENCODERS:
        return fetch_encoder(name)
    if name.startswith(PACKAGE):
        return _package_folder(name.removeprefix(PACKAGE))
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else _download(name)


def _package_folder(place: str) -> Path:
    package, _, folder = place.partition("/")
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise EncoderError(f"the package {package!r}, which carries the encoder, isn't installed: run `make train`")
    return Path(spec.origin).parent / folder


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download  # only here, since a hub is asked only for a hub id
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=[*_FILES, "*.safetensors"]))
    except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise EncoderError(
            f"no encoder {name!r}: not a folder here, and the hub gave none ({type(error).__name__}); "
            f"the recipe's encoder is {', '.join(KNOWN_ENCODERS)}, {PACKAGE}PACKAGE/FOLDER, a local folder or a hub id"
        ) from error
