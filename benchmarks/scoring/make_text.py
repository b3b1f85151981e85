"""Exports a classifier of texts as the platform's training exports it, once with float32 and once with int8 weights.

usage: make_text.py <folder> <base model> <texts>, with the texts as a JSON list. The folder then holds two artifacts, fp32 and
int8. The encoder is MiniLM; the head is drawn by a fixed seed, since how fast a graph is does not depend on what it learned.
Run it with the Python of the torch runtime.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "library"))

from meridian_training.base_model import TOKENIZER, TOKENIZER_CONFIG, open_base_model
from meridian_training.quantize import quantize_text_graph
from meridian_training.report import write_json
from meridian_training.text_baseline import describe_texts
from meridian_training.text_golden import text_golden_rows
from meridian_training.text_graph import GRAPH, TextGraph, export_text_graph
from meridian_training.text_model import TextClassifier
from meridian_training.text_tokens import encode, save_tokenizer, tokenizer_for

CLASSES = [f"topic_{index}" for index in range(10)]
MAX_TOKENS = 64

folder, base_folder, texts = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
base = open_base_model(base_folder)
tokenizer = tokenizer_for(base, MAX_TOKENS)
torch.manual_seed(7)
classifier = TextClassifier(base.encoder(), len(CLASSES), dropout=0.0)
for kind in ("fp32", "int8"):
    (folder / kind).mkdir(parents=True)
export_text_graph(classifier, folder / "fp32" / "model.onnx")
quantize_text_graph(folder / "fp32" / "model.onnx", folder / "int8" / "model.onnx")
rows = encode(tokenizer, texts)
for kind in ("fp32", "int8"):
    target = folder / kind
    graph = TextGraph(target / "model.onnx", base.pad_id, threads=1)
    predicted = graph.probabilities(rows, batch_rows=1).argmax(axis=1)
    save_tokenizer(tokenizer, base, MAX_TOKENS, target)
    write_json(
        target / "signature.json",
        {
            "formatVersion": 1,
            "kind": "text-classifier",
            "inputs": [{"name": "text", "type": "text"}],
            "tokenizer": {
                "file": TOKENIZER,
                "config": TOKENIZER_CONFIG,
                "maxTokens": MAX_TOKENS,
                "padId": base.pad_id,
            },
            "graph": GRAPH,
            "classes": CLASSES,
        },
    )
    labels = np.arange(len(texts)) % len(CLASSES)
    write_json(target / "baseline.json", describe_texts("text", texts, rows, labels, predicted, CLASSES))
    write_json(target / "golden.json", text_golden_rows(tokenizer, graph, texts, quantized=kind == "int8"))
