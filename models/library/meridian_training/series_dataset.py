"""Points of series as a split holds them, and the windows over them that a model sees."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .dataset import read_table
from .job import JobError

COLUMNS = ["series", "time", "value"]
MS_PER_DAY = 86_400_000
MS_PER_MINUTE = 60_000


@dataclass(frozen=True)
class Windows:
    """Every window of a split: `steps` points of one series, each as long after the one before as declared."""

    # The split's points, sorted by series and time: float32 [points], and int64 epoch milliseconds.
    values: np.ndarray
    times: np.ndarray
    # int64 [windows]: which point is the newest of each window; and the series that it is of.
    newest: np.ndarray
    series: np.ndarray
    steps: int

    def __len__(self) -> int:
        return len(self.newest)

    def rows(self, chosen: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As the graph takes them: values float32 [rows, steps], minute float32 [rows], series int64 [rows]."""
        newest = self.newest[chosen]
        points = newest[:, None] + np.arange(1 - self.steps, 1)
        minutes = (self.times[newest] % MS_PER_DAY) / MS_PER_MINUTE
        return self.values[points], minutes.astype(np.float32), self.series[chosen]


def series_names(channel: Path) -> list[str]:
    """The series of a split, in the order of their names: what a model learns, and nothing else can be scored by it."""
    return sorted(set(read_table("train", channel, COLUMNS)["series"].to_pylist()))


def read_windows(split: str, channel: Path, names: list[str], declared: dict[str, Any]) -> Windows:
    """The windows of a split over points of the series `names`; raises JobError naming what cannot be learnt from."""
    table = read_table(split, channel, COLUMNS)
    codes = pc.index_in(table["series"], value_set=pa.array(names))
    if codes.null_count > 0:
        strange = pc.unique(table["series"].filter(pc.is_null(codes))).to_pylist()[:5]
        raise JobError(f"Split {split}: found series {', '.join(map(str, strange))}, expected those that train only.")
    series = codes.to_numpy().astype(np.int64)
    times = table["time"].cast(pa.timestamp("ms")).cast(pa.int64()).to_numpy()
    values = table["value"].cast(pa.float64()).to_numpy()
    order = np.lexsort((times, series))
    series, times, values = series[order], times[order], values[order]
    wrong = np.flatnonzero(~(np.abs(values) <= np.finfo(np.float32).max))
    if len(wrong) > 0:
        raise JobError(
            f"Split {split}, series {names[series[wrong[0]]]}: found the value {values[wrong[0]]}, "
            "expected finite numbers within ±3.4e38."
        )
    newest = _newest(series, times, declared["everySeconds"] * 1000, declared["windowSteps"])
    windows = Windows(values.astype(np.float32), times, newest, series[newest], declared["windowSteps"])
    absent = np.setdiff1d(np.arange(len(names)), windows.series)
    if len(absent) > 0:
        raise JobError(
            f"Split {split}, series {names[absent[0]]}: found no window of {declared['windowSteps']} points without a "
            "gap, expected at least one of each series."
        )
    return windows


def _newest(series: np.ndarray, times: np.ndarray, every_ms: int, steps: int) -> np.ndarray:
    """Points at which a window ends that reaches over no gap and into no other series."""
    follows = (np.diff(series) == 0) & (np.diff(times) == every_ms)
    begins = np.flatnonzero(np.concatenate([[True], ~follows]))
    stretch = np.repeat(begins, np.diff(np.concatenate([begins, [len(series)]])))
    points = np.arange(len(series))
    return points[points - stretch >= steps - 1]
