"""What a Task state does outside the interpreter. Owns the SDK and Lambda integrations: arguments in, one API call of
the account in the name of the state machine's role, an answer or a named error out; `nested` has executions within
executions. It must never retry: the definition does."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from ..calls import NoAnswer, acting_as
from ..context import Context
from . import naming
from .interpreter import TaskFailure
from .nested import Nested, Waiting

# Virtual time one task takes, half before the call takes effect and half after, so that an execution can be stopped on
# either side of it. A typical SDK task takes 100 to 300 ms.
TASK_SECONDS = 0.2
# How long the SDK inside Step Functions waits for an answer when the state has no TimeoutSeconds is not documented; a
# minute is what botocore waits by default (botocore Config, read_timeout).
SDK_TIMEOUT_SECONDS = 60.0
# Optimised integrations that are plain API calls; `lambda` and `states` answer differently, `aws-sdk` covers the rest.
PLAIN = {"sns", "events"}
INVOKE_ARGUMENTS = {"FunctionName", "Payload", "Qualifier", "ClientContext", "InvocationType", "LogType"}


class Integrations:
    """Carries out Task states."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._prefixes = dict(naming.PREFIXES)
        self.nested = Nested(context, self._call)

    def reset(self, fsx_error_prefix: str) -> None:
        self._prefixes = {**naming.PREFIXES, "fsx": fsx_error_prefix}

    def perform(self, execution: Waiting, task: Any, arguments: Any, timeout_seconds: float | None) -> Any:
        """Carry out one attempt of a Task state and return its raw result.

        An answer that does not come within TimeoutSeconds is States.Timeout with an empty cause.
        """
        clock = self._context.clock
        began = clock.now()
        try:
            result = self._perform(execution, task.resource, arguments, timeout_seconds)
        except NoAnswer:
            patience = SDK_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
            clock.sleep(max(0.0, began + patience - clock.now()))
            if timeout_seconds is None:
                name = f"{self._prefix_of(task.resource)}.SdkClientException"
                raise TaskFailure(name, "Unable to execute HTTP request: Read timed out") from None
            raise TaskFailure("States.Timeout", "") from None
        if timeout_seconds is not None and clock.now() - began > timeout_seconds:
            raise TaskFailure("States.Timeout", "")
        return result

    def _prefix_of(self, resource: Any) -> str:
        if resource.service_name == "states":
            return naming.NESTED_PREFIX
        return self._prefix(naming.BOTO_SERVICES.get(resource.api_name, resource.api_name))

    def _prefix(self, service: str) -> str:
        return self._prefixes.get(service, service.capitalize())

    def _perform(self, execution: Waiting, resource: Any, arguments: Any, timeout_seconds: float | None) -> Any:
        if not isinstance(arguments, dict):
            raise TaskFailure("States.Runtime", "Arguments must be an object")
        service, action = resource.api_name, resource.api_action
        with acting_as(execution.role_arn):
            if resource.service_name == "states":
                return self.nested.perform(execution, resource, arguments, timeout_seconds)
            if resource.condition is not None:
                raise NotImplementedError(f"{resource.resource_arn}: waiting is rehearsed for nested executions only")
            if resource.service_name == "lambda":
                return self._invoke(action, arguments)
            if resource.service_name != "aws-sdk" and resource.service_name not in PLAIN:
                raise NotImplementedError(f"{resource.resource_arn}: this integration is not rehearsed")
            return self._call(naming.BOTO_SERVICES.get(service, service), action, arguments)

    def _call(
        self, service: str, action: str, arguments: dict[str, Any], prefix: str = "", base: str | None = None
    ) -> Any:
        client = self._context.client(service)
        model = client.meta.service_model
        prefix = prefix or self._prefix(service)
        operation = action[0].upper() + action[1:]
        if action[0].isupper() or operation not in model.operation_names:
            raise TaskFailure("States.Runtime", f"The action '{service}:{action}' is not supported by Step Functions")
        shapes = model.operation_model(operation)
        try:
            params = naming.to_boto(arguments, shapes.input_shape) if shapes.input_shape else {}
        except naming.UnknownMember as error:
            raise TaskFailure("States.Runtime", str(error)) from None
        answer = self._send(client, operation, params, prefix, base)
        answer.pop("ResponseMetadata", None)
        return naming.from_boto(answer, shapes.output_shape)

    def _send(
        self, client: Any, operation: str, params: dict[str, Any], prefix: str, base: str | None = None
    ) -> dict[str, Any]:
        self._context.clock.sleep(TASK_SECONDS / 2)
        try:
            answer: dict[str, Any] = client._make_api_call(operation, params)
        except ParamValidationError as error:
            raise TaskFailure(f"{prefix}.SdkClientException", str(error)) from None
        except ClientError as error:
            raise _failure(client.meta.service_model, error, prefix, base) from None
        self._context.clock.sleep(TASK_SECONDS / 2)
        return answer

    def _invoke(self, action: str, arguments: dict[str, Any]) -> Any:
        """`states:::lambda:invoke`: the payload as JSON both ways, a function's own error under its class's name."""
        if action != "invoke" or set(arguments) - INVOKE_ARGUMENTS or "FunctionName" not in arguments:
            given = sorted(arguments)
            raise TaskFailure("States.Runtime", f"lambda:{action} is not supported with the arguments {given}")
        payload = json.dumps(arguments.get("Payload", {})).encode()
        answer = self._send(self._context.client("lambda"), "Invoke", {**arguments, "Payload": payload}, "Lambda")
        returned = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise TaskFailure(returned.get("errorType", "Exception"), json.dumps(returned))
        return {"ExecutedVersion": "$LATEST", "Payload": returned, "StatusCode": answer["StatusCode"]}


def _failure(model: Any, error: ClientError, prefix: str, base: str | None) -> TaskFailure:
    details, metadata = error.response["Error"], error.response.get("ResponseMetadata", {})
    cause = (
        f"{details.get('Message', '')} (Service: {naming.service_label(model)}, "
        f"Status Code: {metadata.get('HTTPStatusCode', 400)}, Request ID: {metadata.get('RequestId', '')})"
    )
    return TaskFailure(naming.error_name(model, details["Code"], prefix, base), cause)
