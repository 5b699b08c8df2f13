"""Lambda functions of the account, run for real. Owns loading a deployed function's own code and calling its handler in
this process with the function's environment and role. It must never run the repository's code, only what was
deployed."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import sys
import tempfile
import traceback
import zipfile
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from .calls import ModelError, NoAnswer, acting_as
from .context import Context


class Functions:
    """Answers lambda:Invoke."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = tempfile.TemporaryDirectory(prefix="rehearsal-lambda-")
        self._modules: dict[tuple[str, str], ModuleType] = {}
        context.calls.answer("lambda", Invoke=self.invoke)

    def close(self) -> None:
        self._folder.cleanup()

    def invoke(self, params: dict[str, Any]) -> dict[str, Any]:
        function = self._function(params["FunctionName"])
        event = json.loads(params.get("Payload") or b"{}")
        variables = {**function.environment_vars, "AWS_LAMBDA_FUNCTION_NAME": function.function_name}
        with mock.patch.dict(os.environ, variables), acting_as(function.role):
            try:
                answer = self._handler(function)(event, SimpleNamespace(function_name=function.function_name))
                body, failed = json.dumps(answer), {}
            except Exception as error:
                body, failed = json.dumps(_error(error)), {"FunctionError": "Unhandled"}
            except NoAnswer:
                # boto3 waits a minute for an answer and asks four times more (botocore Config, read_timeout, retries):
                # Lambda ends the function before that.
                self._context.clock.sleep(float(function.timeout))
                body, failed = json.dumps(_timed_out(function.timeout)), {"FunctionError": "Unhandled"}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(body.encode()), **failed}

    def _function(self, name: str) -> Any:
        try:
            return self._context.backend("lambda").get_function(name)
        except Exception:
            message = f"Function not found: {name}"
            raise ModelError("ResourceNotFoundException", message) from None

    def _handler(self, function: Any) -> Any:
        module_name, _, attribute = function.handler.rpartition(".")
        digest = hashlib.sha256(function.code_bytes).hexdigest()
        key = (digest, function.handler)
        if key not in self._modules:
            folder = os.path.join(self._folder.name, digest)
            zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(folder)
            self._modules[key] = _load(folder, module_name, digest)
        return getattr(self._modules[key], attribute)


def _load(folder: str, module_name: str, digest: str) -> ModuleType:
    path = os.path.join(folder, *module_name.split(".")) + ".py"
    spec = importlib.util.spec_from_file_location(f"deployed_{digest[:12]}_{module_name}", path)
    if spec is None or spec.loader is None or not os.path.exists(path):
        raise ImportError(f"Unable to import module '{module_name}': no such file in the deployed code")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    with mock.patch.object(sys, "path", [folder, *sys.path]):
        spec.loader.exec_module(module)
    return module


def _timed_out(seconds: int) -> dict[str, Any]:
    """Lambda guide, troubleshooting: what a function that runs into its time-out looks like to the caller."""
    message = f"RequestId: - Error: Task timed out after {seconds}.00 seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": message}


def _error(error: Exception) -> dict[str, Any]:
    """Lambda guide, Python errors: what an unhandled exception looks like to the caller."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__),
    }
