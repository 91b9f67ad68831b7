"""Made material for tests: a small corpus and a tiny encoder. It proves the road; no model in use ever sees it."""

import random
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from training.corpus import Sentence, sentence_id
from training.finetune import Finetuning
from training.recipe import EncoderSettings, LinearSettings, Recipe

CUES = {
    ("optimistic", "positive"): ("hopes", "hailed", "thrives"),
    ("cautious", "neutral"): ("doubts", "wonders", "hesitates"),
    ("alarmed", "negative"): ("fears", "mourns", "panics"),
    ("none", "neutral"): ("meets", "reports", "sits"),
}
"""Words that give a made sentence's labels away, so that a model learns them in seconds."""


def made_sentences(rows: int = 240, seed: int = 3) -> list[Sentence]:
    """Make sentences of a cue and words of random letters, so that no two are near-duplicates, without splits."""
    rng = random.Random(seed)
    sentences = []
    for place in range(rows):
        (stance, sentiment), cues = list(CUES.items())[place % len(CUES)]
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _ in range(5)]
        text = " ".join([words[0].title(), rng.choice(cues), *words[1:]]) + "."
        sentences.append(Sentence(sentence_id(text), text, stance, sentiment, "", "made", f"made-{place // 12}", ""))
    return sentences


def make_encoder(folder: Path) -> Path:
    """Make a two-layer BERT of width 32 with random weights and a word tokenizer, as a hub would give it."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ".", *(word for cues in CUES.values() for word in cues)]
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=64,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def tiny_encoder_recipe(encoder: Path, **changes: object) -> Recipe:
    """Give a recipe that fine-tunes the encoder in the folder ``encoder`` in seconds."""
    settings = {
        "max_length": 16, "epochs": 12, "batch_tokens": 256, "learning_rate": 3e-3, "head_learning_rate": 3e-2,
        "layer_decay": 1.0, "dropout": 0.0, **changes,
    }  # fmt: skip
    return Recipe("tiny", "a tiny encoder", encoder=EncoderSettings(encoder=str(encoder), **settings))  # type: ignore[arg-type]


def tiny_linear_recipe() -> Recipe:
    """Give a recipe that fits a linear model on made sentences."""
    return Recipe("floor", "a small linear model", linear=LinearSettings())


def poor_linear_recipe() -> Recipe:
    """Give a recipe that learns next to nothing."""
    return Recipe("poor", "a linear model that hardly learns", linear=LinearSettings(minimum_count=60, inverse_penalty=1e-6))


def interrupt_training(patch: pytest.MonkeyPatch, at: int) -> None:
    """Have a fine-tuning be interrupted at the step ``at`` from now on, counted from 1, and none after it."""
    step, steps = Finetuning._step, 0

    def interrupted(self: Finetuning, batch: list[int], done: float) -> float:
        nonlocal steps
        steps += 1
        if steps == at:
            raise KeyboardInterrupt
        return step(self, batch, done)

    patch.setattr(Finetuning, "_step", interrupted)
