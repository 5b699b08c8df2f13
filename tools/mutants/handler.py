"""The mutants of the Lambda: its operators, its numbers and its booleans."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

from tools.mutants.mutant import HANDLER, Mutant

OPPOSITES: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
BOUNDARIES: dict[type[ast.AST], type[ast.AST]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}


def of_handler(source: str) -> Iterator[Mutant]:
    """Every operator replaced by its opposite or shifted by one, every number and every boolean by its neighbour."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _breaks(node):
            broken = copy.deepcopy(tree)
            change(next(each for index, each in enumerate(ast.walk(broken)) if index == number))
            ast.fix_missing_locations(broken)
            where = f"line {getattr(node, 'lineno', 0)}"
            yield Mutant(f"handler {where}: {what}", "handler", where, compile(broken, str(HANDLER), "exec"))


def _breaks(node: ast.AST) -> Iterator[tuple[str, Callable[[Any], None]]]:
    def operator(index: int, other: type[ast.AST]) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.ops[index] = other()

        return change

    def replaced(other: type[ast.AST]) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.op = other()

        return change

    def valued(value: Any) -> Callable[[Any], None]:
        def change(found: Any) -> None:
            found.value = value

        return change

    if isinstance(node, ast.Compare):
        text = ast.unparse(node)
        for index, each in enumerate(node.ops):
            for table in (OPPOSITES, BOUNDARIES):
                if other := table.get(type(each)):
                    yield f"{type(each).__name__} is {other.__name__} in {text}", operator(index, other)
    elif isinstance(node, ast.BoolOp | ast.BinOp) and (other := OPPOSITES.get(type(node.op))):
        yield f"{type(node.op).__name__} is {other.__name__} in {ast.unparse(node)}", replaced(other)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} is {not node.value}", valued(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} is {node.value + 1}", valued(node.value + 1)
