"""Extracts from botocore's models (Apache-2.0) of SageMaker and CloudWatch Logs the constraints that the local service checks.

Usage: python extract-model.py > model.json   (with botocore installed)
"""

import json
import sys

import botocore
import botocore.loaders

OPERATIONS = [
    "CreateTrainingJob",
    "DescribeTrainingJob",
    "StopTrainingJob",
    "DeleteTrainingJob",
    "ListTrainingJobs",
    "CreateHyperParameterTuningJob",
    "DescribeHyperParameterTuningJob",
    "StopHyperParameterTuningJob",
    "DeleteHyperParameterTuningJob",
    "ListHyperParameterTuningJobs",
    "ListTrainingJobsForHyperParameterTuningJob",
    "CreateProcessingJob",
    "DescribeProcessingJob",
    "StopProcessingJob",
    "DeleteProcessingJob",
    "ListProcessingJobs",
    "CreateModel",
    "DescribeModel",
    "DeleteModel",
    "ListModels",
    "CreateTransformJob",
    "DescribeTransformJob",
    "StopTransformJob",
    "ListTransformJobs",
    "AddTags",
    "ListTags",
    "DeleteTags",
]


LOG_OPERATIONS = ["DescribeLogStreams", "GetLogEvents"]


def extract(service: dict, operations: list[str], prefix: str = "") -> tuple[dict, dict]:
    """The operations' shapes; the prefix keeps names of one service from those of another."""
    shapes = {}

    def visit(name: str) -> None:
        if prefix + name in shapes:
            return
        source = service["shapes"][name]
        shape = {"type": source["type"]}
        shapes[prefix + name] = shape
        shape |= {k: source[k] for k in ("required", "min", "max", "pattern", "enum") if source.get(k) not in (None, [])}
        if source["type"] == "structure":
            shape["members"] = {member: prefix + value["shape"] for member, value in source["members"].items()}
            for value in source["members"].values():
                visit(value["shape"])
        for role in ("member", "key", "value"):
            if role in source:
                shape[role] = prefix + source[role]["shape"]
                visit(source[role]["shape"])

    inputs = {prefix + name: service["operations"][name]["input"]["shape"] for name in operations}
    for name in inputs.values():
        visit(name)
    return {operation: prefix + name for operation, name in inputs.items()}, shapes


def main() -> None:
    loader = botocore.loaders.Loader()
    sagemaker, logs = (loader.load_service_model(name, "service-2") for name in ("sagemaker", "logs"))
    operations, shapes = extract(sagemaker, OPERATIONS)
    log_operations, log_shapes = extract(logs, LOG_OPERATIONS, f"{logs['metadata']['targetPrefix']}.")
    versions = f"sagemaker {sagemaker['metadata']['apiVersion']}, logs {logs['metadata']['apiVersion']}"
    model = {
        "source": f"botocore {botocore.__version__}, {versions} (Apache-2.0)",
        "operations": operations | log_operations,
        "shapes": shapes | log_shapes,
    }
    json.dump(model, sys.stdout, indent=1)


main()
