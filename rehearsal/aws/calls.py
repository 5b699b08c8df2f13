"""Every API call of the process. Owns the one place that all boto3 clients pass (botocore's `_make_api_call`, so
clients created before the rehearsal, such as a Lambda's at module level, pass it too): parameters are checked against
botocore's models, the call is counted, authorised for the principal in force, met by planned faults, and answered by
our model of the operation or else by moto."""

from __future__ import annotations

import collections
import contextlib
import contextvars
import copy
import difflib
import functools
import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Any, Protocol

import botocore.client
import botocore.session
from botocore.exceptions import ClientError, ParamValidationError, UnknownServiceError
from botocore.model import OperationModel
from botocore.validate import ParamValidator
from pydantic import Field, field_validator

from .plan import Count, Plan, Seconds, refused

Answer = dict[str, Any]
Operation = Callable[[dict[str, Any]], Answer | None]
Authoriser = Callable[[str, str, str, dict[str, Any]], str | None]
# Told of a call before it is made: service, operation, parameters. What it returns is told how the call ended.
Observer = Callable[[str, str, dict[str, Any]], Callable[[Answer | BaseException], None]]

principal: contextvars.ContextVar[str | None] = contextvars.ContextVar("principal", default=None)
# The execution (its ARN) and the state that calls are made for.
whereabouts: contextvars.ContextVar[tuple[str, str] | None] = contextvars.ContextVar("whereabouts", default=None)
_internal: contextvars.ContextVar[bool] = contextvars.ContextVar("internal", default=False)

