"""What a catalogue says of an AVI's scorecard in a few words."""

from avi_kernel.protocol.checks import Badge
from avi_kernel.protocol.scorecard import MarkKey, MarkState, Scorecard

_WORDS: dict[MarkKey, dict[MarkState, str]] = {
    "installs": {"failed": "Does not install"},
    "interface": {"failed": "Interface fails"},
    "tests": {"passed": "Tested", "warning": "Untested", "failed": "Tests fail"},
    "repeatable": {"passed": "Repeatable", "failed": "Not repeatable"},
    "parameters": {"passed": "Explained", "failed": "Unexplained"},
    "hosts": {"passed": "Declared hosts", "failed": "Undeclared hosts"},
    "time": {"warning": "Slow", "failed": "Too slow"},
    "memory": {"passed": "Steady memory", "failed": "Takes too much memory"},
}
"""What is said of a mark; of what goes without saying nothing is."""


def badges(card: Scorecard) -> list[Badge]:
    """Return the badges of a scorecard, in the order of its marks."""
    return [
        Badge(words=words, state=mark.state, sentence=mark.sentence)
        for mark in card.marks
        if (words := _WORDS[mark.key].get(mark.state))
    ]
