"""One account per test, and a state machine from a few states."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal.account import Account
from rehearsal.executions import Execution

ROLE = "arn:aws:iam::123456789012:role/machine"


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as embedded:
        yield embedded


Run = Callable[..., Execution]


@pytest.fixture
def run(account: Account) -> Run:
    """Run a JSONata definition to its end and give the execution."""

    def run_states(states: dict[str, Any], input: Any = None, seconds: float = 1e7, name: str = "machine") -> Execution:
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}
        client = account.client("stepfunctions")
        machine = client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(input or {}))
        execution = account.executions.all[arn["executionArn"]]
        account.clock.run(account.clock.now() + seconds, stop=lambda: execution.status != "RUNNING")
        return execution

    return run_states
