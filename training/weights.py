"""A trained network's own weights, as the Hugging Face libraries keep them: a configuration and safetensors."""

from pathlib import Path
from typing import Final

from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from training.two_heads import TwoHeads

WEIGHTS_FILE: Final = "model.safetensors"
CONFIG_FILE: Final = "config.json"


def write_weights(network: TwoHeads, folder: Path) -> None:
    """Write the weights and the encoder's configuration into ``folder``."""
    encoder_config(network).to_json_file(folder / CONFIG_FILE)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, folder / WEIGHTS_FILE)


def encoder_config(network: TwoHeads) -> PretrainedConfig:
    """Give the configuration of the network's encoder."""
    assert isinstance(network.encoder, PreTrainedModel)
    return network.encoder.config


def read_network(folder: Path, pooling: str) -> TwoHeads:
    """Read the network in ``folder``, ready to predict; ``pooling`` is its recipe's."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    encoder = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    if hasattr(encoder, "pooler"):
        encoder.pooler = None
    network = TwoHeads(encoder, int(config.hidden_size), "cls" if pooling == "cls" else "mean", dropout=0.0)
    network.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return network.eval()
