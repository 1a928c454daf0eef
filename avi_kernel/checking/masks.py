"""What differs between two honest runs, and means nothing: moments, durations, addresses, names made at random."""

import re

# 2026-11-27T05:32:47.123Z, 2026-11-27 05:32, 2026-11-27
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?")
# Of a run of the check.
_FOLDER = re.compile(r"(?:/[\w.+-]{1,100}){1,20}/run-\d+-[\w.-]+")
_PRINTED = [
    _DATE,
    re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?"),
    re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,30}?\d{4}\b"),
    re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|us|µs|ns|min|seconds?|minutes?|it/s)\b"),
    re.compile(r"\b0x[0-9a-fA-F]{4,16}\b"),
    re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    # Names in SVG and HTML: matplotlib's clip paths, widgets' models; not a number of as many digits.
    re.compile(r"(?<![.\w])(?=\w*[a-z])(?=\w*\d)[A-Za-z]?[0-9a-f]{10,64}\b"),
    re.compile(r"\btable\d{6,}[-\w]*"),  # astropy's
    _FOLDER,
    re.compile(r"\bpid \d+\b"),
]
_PDF = re.compile(rb"/(?:CreationDate|ModDate|ID)\s*(?:\([^)]*\)|\[[^\]]*\])")


def masked(text: str) -> str:
    """Return what was printed without what means nothing."""
    for mask in _PRINTED:
        text = mask.sub("~", text)
    return text


def undated(text: str) -> str:
    """Return a value without dates and folders; times alone are kept, for they may be coordinates."""
    return _FOLDER.sub("~", _DATE.sub("~", text))


def masked_pdf(content: bytes) -> bytes:
    """Return a PDF without the moment at which it was made."""
    return _PDF.sub(b"", content)
