"""What a Task state does outside the interpreter. Owns the SDK and Lambda integrations: arguments in, one API call of
the account in the name of the state machine's role, an answer or a named error out. It must never retry: that is the
definition's business."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ParamValidationError

from ..calls import acting_as
from . import naming
from .interpreter import TaskFailure

if TYPE_CHECKING:
    from ..account import Account

# Virtual time one task takes, half before the call takes effect and half after, so that an execution can be stopped on
# either side of it. A typical SDK task takes 100 to 300 ms.
TASK_SECONDS = 0.2
# Optimised integrations that are plain API calls; `lambda` answers differently and `aws-sdk` covers the rest.
PLAIN = {"sns", "states", "events"}


def perform(account: Account, role_arn: str, task: Any, arguments: Any) -> Any:
    """Carry out one attempt of a Task state and give its raw result."""
    resource = task.resource
    if resource.condition is not None:
        raise NotImplementedError(f"{resource.resource_arn}: only request-response tasks are rehearsed")
    if not isinstance(arguments, dict):
        raise TaskFailure("States.Runtime", "Arguments must be an object")
    service, action = resource.api_name, resource.api_action
    with acting_as(role_arn):
        if resource.service_name == "lambda":
            return invoke(account, action, arguments)
        if resource.service_name != "aws-sdk" and resource.service_name not in PLAIN:
            raise NotImplementedError(f"{resource.resource_arn}: this integration is not rehearsed")
        return call(account, naming.BOTO_SERVICES.get(service, service), action, arguments)


def call(account: Account, service: str, action: str, arguments: dict[str, Any]) -> Any:
    client = account.client("stepfunctions" if service == "states" else service)
    model = client.meta.service_model
    operation = action[0].upper() + action[1:]
    if action[0].isupper() or operation not in model.operation_names:
        raise TaskFailure("States.Runtime", f"The action '{service}:{action}' is not supported by Step Functions")
    shapes = model.operation_model(operation)
    try:
        params = naming.to_boto(arguments, shapes.input_shape) if shapes.input_shape else {}
    except naming.UnknownMember as error:
        raise TaskFailure("States.Runtime", str(error)) from None
    answer = send(account, client, operation, params)
    answer.pop("ResponseMetadata", None)
    return naming.from_boto(answer, shapes.output_shape)


def send(account: Account, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    model = client.meta.service_model
    account.clock.sleep(TASK_SECONDS / 2)
    try:
        answer: dict[str, Any] = client._make_api_call(operation, params)
    except ParamValidationError as error:
        prefix = naming.prefix_of(model.service_name)
        raise TaskFailure(f"{prefix}.SdkClientException", str(error)) from None
    except ClientError as error:
        raise failure(model, error) from None
    account.clock.sleep(TASK_SECONDS / 2)
    return answer


def failure(model: Any, error: ClientError) -> TaskFailure:
    details, metadata = error.response["Error"], error.response.get("ResponseMetadata", {})
    cause = (
        f"{details.get('Message', '')} (Service: {naming.service_label(model)}, "
        f"Status Code: {metadata.get('HTTPStatusCode', 400)}, Request ID: {metadata.get('RequestId', '')})"
    )
    return TaskFailure(naming.error_name(model, details["Code"]), cause)


def invoke(account: Account, action: str, arguments: dict[str, Any]) -> Any:
    """`states:::lambda:invoke`: the payload as JSON both ways, a function's own error under its class's name."""
    unknown = set(arguments) - {"FunctionName", "Payload", "Qualifier", "ClientContext", "InvocationType", "LogType"}
    if action != "invoke" or unknown or "FunctionName" not in arguments:
        raise TaskFailure("States.Runtime", f"lambda:{action} is not supported with the arguments {sorted(arguments)}")
    client = account.client("lambda")
    payload = json.dumps(arguments.get("Payload", {})).encode()
    answer = send(account, client, "Invoke", {**arguments, "Payload": payload})
    returned = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise TaskFailure(returned.get("errorType", "Exception"), json.dumps(returned))
    return {"ExecutedVersion": "$LATEST", "Payload": returned, "StatusCode": answer["StatusCode"]}
