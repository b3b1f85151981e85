"""golden.json of a text classifier: texts, the tokenizer's ids, and what the graph that is kept answers to them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from .spacing import evenly_spaced
from .text_graph import TextGraph
from .text_tokens import encode

HELD_OUT_ROWS = 48
# Of float32 on another processor.
LEAST_TOLERANCE = 1e-4
# Rounding to 8 bits makes a step of what was a last digit, so that other processors and runtimes answer a step off.
LEAST_TOLERANCE_INT8 = 0.02

# What tokenizers differ in, where they do.
HOSTILE = [
    "",
    " ",
    " \t\r\n\u00a0\u2003 ",
    "\x00",
    "before\x00after \x07\x1b[31m",
    "\ufeff\u200b\u200d\u00adinvisible\u2060",
    "e\u0301 \u00e9 A\u030a \u212b n\u0303o\u0308 Z\u0351\u036b\u0343\u036a\u0302\u036b",
    "\ufb01nance \u2460 \uff21\uff22\uff23 \u00bd \u2122",
    "STRASSE Stra\u00dfe \u1e9e \u0130stanbul I\u0307 \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2",
    "\U0001f600\U0001f680 \U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea \u2764\ufe0f \U0001f44d\U0001f3fd",
    "\u94f6\u884c\u5361\u4e0d\u80fd\u7528 \u30ab\u30fc\u30c9\u304c\u4f7f\u3048\u306a\u3044 \uce74\ub4dc\uac00 \uc548 \ub3fc\uc694",
    "\u0628\u0637\u0627\u0642\u062a\u064a \u0644\u0627 \u062a\u0639\u0645\u0644 \u05d4\u05db\u05e8\u05d8\u05d9\u05e1 \u05dc\u05d0 \u05e2\u05d5\u05d1\u05d3",
    "\u0915\u0943\u092a\u092f\u093e \u092e\u0926\u0926 \u0e1a\u0e31\u0e15\u0e23\u0e43\u0e0a\u0e49\u0e44\u0e21\u0e48\u0e44\u0e14\u0e49",
    "[CLS] [SEP] [PAD] [UNK] [MASK] ##ing <s> </s>",
    "don't...stop!!! (really?) a@b.example 1,234.56\u20ac -- https://x.example/?q=%20#top \u2014 \u2026",
    "\ud7a3\uffff\ufffd\U0010ffff",
    "x" * 5000,
    "pay " * 1250,
    "\u00e4" * 5000,
    "\U0001f4b3" * 500,
]


def text_golden_rows(
    tokenizer: Tokenizer, graph: TextGraph, held_out: Sequence[str], quantized: bool
) -> dict[str, Any]:
    """Held-out texts, evenly spaced, and hostile ones; each answered by itself, as a lone request is."""
    spread = evenly_spaced(len(held_out), HELD_OUT_ROWS)
    texts = [*dict.fromkeys([*(held_out[row] for row in spread), *HOSTILE])]
    ids = encode(tokenizer, texts)
    answers = graph.probabilities(ids, batch_rows=1)
    return {
        "formatVersion": 1,
        "tolerance": LEAST_TOLERANCE_INT8 if quantized else LEAST_TOLERANCE,
        "rows": [
            {"text": text, "ids": tokens, "expected": [float(value) for value in answer]}
            for text, tokens, answer in zip(texts, ids, answers, strict=True)
        ],
    }
