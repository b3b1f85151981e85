"""Judges CreateTrainingJob requests by botocore's own model of SageMaker: types and required members by its validator,
then what clients leave to the service: patterns, enums, lengths, ranges and members that there are none of."""

import json
import re
import sys

import botocore.session
from botocore.validate import ParamValidator

shape = (
    botocore.session.get_session()
    .get_service_model("sagemaker")
    .operation_model("CreateTrainingJob")
    .input_shape
)


def problems(value, shape, path):
    kind = shape.type_name
    if kind == "structure":
        for name, member in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: no such member"
            else:
                yield from problems(member, shape.members[name], f"{path}.{name}")
        return
    metadata = shape.metadata
    size = value if kind in ("integer", "long") else None if kind == "boolean" else len(value)
    if size is not None and not metadata.get("min", size) <= size <= metadata.get("max", size):
        yield f"{path}: {size} is not within {metadata.get('min')} to {metadata.get('max')}"
    if kind == "list":
        for index, item in enumerate(value):
            yield from problems(item, shape.member, f"{path}[{index}]")
    if kind == "map":
        for key, item in value.items():
            yield from problems(key, shape.key, f"{path} key {key}")
            yield from problems(item, shape.value, f"{path}[{key}]")
    if kind == "string":
        if shape.enum and value not in shape.enum:
            yield f"{path}: {value!r} is not in the enum"
        pattern = shape.metadata.get("pattern")
        # botocore keeps Java's expressions, whose classes of letters Python's lacks.
        if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not match {pattern}"


def judge(request):
    report = ParamValidator().validate(request, shape)
    return [line for line in report.generate_report().splitlines() if line] + list(problems(request, shape, ""))


json.dump([judge(request) for request in json.load(sys.stdin)], sys.stdout)
