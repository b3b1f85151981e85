"""What a PyTorch training goes on from: the weights that learn, the optimizer's state, and what the loop has counted."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

FILE = "state.pt"

Weights = dict[str, Tensor]


def learned_weights(model: nn.Module) -> Weights:
    """A copy, on the CPU, of what learns: the rest comes from the base model again."""
    return {
        name: parameter.detach().cpu().clone()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def restore_weights(model: nn.Module, weights: Weights) -> None:
    model.load_state_dict(weights, strict=False)


def save_state(folder: Path, model: nn.Module, optimizer: Optimizer, progress: dict[str, Any]) -> None:
    """`progress`: numbers, texts, tensors, and lists and dicts of them."""
    state = {"weights": learned_weights(model), "optimizer": optimizer.state_dict(), "progress": progress}
    torch.save(state, folder / FILE)


def load_state(folder: Path, model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    """Brings both to where they were; gives back the progress."""
    # Only tensors and plain values are read: a checkpoint is no place for code.
    state = torch.load(folder / FILE, map_location="cpu", weights_only=True)
    restore_weights(model, state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    return state["progress"]
