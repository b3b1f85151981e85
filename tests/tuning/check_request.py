"""Holds a request against botocore's own model of SageMaker: members, types, lengths, ranges, patterns, enums.

Reads {"operation": …, "request": …} from the standard input, prints a JSON list of what is wrong.
"""

import json
import re
import sys
from typing import Any, Iterator

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator


def in_python(pattern: str) -> str:
    """Java's classes of letters, separators and numbers, as Python's expressions call them."""
    return pattern.replace(r"\p{L}", r"\w").replace(r"\p{Z}", r"\s").replace(r"\p{N}", r"\d")


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    size = value if isinstance(value, (int, float)) else len(value)
    if "max" in rules and size > rules["max"]:
        yield f"{path}: {size} is above {rules['max']}"
    if "min" in rules and size < rules["min"]:
        yield f"{path}: {size} is below {rules['min']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{path}: {value!r} is none of its values"
    if "pattern" in rules and not re.fullmatch(in_python(rules["pattern"]), value):
        yield f"{path}: {value!r} does not match {rules['pattern']}"
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from violations(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            yield from violations(shape.member, member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, member in value.items():
            yield from violations(shape.key, key, f"{path}.{key}(key)")
            yield from violations(shape.value, member, f"{path}.{key}")


def main() -> None:
    asked = json.load(sys.stdin)
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(asked["operation"]).input_shape
    # Unknown members, missing ones and wrong types, in botocore's own words.
    report = ParamValidator().validate(asked["request"], shape)
    found = report.generate_report().splitlines() if report.has_errors() else []
    print(json.dumps(found or list(violations(shape, asked["request"], asked["operation"]))))


main()
