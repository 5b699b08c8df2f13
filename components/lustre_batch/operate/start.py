"""Starting executions of the stack's state machine: runs, and what is handed on to the clean-up."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from .problems import Problem, code_of
from .stack import Stack

# As the run takes it (IsNameTaggable): everything it creates is found by a tag that holds the name.
_NAME: Final = re.compile(r"[A-Za-z0-9_.+=@!'()-]{1,80}")


def check(name: str | None) -> None:
    """Whether a run may have that name.

    Raises
    ------
    Problem
        When it is none.
    """
    if name is not None and _NAME.fullmatch(name) is None:
        raise Problem(
            f"--name: {name or repr('')} is not the name of a run: "
            "1 to 80 letters, digits, apostrophes and _ . + = @ ! ( ) -"
        )


def start(stack: Stack, values: Mapping[str, Any], name: str | None = None) -> str:
    """Start a run with that input; the ARN of its execution.

    Raises
    ------
    Problem
        When the name is taken, or there is no such machine.
    """
    name = name or _made_up()
    try:
        answer = stack.client("stepfunctions").start_execution(
            stateMachineArn=stack.arn, input=json.dumps(values), name=name
        )
    except ClientError as error:
        if code_of(error) == "ExecutionAlreadyExists":
            raise Problem(f"--name: {name} was the name of a run already, within 90 days; choose another") from None
        if code_of(error) in ("StateMachineDoesNotExist", "InvalidArn", "StateMachineDeleting"):
            raise Problem(
                f"there is no state machine {stack.arn} (for the account that you are signed in to)"
            ) from None
        raise
    return str(answer["executionArn"])


def _made_up() -> str:
    """A name that people can say, and that no other run of 90 days has."""
    from coolname import generate_slug  # late: it reads its words

    return f"{generate_slug(2)}-{secrets.token_hex(3)}"
