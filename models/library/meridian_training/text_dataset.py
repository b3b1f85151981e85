"""Splits of texts and their classes, read from the job's channels and checked before anything is fitted."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .dataset import LABEL, read_table
from .job import JobError

MOST_NAMED = 5


@dataclass(frozen=True)
class TextSplit:
    name: str
    # As they are delivered; one without a word is an input like any other.
    texts: list[str]
    # int64 [rows]: the class's index in the declaration.
    labels: np.ndarray
    # The event's join keys as one text, [rows]; empty where the declaration names none.
    events: list[str]


def read_text_splits(channels: dict[str, Path], declaration: dict[str, Any]) -> dict[str, TextSplit]:
    """The splits by name; raises JobError where an event is there twice, or a class has nothing to be learned from."""
    text = text_input(declaration)
    classes = declared_classes(declaration)
    keys = _join_keys(declaration, text)
    splits = {name: _read_split(name, channel, text["name"], keys, classes) for name, channel in channels.items()}
    _refuse_duplicates(keys, splits.values())
    _refuse_empty_classes(splits["train"], classes)
    return splits


def text_input(declaration: dict[str, Any]) -> dict[str, str]:
    inputs = declaration["inputs"]
    if [one["type"] for one in inputs] != ["text"]:
        found = ", ".join(f"{one['name']} ({one['type']})" for one in inputs)
        raise JobError(f"Declaration, inputs: found {found}, expected exactly one of type text.")
    return inputs[0]


def declared_classes(declaration: dict[str, Any]) -> list[str]:
    classes = declaration["label"].get("classes") or []
    if len(classes) < 2:
        raise JobError(f"Declaration, label.classes: found {len(classes)}, expected at least two.")
    return classes


def _join_keys(declaration: dict[str, Any], text: dict[str, str]) -> list[str]:
    views = [view for view in declaration.get("views", []) if view["name"] == text.get("view")]
    return [key["name"] for view in views for key in view["entity"]["joinKeys"]]


def _read_split(name: str, channel: Path, text: str, keys: list[str], classes: list[str]) -> TextSplit:
    table = read_table(name, channel, [*keys, text, LABEL])
    return TextSplit(
        name=name,
        texts=_texts(name, text, table[text]),
        labels=_labels(name, table[LABEL], classes),
        events=[", ".join(str(value) for value in row.values()) for row in table.select(keys).to_pylist()] if keys else [],
    )


def _texts(split: str, name: str, column: pa.ChunkedArray) -> list[str]:
    found = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(found) or pa.types.is_large_string(found)):
        raise JobError(f"Split {split}, input {name}: found a column of type {column.type}, expected text.")
    if column.null_count:
        raise JobError(f"Split {split}, input {name}: found {column.null_count} rows without a text, expected none.")
    return column.cast(pa.large_string()).to_pylist()


def _labels(split: str, column: pa.ChunkedArray, classes: list[str]) -> np.ndarray:
    if not pa.types.is_integer(column.type):
        raise JobError(
            f"Split {split}, column {LABEL}: found a column of type {column.type}, expected integers: "
            f"a class's index in the declaration."
        )
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(column).to_pylist()}
    strange = {value: rows for value, rows in counts.items() if value is None or not 0 <= value < len(classes)}
    if strange:
        named = ", ".join(f"{value} ({rows} rows)" for value, rows in list(strange.items())[:MOST_NAMED])
        raise JobError(
            f"Split {split}, column {LABEL}: found {named}, expected 0 to {len(classes) - 1}: the declaration has "
            f"{len(classes)} classes, {classes[0]} to {classes[-1]}. Where its class list was changed, a dataset has to be "
            "made anew, and labels of classes that are gone given others."
        )
    return column.to_numpy().astype(np.int64)


def _refuse_duplicates(keys: list[str], splits: Any) -> None:
    places: dict[str, list[str]] = {}
    for split in splits:
        for event in split.events:
            places.setdefault(event, []).append(split.name)
    twice = {event: names for event, names in places.items() if len(names) > 1}
    if twice:
        named = "; ".join(f"{event} in {', '.join(names)}" for event, names in list(twice.items())[:MOST_NAMED])
        raise JobError(
            f"Events: found {len(twice)} with more than one row, expected each {', '.join(keys)} once. They are {named}"
            f"{' …' if len(twice) > MOST_NAMED else ''}."
        )


def _refuse_empty_classes(train: TextSplit, classes: list[str]) -> None:
    counts = Counter(train.labels.tolist())
    empty = [name for index, name in enumerate(classes) if counts[index] == 0]
    if empty:
        named = ", ".join(empty[:MOST_NAMED]) + (" …" if len(empty) > MOST_NAMED else "")
        raise JobError(
            f"Split train, column {LABEL}: found no row of {len(empty)} of {len(classes)} classes ({named}), expected at "
            "least one of each. Label events of it, or take it off the declaration's class list."
        )
