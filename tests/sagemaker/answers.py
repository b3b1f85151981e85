"""Drives every operation through boto3 and holds each raw answer against botocore's service model, strictly: members that
the model does not know, required ones that are missing, wrong types, patterns, enums and bounds. Prints what is wrong."""

import json
import re
import sys
import time

import boto3
import botocore.exceptions

requests = json.loads(sys.argv[1])
client = boto3.client("sagemaker")
logs = boto3.client("logs", endpoint_url=client.meta.endpoint_url)
problems, seen = [], set()


def check(shape, value, path):
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return problems.append(f"{path}: expected a structure, found {value!r}")
        for member in shape.required_members:
            if member not in value:
                problems.append(f"{path}.{member}: required, and missing")
        for member, item in value.items():
            if member not in shape.members:
                problems.append(f"{path}.{member}: not in the model")
            elif item is not None:
                check(shape.members[member], item, f"{path}.{member}")
    elif kind == "list":
        for i, item in enumerate(value):
            check(shape.member, item, f"{path}[{i}]")
    elif kind == "map":
        for key, item in value.items():
            check(shape.key, key, f"{path}.{key}")
            check(shape.value, item, f"{path}.{key}")
    elif kind == "string":
        facts = shape.metadata
        if not isinstance(value, str):
            problems.append(f"{path}: expected text, found {value!r}")
        elif facts.get("enum") and value not in facts["enum"]:
            problems.append(f"{path}: {value!r} is not one of its values")
        elif not facts.get("min", 0) <= len(value) <= facts.get("max", len(value)):
            problems.append(f"{path}: {value!r} is too long or too short")
        # Python's expressions know no Unicode classes.
        elif r"\p{" not in facts.get("pattern", r"\p{") and not re.fullmatch(facts["pattern"], value, re.S):
            problems.append(f"{path}: {value!r} does not match {facts['pattern']}")
    elif kind in ("integer", "long"):
        if not isinstance(value, int) or isinstance(value, bool) or value < shape.metadata.get("min", value):
            problems.append(f"{path}: expected a whole number in its bounds, found {value!r}")
    elif kind in ("float", "double"):
        if not isinstance(value, (int, float)):
            problems.append(f"{path}: expected a number, found {value!r}")
    elif kind == "timestamp":
        if not isinstance(value, (int, float)) or not time.time() - 86_400 < value <= time.time() + 1:
            problems.append(f"{path}: expected seconds of today, found {value!r}")
    elif kind == "boolean" and not isinstance(value, bool):
        problems.append(f"{path}: expected a boolean, found {value!r}")


def hold_against_model(http_response, model, **_):
    if http_response.status_code != 200:
        return
    prefix = "Logs_20140328." if model.service_model.service_name == "logs" else ""
    seen.add(prefix + model.name)
    body = json.loads(http_response.content or b"{}")
    if model.output_shape is None:
        if body:
            problems.append(f"{model.name}: expected no answer, found {body}")
    else:
        check(model.output_shape, body, model.name)


client.meta.events.register("after-call.sagemaker", hold_against_model)
logs.meta.events.register("after-call.logs", hold_against_model)


def wait(describe, status, **name):
    while (job := describe(**name))[status] in ("InProgress", "Stopping"):
        time.sleep(0.2)
    return job


def expect_error(code, call, **arguments):
    try:
        call(**arguments)
        problems.append(f"{call.__name__}: expected {code}, found success")
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != code:
            problems.append(f"{call.__name__}: expected {code}, found {error}")


training, tuning, processing = requests["training"], requests["tuning"], requests["processing"]
arn = client.create_training_job(**training)["TrainingJobArn"]
name = {"TrainingJobName": training["TrainingJobName"]}
client.describe_training_job(**name)
wait(client.describe_training_job, "TrainingJobStatus", **name)
failing = {"TrainingJobName": requests["failing"]["TrainingJobName"]}
client.create_training_job(**requests["failing"])
wait(client.describe_training_job, "TrainingJobStatus", **failing)
expect_error("ValidationException", client.stop_training_job, **name)

