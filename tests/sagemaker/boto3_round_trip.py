"""Runs the job that the argument describes through boto3, and prints what boto3 made of the answers."""

import datetime
import json
import sys

import boto3
import botocore.exceptions

client = boto3.client("sagemaker")
request = json.loads(sys.argv[1])
name = request["TrainingJobName"]


def error_of(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None


client.create_training_job(**request)
waiter = client.get_waiter("training_job_completed_or_stopped")
waiter.wait(TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
job = client.describe_training_job(TrainingJobName=name)
age = datetime.datetime.now(datetime.timezone.utc) - job["CreationTime"]
listed = client.list_training_jobs(NameContains=name)["TrainingJobSummaries"]
print(
    json.dumps(
        {
            "status": job["TrainingJobStatus"],
            "metrics": {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]},
            "recent": abs(age) < datetime.timedelta(hours=1),
            "again": error_of(client.create_training_job, **request),
            "unknown": error_of(client.describe_training_job, TrainingJobName="unknown"),
            "listed": [summary["TrainingJobName"] for summary in listed],
        }
    )
)
