"""Ways through a graph: what can be reached, and what leads back to itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Wires = Mapping[str, Sequence[str]]
"""Ids of the nodes that each node leads to."""


def reachable(starts: Iterable[str], wires: Wires) -> set[str]:
    """Every node that can be reached from some, these included."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        for target in wires.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found


def circles(wires: Wires) -> list[list[str]]:
    """Sets of nodes that lead back to themselves, each as long as it gets (Tarjan, without recursion).

    :param wires: of the nodes to look at only.
    """
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in wires:
        if root in order:
            continue
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            node, place = work.pop()
            if place == 0:
                order[node] = lowest[node] = len(order)
                stack.append(node)
                on_stack.add(node)
            targets = wires.get(node, ())
            descended = False
            while place < len(targets):
                target = targets[place]
                place += 1
                if target not in wires:
                    continue
                if target not in order:
                    work += [(node, place), (target, 0)]
                    descended = True
                    break
                if target in on_stack:
                    lowest[node] = min(lowest[node], order[target])
            if descended:
                continue
            if lowest[node] == order[node]:
                circle = _popped(stack, on_stack, node)
                if len(circle) > 1 or node in wires[node]:
                    found.append(circle)
            if work:
                above = work[-1][0]
                lowest[above] = min(lowest[above], lowest[node])
    return found


def _popped(stack: list[str], on_stack: set[str], last: str) -> list[str]:
    circle: list[str] = []
    while not circle or circle[-1] != last:
        circle.append(stack.pop())
        on_stack.discard(circle[-1])
    return circle[::-1]
