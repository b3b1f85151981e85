"""From which error on a point is called anomalous: so seldom as declared, and surely so."""

import math

import numpy as np

from .job import JobError

CONFIDENCE = 0.95
LEAST_THRESHOLD = 1e-6


def learn_threshold(training: np.ndarray, validation: np.ndarray, alert_rate: float) -> float:
    """The error that surely no more than a share of `alert_rate` of ordinary windows exceeds.

    By training and validation windows together: a few days of validation tell a rare quantile badly. Quiet ones would have
    ordinary points called anomalous more often than declared, and ones with anomalies would hide others like them.
    """
    return max(LEAST_THRESHOLD, upper_tolerance_limit(np.concatenate([training, validation]), alert_rate))


def upper_tolerance_limit(errors: np.ndarray, alert_rate: float, confidence: float = CONFIDENCE) -> float:
    """The least of the errors that, with this confidence, no more than `alert_rate` of all errors to come exceed.

    Distribution-free (Wilks 1941): the k-th largest, with k such that fewer than k of n draws fall among the largest share of
    `alert_rate` with a probability of at most 1 - confidence. Without so many draws, the largest.
    """
    ordered = np.sort(errors)[::-1]
    if len(ordered) == 0:
        raise JobError("Threshold: found no errors, expected those of at least one window of each series.")
    k = _least_rank(len(ordered), alert_rate, 1 - confidence)
    return float(ordered[max(k, 1) - 1])


def _least_rank(draws: int, share: float, probability: float) -> int:
    """The largest k with P(Binomial(draws, share) < k) <= probability."""
    logarithm = draws * math.log1p(-share)
    odds = math.log(share) - math.log1p(-share)
    below = 0.0
    for k in range(draws + 1):
        below += math.exp(logarithm)
        if below > probability:
            return k
        logarithm += math.log(draws - k) - math.log(k + 1) + odds if k < draws else 0
    return draws
