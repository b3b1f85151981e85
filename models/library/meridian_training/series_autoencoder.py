"""A dense autoencoder for each series, all of them side by side in tensors, so that one step trains every one.

Each sees a window of its series, normalised, and the time of day, and reproduces the window out of a narrow code and the
time of day. What it has not seen at that time of day, it reproduces badly. In training it sees windows with noise on them
and must give them back without (Vincent et al. 2008): it cannot copy, and learns less of what happened once only.
"""

import math

import torch
from torch import Tensor, nn

MINUTES_PER_DAY = 1440


class SeriesAutoencoder(nn.Module):
    def __init__(
        self, mean: Tensor, deviation: Tensor, steps: int, hidden: int, code: int, harmonics: int, seed: int
    ) -> None:
        """mean, deviation: float32 [series], of each series' training values."""
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("frequencies", torch.arange(1, harmonics + 1) * (2 * math.pi / MINUTES_PER_DAY))
        day = 2 * harmonics
        sizes = [(steps + day, hidden), (hidden, code), (code + day, hidden), (hidden, steps)]
        generator = torch.Generator().manual_seed(seed)
        series = len(mean)
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.randn(series, given, made, generator=generator) / math.sqrt(given)) for given, made in sizes]
        )
        self.biases = nn.ParameterList([nn.Parameter(torch.zeros(series, 1, made)) for _, made in sizes])

    def forward(self, values: Tensor, minute: Tensor, noise: Tensor) -> Tensor:
        """For training. values: [series, rows, steps], minute: [series, rows]; noise: like values, in deviations.

        Gives what is off, in deviations: [series, rows, steps].
        """
        window = self._normalised(values, self.mean, self.deviation)
        return self._reproduced(window + noise, minute, list(self.weights), list(self.biases)) - window

    def errors(self, values: Tensor, minute: Tensor, series: Tensor) -> Tensor:
        """[rows]: by how many deviations of its series the newest value of each window is off, whatever series it is of."""
        weights = [weight[series] for weight in self.weights]
        biases = [bias[series] for bias in self.biases]
        mean, deviation = self.mean[series], self.deviation[series]
        window = self._normalised(values.unsqueeze(1), mean, deviation)
        off = self._reproduced(window, minute.unsqueeze(1), weights, biases) - window
        return off[:, 0, -1].abs()

    def _normalised(self, values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
        return (values - mean[:, None, None]) / deviation[:, None, None]

    def _reproduced(self, window: Tensor, minute: Tensor, weights: list[Tensor], biases: list[Tensor]) -> Tensor:
        angle = minute.unsqueeze(-1) * self.frequencies
        day = torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
        seen = torch.tanh(torch.bmm(torch.cat([window, day], dim=-1), weights[0]) + biases[0])
        code = torch.bmm(seen, weights[1]) + biases[1]
        unfolded = torch.tanh(torch.bmm(torch.cat([code, day], dim=-1), weights[2]) + biases[2])
        return torch.bmm(unfolded, weights[3]) + biases[3]


class SeriesScores(nn.Module):
    """The graph that serves: raw windows in, errors over the thresholds of their series out; above 1 is anomalous."""

    def __init__(self, autoencoder: SeriesAutoencoder, thresholds: Tensor) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.register_buffer("thresholds", thresholds)

    def forward(self, values: Tensor, minute: Tensor, series: Tensor) -> Tensor:
        """values: float32 [rows, steps], minute: float32 [rows], series: int64 [rows]; gives float32 [rows]."""
        return self.autoencoder.errors(values, minute, series) / self.thresholds[series]
