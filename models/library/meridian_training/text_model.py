"""A classifier of texts: a BERT encoder, the mean of its tokens' vectors, and one linear layer."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


class TextClassifier(nn.Module):
    def __init__(self, encoder: PreTrainedModel, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(encoder.config.hidden_size, classes)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids, mask: int64 [rows, tokens]. Gives logits [rows, classes]."""
        vectors = self.encoder(
            input_ids=ids, attention_mask=mask, token_type_ids=torch.zeros_like(ids)
        ).last_hidden_state
        weights = mask.unsqueeze(-1).to(vectors.dtype)
        mean = (vectors * weights).sum(dim=1) / weights.sum(dim=1)
        return self.head(self.dropout(mean))


class Probabilities(nn.Module):
    """What is exported: the classifier with its softmax inside."""

    def __init__(self, classifier: TextClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return torch.softmax(self.classifier(ids, mask), dim=-1)


def freeze(encoder: PreTrainedModel, layers: int) -> None:
    """Keeps the first `layers` encoder layers, and the embeddings below them, as they are; 0 lets everything learn."""
    if layers == 0:
        return
    for part in [encoder.embeddings, *encoder.encoder.layer[:layers]]:
        part.requires_grad_(False)
