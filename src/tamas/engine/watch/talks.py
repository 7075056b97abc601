"""Who can hear whom: channels in bridges, and Local channels that join two bridges."""

from __future__ import annotations

from collections.abc import Mapping

from tamas.engine.watch.legs import Call, Leg


class Talks:
    """All bridges."""

    def __init__(self) -> None:
        self._bridges: dict[str, dict[str, Leg]] = {}
        self._pairs: dict[str, dict[str, Leg]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._bridges.clear()
        self._pairs.clear()

    @property
    def bridges(self) -> list[Mapping[str, Leg]]:
        """The legs in each bridge, by unique id."""
        return list(self._bridges.values())

    def bridge(self, name: str) -> Mapping[str, Leg]:
        """The legs in one bridge."""
        return self._bridges.get(name, {})

    def enter(self, leg: Leg, bridge: str) -> None:
        """A leg comes into a bridge, and leaves the one where it was."""
        if leg.bridge != bridge:
            self.leave(leg)
        leg.bridge = bridge
        self._bridges.setdefault(bridge, {})[leg.uniqueid] = leg

    def leave(self, leg: Leg) -> None:
        """A leg goes out of the bridge where it is, if any."""
        if leg.bridge is None:
            return
        _remove(self._bridges, leg.bridge, leg)
        leg.bridge = None

    def add_half(self, leg: Leg) -> None:
        """A half of a Local channel is there; what is said on one comes out of the other."""
        self._pairs.setdefault(leg.is_.pair, {})[leg.uniqueid] = leg

    def remove_half(self, leg: Leg) -> None:
        """It is gone."""
        _remove(self._pairs, leg.is_.pair, leg)

    def halves(self, leg: Leg) -> list[Leg]:
        """Both halves of the Local channel that a leg is a half of; none for any other."""
        return list(self._pairs.get(leg.is_.pair, {}).values()) if leg.is_.hidden else []

    def connected(self, leg: Leg) -> set[Leg]:
        """Everybody whom a leg's party can hear, itself and halves of Local channels included."""
        if leg.bridge is None:
            return {leg}
        found: set[Leg] = set()
        bridges = [leg.bridge]
        seen = set(bridges)
        while bridges:
            for each in self._bridges.get(bridges.pop(), {}).values():
                found.add(each)
                if not each.is_.hidden:
                    continue
                for half in self._pairs.get(each.is_.pair, {}).values():
                    if half.bridge is not None and half.bridge not in seen:
                        seen.add(half.bridge)
                        bridges.append(half.bridge)
        return found

    def talking(self, call: Call) -> list[Leg]:
        """The people of a call's talk; empty when there is none."""
        for leg in call.legs:
            if leg.up and leg.bridge is not None:
                people = [other for other in self.connected(leg) if other.visible and other.up]
                if len(people) > 1:
                    return people
        return []


def _remove(places: dict[str, dict[str, Leg]], name: str, leg: Leg) -> None:
    legs = places.get(name, {})
    legs.pop(leg.uniqueid, None)
    if not legs:
        places.pop(name, None)
