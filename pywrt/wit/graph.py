"""What depends on what, in an order that works."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

_Node = TypeVar("_Node")


class CycleError(Exception, Generic[_Node]):
    """`chain` are nodes that depend each on the next, the last on the first; `edge` is what closes it."""

    def __init__(self, chain: list[_Node], edge: Any) -> None:
        super().__init__()
        self.chain = chain
        self.edge = edge


def in_order(nodes: Iterable[_Node], needs: Callable[[_Node], Iterable[tuple[_Node, Any]]]) -> list[_Node]:
    """The nodes, and what they need, each behind all that it needs; CycleError if there is no such order.

    `needs` gives the nodes that one depends on, each with what a CycleError shall say of the edge.
    """
    ordered: dict[_Node, None] = {}
    for root in nodes:
        if root in ordered:
            continue
        path: dict[_Node, None] = {root: None}
        stack: list[tuple[_Node, Iterator[tuple[_Node, Any]]]] = [(root, iter(needs(root)))]
        while stack:
            node, edges = stack[-1]
            for target, edge in edges:
                if target in path:
                    chain = list(path)
                    raise CycleError(chain[chain.index(target) :], edge)
                if target not in ordered:
                    path[target] = None
                    stack.append((target, iter(needs(target))))
                    break
            else:
                stack.pop()
                del path[node]
                ordered[node] = None
    return list(ordered)