group = {"logGroupName": "/aws/sagemaker/TrainingJobs"}
prefix = training["TrainingJobName"] + "/"
[stream] = logs.describe_log_streams(**group, logStreamNamePrefix=prefix, orderBy="LogStreamName", limit=1)["logStreams"]
of_stream = {**group, "logStreamName": stream["logStreamName"]}
newest = logs.get_log_events(**of_stream)["events"]
first = logs.get_log_events(**of_stream, startFromHead=True, limit=1)
second = logs.get_log_events(**of_stream, startFromHead=True, limit=1, nextToken=first["nextForwardToken"])
end = logs.get_log_events(**of_stream, startFromHead=True, nextToken=second["nextForwardToken"])
back = logs.get_log_events(**of_stream, limit=1, nextToken=second["nextBackwardToken"])
if [event["message"] for event in newest] != ["epoch 1 auc=0.5", "epoch 2 auc=0.75"]:
    problems.append(f"the log: found {newest}")
if first["events"] + second["events"] != newest or back["events"] != first["events"]:
    problems.append(f"the log by pages: found {first}, {second}, {back}")
if end["events"] or end["nextForwardToken"] != second["nextForwardToken"]:
    problems.append(f"the end of the log: found {end}")
nowhere = {"logGroupName": "/aws/sagemaker/Endpoints"}
expect_error("ResourceNotFoundException", logs.describe_log_streams, **nowhere)
expect_error("ResourceNotFoundException", logs.get_log_events, **group, logStreamName="none/algo-1-1")
expect_error("InvalidParameterException", logs.get_log_events, **of_stream, nextToken="made up")
expect_error("InvalidParameterException", logs.describe_log_streams, **group, orderBy="Colour")
for page in logs.get_paginator("describe_log_streams").paginate(**group, PaginationConfig={"PageSize": 1}):
    pass

for page in client.get_paginator("list_training_jobs").paginate(PaginationConfig={"PageSize": 1}):
    pass
client.add_tags(ResourceArn=arn, Tags=[{"Key": "added", "Value": ""}])
client.delete_tags(ResourceArn=arn, TagKeys=["added"])
client.list_tags(ResourceArn=arn)

client.create_hyper_parameter_tuning_job(**tuning)
name = {"HyperParameterTuningJobName": tuning["HyperParameterTuningJobName"]}
client.describe_hyper_parameter_tuning_job(**name)
wait(client.describe_hyper_parameter_tuning_job, "HyperParameterTuningJobStatus", **name)
client.list_hyper_parameter_tuning_jobs()
children = client.list_training_jobs_for_hyper_parameter_tuning_job(**name)["TrainingJobSummaries"]
client.describe_training_job(TrainingJobName=children[0]["TrainingJobName"])
expect_error("ValidationException", client.stop_hyper_parameter_tuning_job, **name)
expect_error("ResourceInUse", client.create_hyper_parameter_tuning_job, **tuning)
client.delete_hyper_parameter_tuning_job(**name)

client.create_processing_job(**processing)
name = {"ProcessingJobName": processing["ProcessingJobName"]}
client.stop_processing_job(**name)
wait(client.describe_processing_job, "ProcessingJobStatus", **name)
client.list_processing_jobs()
client.delete_processing_job(**name)

model = requests["model"]
client.create_model(**model)
client.describe_model(ModelName=model["ModelName"])
client.list_models()
client.create_transform_job(**requests["transform"])
name = {"TransformJobName": requests["transform"]["TransformJobName"]}
expect_error("ResourceInUse", client.create_transform_job, **requests["transform"])
wait(client.describe_transform_job, "TransformJobStatus", **name)
client.list_transform_jobs()
client.delete_model(ModelName=model["ModelName"])
expect_error("ValidationException", client.describe_model, ModelName=model["ModelName"])

print(json.dumps({"problems": problems, "seen": sorted(seen)}))