# Codes that a service answers with 5xx; everything else is a client error. AWS general reference, common errors.
SERVER_ERRORS = {
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "InternalServiceErrorException",
    "ServerException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
# Query and JSON protocols answer throttling with 400, REST ones (Batch, Lambda, S3) with 429 or 503.
THROTTLES = {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
REST_SERVICES = {"batch", "lambda", "s3"}


class Limiter(Protocol):
    """What decides whether a call comes too soon after others."""

    def refusal(self, service: str, operation: str, params: dict[str, Any]) -> str | None: ...
    def answered(
        self, service: str, operation: str, params: dict[str, Any], answer: Answer | BaseException
    ) -> None: ...


class ModelError(Exception):
    """What a model of ours refuses a call with: an AWS error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoAnswer(BaseException):
    """A call that hangs: how long to wait for its answer is up to whoever made it, and to no handler of exceptions."""


HANG = "hang"


class Fault(Plan):
    """Calls that fail as planned: `times` of them after the first `skip`, or all from one moment to another.

    With a window (`at`, `for`) only the calls within it are counted, and all of them fail unless `times` says less.
    """

    call: str
    """`service:Operation`, as botocore names them; `service:*` is every operation of a service, `*:*` every call."""
    state: str | None = None
    """Only calls that a state of that name makes."""
    error: str = "ThrottlingException"
    """The error's code; `hang`: there is no answer until the caller's time-out."""
    times: Annotated[int, Field(ge=1)] | None = None
    """How often it fails; if absent, once, or every time between `at` and `at` + `for`."""
    skip: Count = 0
    """How many calls succeed first."""
    after: bool = False
    """The call takes effect and only its answer is lost."""
    at: Seconds | None = None
    """Only from this moment on, from the scenario's start; only calls from then on are counted."""
    for_: Annotated[float, Field(gt=0, json_schema_extra={"unit": "s"})] | None = Field(default=None, alias="for")
    """Only for so long; if absent, for ever."""

    @field_validator("call")
    @classmethod
    def _is_known(cls, call: str) -> str:
        service, _, operation = call.partition(":")
        known = {name.casefold() for name in _operations(service)}
        formed = re.fullmatch(r"[a-z0-9-]+:([A-Z][A-Za-z0-9]+|\*)", call)
        if call == "*:*" or (formed and known and (operation == "*" or operation.casefold() in known)):
            return call
        rule = "AWS has no such call" if formed else "write service:Operation, such as fsx:CreateFileSystem"
        near = _nearest(call)
        raise refused(f"{rule}; did you mean {near}?" if near else rule)

    @property
    def is_window(self) -> bool:
        return self.at is not None or self.for_ is not None

    def covers(self, call: str, elapsed: float) -> bool:
        """Whether the fault is about that call, `elapsed` seconds after the start."""
        if self.state is not None and self.state != (whereabouts.get() or ("", ""))[1]:
            return False
        service, _, operation = self.call.casefold().partition(":")
        its_service, _, its_operation = call.casefold().partition(":")
        if service not in ("*", its_service) or operation not in ("*", its_operation):
            return False
        begin = self.at or 0.0
        return begin <= elapsed and (self.for_ is None or elapsed < begin + self.for_)

    @property
    def most(self) -> float:
        """How many calls fail at most."""
        if self.times is not None:
            return self.times
        return math.inf if self.is_window else 1

    def strikes(self, number: int) -> bool:
        """Whether it strikes the so-manieth of the calls that it covers, counted from 1."""
        return self.skip < number <= self.skip + self.most


@functools.cache
def _operations(service: str) -> tuple[str, ...]:
    """What can be asked of a service; nothing of one that botocore does not know."""
    try:
        return tuple(botocore.session.get_session().get_service_model(service).operation_names)
    except UnknownServiceError:
        return ()


def _nearest(call: str) -> str | None:
    """The call that may have been meant by one that does not exist."""
    service, _, operation = (call if ":" in call else call.replace(".", ":", 1)).partition(":")
    services = botocore.session.get_session().get_available_services()
    its = difflib.get_close_matches(service.casefold(), services, 1)
    if not its or operation == "*":
        return f"{its[0]}:*" if its else None
    spelt = {name.casefold(): name for name in _operations(its[0])}
    near = difflib.get_close_matches(operation.casefold(), spelt, 1)
    return f"{its[0]}:{spelt[near[0]]}" if near else None


def status_code(service: str, code: str) -> int:
    if code in SERVER_ERRORS:
        return 503 if "Unavailable" in code else 500
    if code in THROTTLES and service in REST_SERVICES:
        return 429
    return 404 if code.startswith("ResourceNotFound") else 403 if code.startswith("AccessDenied") else 400


def client_error(service: str, operation: str, code: str, message: str) -> ClientError:
    metadata = {"HTTPStatusCode": status_code(service, code), "RequestId": str(uuid.uuid4()), "RetryAttempts": 0}
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, operation)


@contextlib.contextmanager
def acting_as(role_arn: str | None) -> Iterator[None]:
    """Make the calls of this block in the name of that role."""
    token = principal.set(role_arn)
    try:
        yield
    finally:
        principal.reset(token)


@contextlib.contextmanager
def internally() -> Iterator[None]:
    """Make the calls of this block as AWS itself: not counted, not authorised, never faulted."""
    token = _internal.set(True)
    try:
        yield
    finally:
        _internal.reset(token)


class Calls:
    """The switchboard of one account."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._began = 0.0  # what the windows of faults count from
        self.operations: dict[tuple[str, str], Operation] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self.faults: list[Fault] = []
        self.authoriser: Authoriser | None = None
        self.limiter: Limiter | None = None  # of the calls that roles make
        self.observer: Observer | None = None  # of every call that a role makes
        self.met: collections.Counter[int] = collections.Counter()  # by a fault's place: the calls that it covers
        self._validator = ParamValidator()
        self._original: Callable[..., Any] | None = None

    def answer(self, service: str, **operations: Operation) -> None:
        """Register models: the keyword is the operation's name as AWS spells it."""
        self.operations.update({(service, name): operation for name, operation in operations.items()})

    def reset(self, faults: Iterable[Fault] = ()) -> None:
        """Count from zero again and from now, with these faults and without an authoriser."""
        self.counts.clear()
        self.disarm()
        self._began = self._now()
        self.faults = list(faults)

    def disarm(self) -> None:
        """From now on, no call fails as planned and none is refused."""
        self.met.clear()
        self.faults = []
        self.authoriser = None

    def ask_moto(self, client: Any, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Let moto answer a call whose model only adds to it; its refusals pass through as they are."""
        if self._original is None:
            raise RuntimeError("the account is not entered")
        return dict(self._original(client, operation, params))

    def __enter__(self) -> Calls:
        original = self._original = botocore.client.BaseClient._make_api_call
        calls = self

        def _make_api_call(client: Any, operation_name: str, api_params: dict[str, Any]) -> Any:
            return calls.observed(client, operation_name, api_params, original)

        botocore.client.BaseClient._make_api_call = _make_api_call
        return self

    def __exit__(self, *_: object) -> None:
        botocore.client.BaseClient._make_api_call = self._original

    def observed(self, client: Any, operation: str, params: dict[str, Any], to_moto: Callable[..., Any]) -> Any:
        if self.observer is None or principal.get() is None or _internal.get():
            return self.make(client, operation, params, to_moto)
        ended = self.observer(client.meta.service_model.service_name, operation, params)
        try:
            answer = self.make(client, operation, params, to_moto)
        except (Exception, NoAnswer) as error:
            ended(error)
            raise
        ended(answer)
        return answer

    def make(self, client: Any, operation: str, params: dict[str, Any], to_moto: Callable[..., Any]) -> Any:
        service: str = client.meta.service_model.service_name
        model: OperationModel = client.meta.service_model.operation_model(operation)
        self._validate(model, params)
        if _internal.get():
            return self._take_effect(client, service, operation, params, to_moto)
        self.counts[f"{service}:{operation}"] += 1
        self._throttle(service, operation, params)
        self.authorise(service, operation, params)
        fault = self._fault(service, operation)
        if fault is not None and not fault.after:
            raise self._faulted(service, operation, fault)
        try:
            answer = self._take_effect(client, service, operation, params, to_moto)
        except Exception as error:
            self._charge(service, operation, params, error)
            raise
        self._charge(service, operation, params, answer)
        if fault is not None:
            raise self._faulted(service, operation, fault)
        return answer

    def _throttle(self, service: str, operation: str, params: dict[str, Any]) -> None:
        if self.limiter is None or principal.get() is None:
            return
        code = self.limiter.refusal(service, operation, params)
        if code is not None:
            raise client_error(service, operation, code, "Rate exceeded")

    def _charge(self, service: str, operation: str, params: dict[str, Any], answer: Any) -> None:
        if self.limiter is not None and principal.get() is not None:
            self.limiter.answered(service, operation, params, answer)

    def _validate(self, model: OperationModel, params: dict[str, Any]) -> None:
        if model.input_shape is None:
            return
        # Idempotency tokens are filled in by every SDK when they are left out.
        required = {**dict.fromkeys(model.idempotent_members, "x" * 36), **params}
        report = self._validator.validate(required, model.input_shape)
        if report.has_errors():
            raise ParamValidationError(report=report.generate_report())

    def authorise(self, service: str, operation: str, params: dict[str, Any]) -> None:
        """Raise AWS's refusal when the principal in force may not make that call."""
        role_arn = principal.get()
        if role_arn is None or self.authoriser is None:
            return
        refusal = self.authoriser(role_arn, service, operation, params)
        if refusal is not None:
            code = "UnauthorizedOperation" if service == "ec2" else "AccessDeniedException"
            raise client_error(service, operation, code, refusal)

    def _fault(self, service: str, operation: str) -> Fault | None:
        hit: Fault | None = None
        elapsed = self._now() - self._began
        for number, fault in enumerate(self.faults):
            if not fault.covers(f"{service}:{operation}", elapsed):
                continue
            self.met[number] += 1
            if hit is None and fault.strikes(self.met[number]):
                hit = fault
        return hit

    @staticmethod
    def _faulted(service: str, operation: str, fault: Fault) -> ClientError | NoAnswer:
        if fault.error == HANG:
            return NoAnswer(f"{service}:{operation} does not answer (planned by the scenario)")
        return client_error(service, operation, fault.error, f"{fault.error} (planned by the scenario)")

    def _take_effect(
        self, client: Any, service: str, operation: str, params: dict[str, Any], to_moto: Callable[..., Any]
    ) -> Any:
        modelled = self.operations.get((service, operation))
        if modelled is None:
            return to_moto(client, operation, params)
        try:
            answer = modelled(copy.deepcopy(params)) or {}
        except ModelError as error:
            raised = client_error(service, operation, error.code, str(error))
            raise client.exceptions.from_code(error.code)(raised.response, operation) from None
        return {
            **copy.deepcopy(answer),
            "ResponseMetadata": {"HTTPStatusCode": 200, "RequestId": "", "RetryAttempts": 0},
        }
