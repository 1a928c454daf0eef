"""What can go wrong between an AVI and an archive, in words for the astronomer who asked."""


class ArchiveError(Exception):
    """The archive gave no table.

    Parameters
    ----------
    archive
        Its name, as people know it.
    message
        What happened.
    """

    def __init__(self, archive: str, message: str) -> None:
        super().__init__(f"{archive}: {message}")
        self.archive = archive
        self.message = message


class ArchiveUnavailable(ArchiveError):
    """The archive cannot be reached or cannot serve now; the same query may succeed later."""


class QueryRefused(ArchiveError):
    """The archive was reached and does not accept the query; it would refuse it again."""


class QueryCancelled(ArchiveError):
    """The query was stopped before it had an answer."""


class QueryUnfinished(ArchiveError):
    """The query still runs after the time that its asker wanted to wait."""


class FeatureNotOffered(ArchiveError):
    """Only ESA's own archives offer this, and this connector was not told that it speaks to one."""
