"""Which AVIs somebody looks for, and in which order: theirs first."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Literal

Order = Literal["relevance", "used", "newest"]
MOST_WORDS = 12
LONGEST_QUERY = 200
MOST_KEYWORDS = 5
"""That are asked for at once."""
SHOWN_KEYWORDS = 14
RECENT = 6
"""AVIs that count as used lately."""
BY_NAME, BY_TITLE, BY_KEYWORD, BY_AUTHOR, BY_SUMMARY = 16, 8, 4, 2, 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Findable:
    """An AVI, by what it can be found with: all in small letters, since a search goes through those of all AVIs."""

    release: str
    """Id that grows with time."""
    avi: str
    title: str
    keywords: frozenset[str]
    texts: tuple[tuple[int, str], ...]
    """Where a word may be found and how much that counts, the best place first."""
    whole: str
    """All of them: what is not in it is nowhere."""

    @classmethod
    def of(
        cls,
        *,
        release: str,
        avi: str,
        title: str,
        summary: str = "",
        authors: Iterable[str] = (),
        keywords: Iterable[str] = (),
    ) -> "Findable":
        """Make it of what a release says of itself."""
        words = [word.lower() for word in keywords]
        # Between the lines of one text no word is found: it has no space in it.
        texts = (
            (BY_NAME, avi),
            (BY_TITLE, title.lower()),
            (BY_KEYWORD, "\n".join(words)),
            (BY_AUTHOR, "\n".join(authors).lower()),
            (BY_SUMMARY, summary.lower()),
        )
        return cls(
            release=release,
            avi=avi,
            title=title.lower(),
            keywords=frozenset(words),
            texts=texts,
            whole="\n".join(text for _, text in texts),
        )


@dataclass(frozen=True, kw_only=True)
class Question:
    """What somebody looks for; made of anything that was typed."""

    words: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    order: Order = "relevance"

    @classmethod
    def of(cls, text: str, keywords: Iterable[str] = (), order: str = "") -> "Question":
        """Make it of what came, cut to what is looked for at once."""
        chosen = dict.fromkeys(word[:60].strip().lower() for word in keywords)
        orders: dict[str, Order] = {"used": "used", "newest": "newest"}
        return cls(
            words=tuple(text[:LONGEST_QUERY].lower().split()[:MOST_WORDS]),
            keywords=tuple(word for word in chosen if word)[:MOST_KEYWORDS],
            order=orders.get(order, "relevance"),
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of who looks, and of everybody."""

    favourites: Collection[str] = frozenset()
    used: Mapping[str, datetime] = field(default_factory=dict)
    people: Mapping[str, int] = field(default_factory=dict)
    """AVI -> how many people have used it."""


def score(entry: Findable, words: Sequence[str]) -> int:
    """Return how well an AVI fits; 0 where a word is found nowhere in it."""
    total = 0
    for word in words:
        best = _score(entry, word)
        if not best:
            return 0
        total += best
    return total


def _score(entry: Findable, word: str) -> int:
    if word in entry.whole:
        for weight, text in entry.texts:
            if word in text:
                return weight
    return 0


def matching(entries: Iterable[Findable], question: Question) -> dict[str, int]:
    """Return AVI -> how well it fits, of those that fit at all."""
    found = {}
    for entry in entries:
        if not entry.keywords.issuperset(question.keywords):
            continue
        fits = score(entry, question.words) if question.words else 1
        if fits:
            found[entry.avi] = fits
    return found


def in_order(
    entries: Iterable[Findable], question: Question, known: Known, fits: Mapping[str, int]
) -> list[Findable]:
    """Return the AVIs that fit, best first.

    Parameters
    ----------
    fits
        As `matching` found it.
    """
    found = [entry for entry in entries if entry.avi in fits]
    if question.order == "newest":
        return sorted(found, key=lambda entry: entry.release, reverse=True)
    used = known.people
    if question.order == "used":
        return sorted(found, key=lambda entry: (-used.get(entry.avi, 0), entry.title, entry.avi))
    places = _own_places(known)
    other = len(places)
    return sorted(
        found,
        key=lambda entry: (
            *(-fits[entry.avi], places.get(entry.avi, other)),
            *(-used.get(entry.avi, 0), entry.title, entry.avi),
        ),
    )


def _own_places(known: Known) -> dict[str, int]:
    """Return AVI -> its place among those that come first: favourites, used lately before others, then what was used lately."""
    lately = sorted(known.used, key=lambda avi: known.used[avi], reverse=True)
    liked = [avi for avi in lately if avi in known.favourites]
    liked += sorted(set(known.favourites) - set(liked))
    others = [avi for avi in lately if avi not in known.favourites][:RECENT]
    return {avi: place for place, avi in enumerate([*liked, *others])}


def common_keywords(entries: Iterable[Findable], question: Question) -> list[tuple[str, int]]:
    """Return the keywords by which what was found can be narrowed, with how many AVIs have each; the chosen ones first."""
    counts = Counter(chain.from_iterable(entry.keywords for entry in entries))
    chosen = [(word, counts[word]) for word in question.keywords]
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    others = [pair for pair in most if pair[0] not in question.keywords]
    return (chosen + others)[: max(SHOWN_KEYWORDS, len(chosen))]
