"""Checks of literal and computed values against the shapes of an API: what is handed in, and what is read of answers.
It must never guess: what only shows at run time counts as unknown, not as right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from botocore.model import ListShape, MapShape, Shape, StructureShape

from rehearsal.aws.states.naming import sdk_name
from tests.workflow.asl import EXPRESSION, Node, children, parsed

# The shape of what an expression may read: a shape of the model, or one of these.
UNKNOWN, NOTHING, STATES = "unknown", "nothing", "$states"
Context: TypeAlias = Shape | str | None


class Arguments:
    """Checks arguments, literal ones and those that an expression makes, against the shape of an operation's input."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def check(self, value: Any, shape: Shape, path: str) -> set[str]:
        """Note what is wrong, and give the members that are surely there."""
        if isinstance(value, str) and (match := EXPRESSION.match(value)):
            return self.check_node(parsed(match.group(1)), shape, path)
        if isinstance(value, Mapping) and isinstance(shape, StructureShape):
            return self.check_members([(key, item) for key, item in value.items()], shape, path, self.check)
        if isinstance(value, list) and isinstance(shape, ListShape):
            for number, item in enumerate(value):
                self.check_whole(item, shape.member, f"{path}[{number}]", self.check)
        else:
            self.check_literal(value, shape, path)
        return set()

    def check_whole(self, value: Any, shape: Shape, path: str, check: Any) -> None:
        """A value that nothing is merged with: what is required has to be in it."""
        present = check(value, shape, path)
        opaque = present == {"*"}
        if isinstance(shape, StructureShape) and not opaque:
            missing = {sdk_name(name) for name in shape.required_members} - present
            missing -= {sdk_name(name) for name, member in shape.members.items() if is_token(member)}
            self.problems += [f"{path}: {name} is missing" for name in sorted(missing)]

    def check_members(self, pairs: list[tuple[str, Any]], shape: StructureShape, path: str, check: Any) -> set[str]:
        members = {sdk_name(name): member for name, member in shape.members.items()}
        for key, item in pairs:
            if key not in members:
                self.problems.append(f"{path}.{key}: not a member of {shape.name}")
            else:
                self.check_whole(item, members[key], f"{path}.{key}", check)
        return {key for key, _ in pairs}

    def check_literal(self, value: Any, shape: Shape, path: str) -> None:
        wanted: dict[str, tuple[type, ...]] = {
            "string": (str,),
            "integer": (int,),
            "long": (int,),
            "boolean": (bool,),
            "list": (list,),
            "map": (dict,),
            "structure": (dict,),
        }
        if type(value) not in wanted.get(shape.type_name, (object,)):
            self.problems.append(f"{path}: {value!r} is no {shape.type_name}")
        enumeration = getattr(shape, "enum", None)
        if enumeration and value not in enumeration:
            self.problems.append(f"{path}: {value!r} is not one of {enumeration}")

    def check_node(self, node: Node, shape: Shape, path: str) -> set[str]:
        """The same for what an expression makes; "*" stands for what only shows when it runs."""
        kind = node.type
        if kind == "unary" and node.value == "{" and isinstance(shape, StructureShape):
            pairs = [(key.value, item) for key, item in node.lhs_object]
            return self.check_members(pairs, shape, path, self.check_node)
        if kind == "unary" and node.value == "[" and isinstance(shape, ListShape):
            for item in node.expressions:
                element = shape if item.type == "function" else shape.member
                self.check_whole(item, element, f"{path}[]", self.check_node)
            return {"*"}
        if kind == "function" and node.procedure.value == "map" and isinstance(shape, ListShape):
            self.check_whole(node.arguments[1].body, shape.member, f"{path}[]", self.check_node)
            return {"*"}
        if kind == "function" and node.procedure.value == "append" and isinstance(shape, ListShape):
            for part in node.arguments:
                self.check_node(part, shape, path)
            return {"*"}
        if kind == "function" and node.procedure.value == "merge":
            (given,) = node.arguments
            surely: set[str] = set()
            for part in given.expressions if given.type == "unary" else []:
                surely |= self.check_node(part, shape, path)
            return surely or {"*"}
        if kind == "condition":
            arms = [self.check_node(arm, shape, path) for arm in (node.then, node._else)]
            return arms[0] & arms[1]
        if kind in ("block", "unary") and getattr(node, "expressions", None):
            return self.check_node(node.expressions[-1], shape, path)
        if kind in ("string", "number", "value"):
            self.check_literal(node.value, shape, path)
            return set()
        return {"*"}


def is_token(member: Shape) -> bool:
    return bool(member.serialization.get("idempotencyToken") or member.metadata.get("idempotencyToken"))


class Answers:
    """Follows what an expression reads of an answer through the shape of the operation's output."""

    def __init__(self, output: Context) -> None:
        self.output = output
        self.problems: list[str] = []
        self.paths = 0

    def member(self, context: Context, name: str) -> Context:
        if context == STATES:
            return self.output if name == "result" else UNKNOWN
        if context == NOTHING:
            self.problems.append(f"{name} is read of nothing; a variable needs its $")
            return UNKNOWN
        while isinstance(context, ListShape):
            context = context.member
        if isinstance(context, MapShape):
            return context.value
        if isinstance(context, StructureShape):
            members = {sdk_name(key): shape for key, shape in context.members.items()}
            self.paths += 1
            if name not in members:
                self.problems.append(f"{name} is not a member of {context.name}")
                return UNKNOWN
            return members[name]
        if isinstance(context, Shape):
            self.problems.append(f"{name} is read of {context.name}, which is a {context.type_name}")
        return UNKNOWN

    def follow(self, node: Node, context: Context, bound: dict[str, Context]) -> Context:
        """The shape of what a part of an expression gives."""
        kind = node.type
        if kind == "variable":
            if not node.value and context == NOTHING:
                self.problems.append("$ has no value at the top level")
            own = bound.get(node.value, UNKNOWN) if node.value else context
            return self.filtered(node, STATES if node.value == "states" else own, bound)
        if kind == "name":
            return self.filtered(node, self.member(context, node.value), bound)
        if kind == "path":
            for step in node.steps:
                literal = step.type == "string"  # a member whose name has to be quoted
                context = self.member(context, step.value) if literal else self.follow(step, context, bound)
                context = self.filtered(step, context, bound) if literal else context
            return context
        if kind == "bind":
            bound[node.lhs.value] = self.follow(node.rhs, context, bound)
            return bound[node.lhs.value]
        if kind == "lambda":
            return self.follow(node.body, context, dict(bound))
        last: Context = UNKNOWN
        stages = {id(stage) for stage in stages_of(node)}
        for child in children(node):
            if id(child) not in stages:
                last = self.follow(child, context, bound)
        return self.filtered(node, last if kind == "block" else UNKNOWN, bound)

    def filtered(self, node: Node, context: Context, bound: dict[str, Context]) -> Context:
        for stage in stages_of(node):
            inner = context
            while isinstance(inner, ListShape):
                inner = inner.member
            self.follow(stage.expr, inner, bound)
        return context


def stages_of(node: Node) -> list[Node]:
    return [*(getattr(node, "stages", None) or []), *(getattr(node, "predicate", None) or [])]
