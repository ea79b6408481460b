"""Arithmetic written in a questionnaire: ``35*(m07 - m02)``, ``1 + chosen(goals, 2)``.

Parsed once, checked against the known names, and evaluated on anything that adds and multiplies: floats, NumPy arrays.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar


class _Number(Protocol):
    def __add__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...


N = TypeVar("N", bound=_Number)

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
DEEPEST = 300
"""How many operations may hang one below the other: enough for a sum of as many items, and well inside the stack."""


class Formula:
    """A checked formula.

    ``names`` are the items whose values it needs, ``chosen`` the (pick item, code) pairs it asks about;
    ``chosen(item, code)`` is 1 where the code was picked and 0 where not.
    Raises ``ValueError`` with the place for anything but numbers, names, + − × ÷, brackets and ``chosen``.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.names: set[str] = set()
        self.chosen: set[tuple[str, int]] = set()
        self._tree = _parse(source.strip())
        self._check(self._tree)

    def _check(self, node: ast.expr, depth: int = 0) -> None:
        if depth > DEEPEST:
            raise ValueError(f"nests deeper than {DEEPEST} operations")
        match node:
            case ast.Constant(value=int() | float()) if not isinstance(node.value, bool):
                pass
            case ast.Name(id=name):
                self.names.add(name)
            case ast.BinOp(op=ast.Div(), right=right) if not (isinstance(right, ast.Constant) and right.value):
                raise ValueError(f"divides by {ast.unparse(right)!r}; only a number other than 0 may stand there")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                self._check(left, depth + 1)
                self._check(right, depth + 1)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                self._check(operand, depth + 1)
            case ast.Call(
                func=ast.Name(id="chosen"), args=[ast.Name(id=name), ast.Constant(value=int() as code)], keywords=[]
            ) if not isinstance(code, bool):
                self.chosen.add((name, code))
            case _:
                raise ValueError(
                    f"has {ast.unparse(node)!r}, where only numbers, items, + - * / and chosen(item, code) are known"
                )

    def evaluate(self, values: Mapping[str, N], chosen: Mapping[tuple[str, int], N] | None = None) -> N:
        """The formula's value; ``values`` by item id, ``chosen`` by (pick item id, code)."""
        result: N = self._value(self._tree, values, chosen or {})
        return result

    def _value(self, node: ast.expr, values: Mapping[str, N], chosen: Mapping[tuple[str, int], N]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return values[name]
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self._value(left, values, chosen), self._value(right, values, chosen))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self._value(operand, values, chosen))
            case ast.Call(args=[ast.Name(id=name), ast.Constant(value=int() as code)]):
                return chosen[name, code]
        raise AssertionError(f"unchecked node {node!r}")


def _parse(source: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "1or 2" is told below, as what is no formula
            return ast.parse(source, mode="eval").body
    except SyntaxError as error:
        place = f" at column {error.offset}" if error.offset else ""
        raise ValueError(f"is no formula: {error.msg}{place}") from None
    except (RecursionError, MemoryError):  # the latter is how the parser says that its own stack is full
        raise ValueError(f"nests deeper than {DEEPEST} operations") from None
