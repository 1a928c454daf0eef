"""What people see of the check of a release."""

from avi_kernel.protocol.base import Wire
from avi_kernel.protocol.scorecard import MarkState, Scorecard, Sentence, Word

SCORECARD_FILE = "scorecard.json"
"""Among the results of a check."""


class Badge(Wire):
    """A word or two of a scorecard, and how it is meant."""

    words: Word
    state: MarkState
    sentence: Sentence
    """What was found, for whoever asks."""


class CheckView(Wire):
    """The check of a release."""

    wanted: bool
    """Whether there is one, made or to be made."""
    job: str | None = None
    """The submitter's job that makes it."""
    scorecard: Scorecard | None = None
    """What it found, once it has."""
