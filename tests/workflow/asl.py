"""Reading an Amazon States Language definition: its states, edges, tasks and expressions, as data for the tests to ask
questions of. It must never judge, and knows nothing of what the definition is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

import botocore.session
from botocore.model import OperationModel, ServiceModel
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser

State = Mapping[str, Any]
Node: TypeAlias = Any  # jsonata.parser.Parser.Symbol, which has no types

# Fields whose value Step Functions evaluates (Amazon States Language, "JSONata").
EVALUATED = ("Arguments", "Assign", "Output", "Condition", "Seconds", "Error", "Cause", "Items", "TimeoutSeconds")
EXPRESSION = re.compile(r"^\{%(.*)%\}$", re.S)


@dataclass(frozen=True)
class Edge:
    """One way from a state to the next, and the variables that are assigned on it."""

    source: str
    target: str
    kind: str  # next, catch, choice, default
    assigns: frozenset[str] = field(default_factory=frozenset)


def edges(name: str, state: State) -> Iterator[Edge]:
    """Every way out of a state. What a state assigns holds on its own way out only, not on those of its catchers."""
    own = frozenset(state.get("Assign", {}))
    if "Next" in state:
        yield Edge(name, state["Next"], "next", own)
    if "Default" in state:
        yield Edge(name, state["Default"], "default", own)
    for catcher in state.get("Catch", []):
        yield Edge(name, catcher["Next"], "catch", frozenset(catcher.get("Assign", {})))
    for rule in state.get("Choices", []):
        yield Edge(name, rule["Next"], "choice", frozenset(rule.get("Assign", {})))


def all_edges(states: Mapping[str, State]) -> list[Edge]:
    return [edge for name, state in states.items() for edge in edges(name, state)]


def reachable(start: str, ways: list[Edge], without: frozenset[str] = frozenset()) -> set[str]:
    """The states that can be reached without passing through some others."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in seen or name in without:
            continue
        seen.add(name)
        waiting += [edge.target for edge in ways if edge.source == name]
    return seen


# Ways that close a loop in the graph and never in an execution: an association that was mended is AVAILABLE or FAILED,
# and neither is mended again (test_export_decisions holds both choices to that).
NOT_TWICE = {
    ("IsThereAnythingToExport", "MendAssociation"),
    # A lane is given back once, on the way from the look at its environment to what that look was part of.
    ("GoOn", "WaitForCheckMetrics"),
    ("GoOn", "MayDeleteFileSystem"),
    # What follows the queue of exports has its own look at the environment, which leads back to the queue only while
    # that drains (draining).
    ("IsEnvironmentReleased", "DescribeReleasedEnvironment"),
}


def loops(states: Mapping[str, State]) -> list[set[str]]:
    """The strongly connected parts of the graph that are loops (Tarjan)."""
    following = {
        name: [edge.target for edge in edges(name, state) if (edge.source, edge.target) not in NOT_TWICE]
        for name, state in states.items()
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in following[name]:
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            part = set()
            while name not in part:
                part.add(stack.pop())
            if len(part) > 1 or name in following[name]:
                found.append(part)

    for name in states:
        if name not in index:
            visit(name)
    return found


def cycles_through(start: str, states: Mapping[str, State], within: set[str]) -> Iterator[list[str]]:
    """Every way from a state back to itself that visits no state twice."""
    following = {name: sorted({edge.target for edge in edges(name, states[name])} & within) for name in within}

    def extend(path: list[str]) -> Iterator[list[str]]:
        for target in following[path[-1]]:
            if target == start:
                yield path
            elif target not in path:
                yield from extend([*path, target])

    yield from extend([start])


# ---------------------------------------------------------------------- expressions
def expressions(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every JSONata expression in a nested value, with where it stands."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from expressions(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from expressions(item, f"{path}/{number}")
    elif isinstance(value, str) and (match := EXPRESSION.match(value)):
        yield path, match.group(1)


@cache
def parsed(expression: str) -> Node:
    return Jsonata(expression).ast


def children(node: Node) -> Iterator[Node]:
    """The parts of an expression, whatever they are called."""
    for key, value in vars(node).items():
        if key not in ("_outer_instance", "outer", "ancestor"):
            yield from _nodes(value)


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, Parser.Symbol):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from walk(child)


def called(node: Node) -> set[str]:
    """The names of the functions that an expression calls or hands on, its own ones left out."""
    calls = {each.procedure.value for each in walk(node) if each.type in ("function", "partial")}
    return {name for name in calls if name} - bound(node)


def bound(node: Node) -> set[str]:
    """The names that an expression binds itself, by := or as the parameters of a function."""
    names = {each.lhs.value for each in walk(node) if each.type == "bind"}
    return names | {argument.value for each in walk(node) if each.type == "lambda" for argument in each.arguments}


def read(node: Node) -> set[str]:
    """The workflow's variables that an expression reads."""
    variables = {each.value for each in walk(node) if each.type == "variable"}
    return {name for name in variables if name} - bound(node) - called(node) - {"states"}


# ---------------------------------------------------------------------- tasks
# The services the definition may name; Step Functions calls each as the Java SDK's package is called, which is the
# service id in small letters (Step Functions guide, AWS SDK service integrations).
SERVICES = (
    "batch",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "fsx",
    "logs",
    "secretsmanager",
    "service-quotas",
    "sns",
    "stepfunctions",
)


@cache
def service_models() -> dict[str, ServiceModel]:
    session = botocore.session.get_session()
    models = [session.get_service_model(name) for name in SERVICES]
    return {str(model.metadata["serviceId"]).replace(" ", "").lower(): model for model in models}


@dataclass(frozen=True)
class Task:
    """A task state that calls an AWS API through the SDK integration."""

    name: str
    state: State
    service: str  # as Step Functions calls it
    operation: str

    @property
    def service_model(self) -> ServiceModel:
        return service_models()[self.service]

    @property
    def model(self) -> OperationModel:
        return self.service_model.operation_model(self.operation[0].upper() + self.operation[1:])


def sdk_tasks(states: Mapping[str, State]) -> list[Task]:
    found = []
    for name, state in states.items():
        if match := re.search(r":states:::aws-sdk:(\w+):(\w+)$", state.get("Resource", "")):
            found.append(Task(name, state, match.group(1), match.group(2)))
    return found


# The integrations that Step Functions has made for single services, by what stands behind "states:::".
OPTIMISED = ("lambda:invoke", "states:startExecution", "states:startExecution.sync:2")


def optimised_tasks(states: Mapping[str, State]) -> dict[str, str]:
    """The states that call an optimised integration, and which."""
    found = {}
    for name, state in states.items():
        if match := re.search(r":states:::((?!aws-sdk:).+)$", state.get("Resource", "")):
            found[name] = match.group(1)
    return found
