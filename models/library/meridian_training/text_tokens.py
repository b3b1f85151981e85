"""Texts as the graph takes them: the tokenizer's ids, cut to a length, padded to the longest of their batch."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from .base_model import TOKENIZER, TOKENIZER_CONFIG, BaseModel
from .job import JobError

Ids = list[int]


def tokenizer_for(base: BaseModel, max_tokens: int) -> Tokenizer:
    """The base model's, which cuts each text to `max_tokens`, special tokens included, and pads nothing."""
    special = base.tokenizer.num_special_tokens_to_add(is_pair=False)
    if not special < max_tokens <= base.most_tokens:
        raise JobError(
            f"Hyperparameters: max_tokens is {max_tokens}, expected {special + 1} to {base.most_tokens}: {special} are "
            "special tokens, and the base model has learned no more positions."
        )
    tokenizer = Tokenizer.from_str(base.tokenizer.to_str())
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Ids]:
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def pad(rows: Sequence[Ids], pad_id: int) -> tuple[np.ndarray, np.ndarray]:
    """Ids and mask, both int64 [rows, tokens of the longest]: padded on the right, 1 where a token is."""
    longest = max(len(ids) for ids in rows)
    ids = np.full((len(rows), longest), pad_id, np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def batches_by_length(rows: Sequence[Ids], size: int) -> list[np.ndarray]:
    """Indices of the rows, those of like length together, so that little is padded."""
    order = np.argsort([len(ids) for ids in rows], kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def save_tokenizer(tokenizer: Tokenizer, base: BaseModel, max_tokens: int, folder: Path) -> None:
    """The two files that load the same tokenizer in any of Hugging Face's libraries."""
    tokenizer.save(str(folder / TOKENIZER))
    config = {"tokenizer_class": "BertTokenizer", **base.tokenizer_config, "model_max_length": max_tokens}
    (folder / TOKENIZER_CONFIG).write_text(json.dumps(config, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
