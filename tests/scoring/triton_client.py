"""Asks by Triton's client, which speaks the Open Inference Protocol over gRPC.

JSON on stdin: {"address", "calls": [[method, arguments]]}, an input of `infer` as [name, datatype, values]. Prints the answers,
{"refused": status} where a call failed.
"""

import json
import sys
from typing import Any

import numpy
from tritonclient.grpc import InferenceServerClient, InferInput, InferResult
from tritonclient.utils import InferenceServerException, triton_to_np_dtype


def tensor(name: str, datatype: str, data: list[Any]) -> InferInput:
    values = numpy.array(data, dtype=triton_to_np_dtype(datatype))
    made = InferInput(name, values.shape, datatype)
    made.set_data_from_numpy(values)
    return made


def as_json(result: InferResult) -> dict[str, Any]:
    response = result.get_response()
    return {
        "model": response.model_name,
        "version": response.model_version,
        "id": response.id,
        "outputs": {output.name: values(result.as_numpy(output.name)) for output in response.outputs},
    }


def values(array: numpy.ndarray) -> list[Any]:
    return numpy.char.decode(array.astype(bytes)).tolist() if array.dtype == object else array.tolist()


def ask(client: InferenceServerClient, method: str, arguments: dict[str, Any]) -> Any:
    try:
        if method != "infer":
            return getattr(client, method)(**arguments)
        inputs = [tensor(*described) for described in arguments.pop("inputs")]
        return as_json(client.infer(inputs=inputs, **arguments))
    except InferenceServerException as error:
        return {"refused": error.status()}


asked = json.load(sys.stdin)
with InferenceServerClient(asked["address"]) as client:
    print(json.dumps([ask(client, method, arguments) for method, arguments in asked["calls"]]))
