"""What commits hold that many looks are compared with: a commit never changes, so it need not be asked twice."""

from collections.abc import Mapping

from gavip_hub.lately import Lately
from gavip_hub.storage.git import Git
from gavip_hub.storage.git_entries import Entry

MOST_COMMITS = 100
MOST_ENTRIES = 1000
MOST_LETTERS = 100_000
"""Files of one commit, and the letters of all their paths: larger ones are asked for each time."""


class KeptTrees:
    """Files of the commits that were asked for last."""

    def __init__(self) -> None:
        self._kept: Lately[tuple[str, str], Mapping[str, Entry]] = Lately(most=MOST_COMMITS)

    def files(self, git: Git, *, avi: str, commit: str) -> Mapping[str, Entry]:
        """Return the files of a commit by path.

        Parameters
        ----------
        commit
            Its own number: what a name stands for may be another tomorrow.
        """
        found = self._kept.get((avi, commit))
        if found is None:
            found = {entry.path: entry for entry in git.entries(commit)}
            if len(found) <= MOST_ENTRIES and sum(map(len, found)) <= MOST_LETTERS:
                self._kept.put((avi, commit), found)
        return found
