"""A stack's scenarios as they were played, and AWS as far as the stand-in is it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from rehearsal.play.scenario import load
from tests.conform.engines import PythonEngine
from tests.conform.stand_in import Refused, StandIn
from tools.conform.attempts import Attempt, included, record


@pytest.fixture(scope="session")
def attempts() -> list[Attempt]:
    return record(map(load, included()))


class Wire:
    """Where boto3 would send its requests: what arrives there, and what the stand-in answers."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.stand_in = StandIn(PythonEngine())
        self.denied = False

    def session(self) -> Any:
        session = boto3.Session("someone", "secret", region_name="eu-central-1")
        session.events.register("before-send", self.answer)
        return session

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        self.operations.append(target.decode() if isinstance(target, bytes) else target)
        if self.denied:
            return _response(400, {"__type": "AccessDeniedException", "message": "not authorized to perform it"})
        try:
            return _response(200, self.stand_in.test_state(json.loads(request.body)))
        except Refused as error:
            return _response(400, {"__type": error.code, "message": str(error)})


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _response(status: int, content: dict[str, Any]) -> AWSResponse:
    return AWSResponse("", status, {}, _Body(json.dumps(content).encode()))


@pytest.fixture
def wire() -> Wire:
    return Wire()
