"""The states of a container in the ledger."""

from enum import StrEnum


class ContainerState(StrEnum):
    """What a ledger row stands for; all but CLOSED count as usage."""

    RESERVED = "RESERVED"  # admitted, not yet seen alive
    LIVE = "LIVE"
    CLOSED = "CLOSED"


OPEN = (ContainerState.RESERVED, ContainerState.LIVE)
