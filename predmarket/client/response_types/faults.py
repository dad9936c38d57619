"""Faults on demand, for tests of bots."""

from typing import TypedDict


class InjectedFaults(TypedDict):
    """How often each fault has struck since the faults were last set."""

    lost: int
    cut: int
    rejected: int


class FaultsInForce(TypedDict):
    """faults is a text such as latency=50ms±20ms,seed=7, or none."""

    faults: str
    injected: InjectedFaults
