"""Step Functions' own TestState is asked about every state that the scenarios visit, and its answers are compared with
what the rehearsal did: `make conform`. It calls nothing but TestState, and creates nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.play.scenario import load
from tools.conform import page
from tools.conform.attempts import Attempt, included, record
from tools.conform.comparison import differences

# What AWS has against one request, as opposed to against whoever asks (SDK TestState, Errors).
REFUSALS = {"InvalidArn", "InvalidDefinition", "InvalidExecutionInput", "ValidationException"}
CONFORMS, DIFFERS, NOT_ASKED = 0, 1, 2
NEEDED = (
    "AWS credentials are needed that may states:TestState; nothing was sent. "
    'What would be, without any: make conform ARGS="--dry-run --requests FILE"'
)


def ask(client: Any, made: page.Plan) -> list[tuple[str, list[str]]]:
    """Send every request; the names of the attempts that differ, and how."""
    differing: list[tuple[str, list[str]]] = []
    for number, (attempt, asked) in enumerate(made.requests, 1):
        _progress(f"{number:,} of {len(made.requests):,} requests, {len(differing):,} with differences")
        try:
            what = differences(attempt, client.test_state(**asked))
        except ClientError as error:
            if error.response["Error"]["Code"] not in REFUSALS:
                raise
            what = [f"refused: {error.response['Error']['Message']}"]
        if what:
            differing.append((named(attempt), what))
    _progress("")
    return differing


def named(attempt: Attempt) -> str:
    """Which attempt it is: the first of its kind, in the alphabet of scenarios."""
    ended = attempt.outcome
    how = ended.status.lower().replace("_", " ") + (f" ({ended.error[0]})" if ended.error else "")
    way = f", then {ended.next_state}" if ended.next_state else ""
    return f"{attempt.part}.{attempt.state}: {how}{way}, in {attempt.scenario}"


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _write_requests(made: page.Plan, file: str) -> None:
    lines = [json.dumps({"attempt": named(attempt), "TestState": asked}) for attempt, asked in made.requests]
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    Path(file).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def main(
    arguments: list[str] | None = None,
    open_session: Callable[[], Any] = boto3.Session,
    scenarios: Iterable[str] | None = None,
) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.conform", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="send nothing; no credentials are needed")
    parser.add_argument("--requests", default="", metavar="FILE", help="write the requests to a file, one a line")
    parser.add_argument("--write", action="store_true", help="write docs/conform.md as well")
    options = parser.parse_args(arguments)
    try:
        # Before anything is played: while it is, every client of this process talks to the embedded AWS.
        session = None if options.dry_run else open_session()
        if session is not None and session.get_credentials() is None:
            print(f"conform: {NEEDED}", file=sys.stderr)
            return NOT_ASKED
        print("conform: playing every scenario first, which takes a minute or two", file=sys.stderr)
        made = page.plan(record(map(load, included() if scenarios is None else scenarios)))
        if options.requests:
            _write_requests(made, options.requests)
        print(f"{len(made.requests):,} requests about {sum(len(made.sent(part)) for part in made.states)} states")
        parts, differing = page.tables(made), list[tuple[str, list[str]]]()
        if session is not None:
            client = session.client(
                "stepfunctions",
                region_name=session.region_name or "us-east-1",
                config=Config(retries={"mode": "adaptive", "max_attempts": 10}),  # its rate is not documented
            )
            differing = ask(client, made)
            parts["found"] = page.found(made, client.meta.region_name, differing)
    except (BotoCoreError, ClientError) as error:
        print(f"conform: {error}", file=sys.stderr)
        return NOT_ASKED
    for name, what in differing:
        print(f"{name}:", *what, sep="\n  ")
    if session is not None:
        print(f"{len(differing):,} with differences")
    if options.write:
        page.write(parts)
    return DIFFERS if differing else CONFORMS


if __name__ == "__main__":
    sys.exit(main())
