"""ONNX graphs of PyTorch modules: how they are written, and opened as serving opens them, on the CPU."""

import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch

# The newest that the quantiser and every runtime of ours read.
OPSET = 18


def export_graph(
    module: torch.nn.Module,
    given: tuple[torch.Tensor, ...],
    inputs: list[str],
    output: str,
    dynamic_shapes: dict[str, Any],
    file: Path,
) -> None:
    """Writes the graph of a module, traced on `given`; `dynamic_shapes` by the names of its forward's parameters."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module.cpu().eval(),
            given,
            input_names=inputs,
            output_names=[output],
            dynamic_shapes=dynamic_shapes,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    graph = program.model_proto
    # The exporter leaves shapes of what its optimiser has since turned around; shape inference refuses them.
    del graph.graph.value_info[:]
    # Which machine and which file a node was traced from is nothing that the graph needs.
    for node in graph.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    onnx.save(graph, file)


def open_graph(file: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
