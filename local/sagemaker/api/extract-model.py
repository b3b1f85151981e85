"""Extracts from botocore's SageMaker service model (Apache-2.0) the constraints that the local service checks.

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


def main() -> None:
    service = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    shapes = {}

    def visit(name: str) -> None:
        if name in shapes:
            return
        source = service["shapes"][name]
        shape = {"type": source["type"]}
        shapes[name] = shape
        shape |= {k: source[k] for k in ("required", "min", "max", "pattern", "enum") if source.get(k) not in (None, [])}
        if source["type"] == "structure":
            shape["members"] = {member: value["shape"] for member, value in source["members"].items()}
        for role in ("member", "key", "value"):
            if role in source:
                shape[role] = source[role]["shape"]
        for child in [*shape.get("members", {}).values(), *(shape[r] for r in ("member", "key", "value") if r in shape)]:
            visit(child)

    operations = {name: service["operations"][name]["input"]["shape"] for name in OPERATIONS}
    for shape in operations.values():
        visit(shape)
    source = f"botocore {botocore.__version__}, sagemaker {service['metadata']['apiVersion']} (Apache-2.0)"
    json.dump({"source": source, "operations": operations, "shapes": shapes}, sys.stdout, indent=1)


main()
