"""Whether a release is offered, deprecated or withdrawn."""

OFFERED = "offered"
DEPRECATED = "deprecated"
WITHDRAWN = "withdrawn"
RANK = {OFFERED: 0, DEPRECATED: 1, WITHDRAWN: 2}
"""What is taken where nobody says which: what is offered, else what is deprecated."""


def withdrawn_words(name: str, *, reason: str, by_operator: bool, instead: str | None) -> str:
    """Return why a release cannot be used, and what can.

    Parameters
    ----------
    name
        AVI and version.
    instead
        Version that is open to who asks.
    """
    who = "an operator of this platform" if by_operator else "its authors"
    advice = f"Use version {instead}." if instead else "No other version of it is open to you."
    return f"{name} was withdrawn by {who}: {reason.rstrip('.')}. {advice} Jobs that ran keep their pages and results."
