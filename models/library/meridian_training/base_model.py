"""The channel base-model: weights and tokenizer that fine-tuning starts from, in Hugging Face's format."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.utils import logging

from .job import JobError

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


@dataclass(frozen=True)
class BaseModel:
    folder: Path
    config: dict[str, Any]
    tokenizer: Tokenizer
    # Of the file tokenizer_config.json; empty where there is none.
    tokenizer_config: dict[str, Any]

    @property
    def most_tokens(self) -> int:
        """How many tokens its positions are learned for."""
        return int(self.config["max_position_embeddings"])

    @property
    def pad_id(self) -> int:
        return int(self.config.get("pad_token_id") or 0)

    def encoder(self) -> PreTrainedModel:
        """The encoder with its weights, without a pooling layer; raises JobError where weights are missing or broken."""
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            encoder, loaded = AutoModel.from_pretrained(
                self.folder,
                config=AutoConfig.from_pretrained(self.folder),
                add_pooling_layer=False,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:
            raise JobError(
                f"Channel base-model: found weights that cannot be read ({type(error).__name__}: {error}), "
                "expected those that its config.json describes."
            ) from error
        missing = sorted(loaded["missing_keys"])
        if missing:
            raise JobError(
                f"Channel base-model: found no weights for {len(missing)} of its parameters ({', '.join(missing[:3])} …), "
                "expected those of a whole encoder."
            )
        return encoder


def open_base_model(folder: Path) -> BaseModel:
    """Reads all but the weights; raises JobError where the folder is not a BERT in Hugging Face's format."""
    config = _read_json(folder, CONFIG, "a model in Hugging Face's format")
    if config.get("model_type") != "bert":
        raise JobError(
            f"Channel base-model, {CONFIG}: found model_type {config.get('model_type')!r}, expected 'bert', the "
            "architecture that this program fine-tunes."
        )
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise JobError(f"Channel base-model: found no weights, expected one of {', '.join(WEIGHTS)}. {_found(folder)}")
    if not (folder / TOKENIZER).is_file():
        raise JobError(
            f"Channel base-model: found no {TOKENIZER}, expected the tokenizer that the weights were trained with. "
            f"{_found(folder)}"
        )
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:
        raise JobError(f"Channel base-model, {TOKENIZER}: expected a tokenizer, found {error}") from error
    has_config = (folder / TOKENIZER_CONFIG).is_file()
    return BaseModel(
        folder=folder,
        config=config,
        tokenizer=tokenizer,
        tokenizer_config=_read_json(folder, TOKENIZER_CONFIG, "a tokenizer's settings") if has_config else {},
    )


def _read_json(folder: Path, name: str, expected: str) -> dict[str, Any]:
    try:
        return json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise JobError(f"Channel base-model: found no {name}, expected {expected}. {_found(folder)}") from None
    except ValueError as error:
        raise JobError(f"Channel base-model, {name}: expected JSON, found {error}") from error


def _found(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return f"It has {', '.join(names)}." if names else "It is empty."
