"""Tokens in the place of passwords."""

from base64 import b64encode

import pytest

from avi_kernel.protocol.api import Profile
from gavip_hub.dav.people import BELIEVED_SECONDS, MOST_KNOWN, People, token_of
from gavip_hub.exceptions import SignInRequired, TooOften, Unavailable

ADA = Profile(name="ada", roles=[], groups=[], scopes=[])


class Hub:
    """Knows one token at a time, and counts who asks."""

    def __init__(self) -> None:
        self.known = {"ada-token-1"}
        self.asked = 0
        self.seconds = 0.0

    def __call__(self, token: str) -> Profile | None:
        self.asked += 1
        return ADA if token in self.known else None

    def clock(self) -> float:
        return self.seconds


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def people(hub: Hub) -> People:
    return People(ask=hub, clock=hub.clock)


def encoded(text: str) -> str:
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (encoded("ada:ada-token-1"), "ada-token-1"),
        (encoded(":ada-token-1"), "ada-token-1"),
        ("Bearer ada-token-1", "ada-token-1"),
        ("token ada-token-1", "ada-token-1"),
        ("basic !!!", ""),
        (encoded("ada-token-1"), ""),
        (encoded("a:line\r\nbreak-token"), ""),
        (encoded("a:" + "x" * 5000), ""),
        ("Digest ada-token-1", ""),
        ("", ""),
    ],
)
def test_a_token_is_found_in_the_header(header: str, token: str) -> None:
    assert token_of(header) == token


def test_a_token_that_was_taken_back_is_good_for_a_minute_at_most(hub: Hub, people: People) -> None:
    assert people.of("ada-token-1", address="here") == ADA
    hub.known.clear()
    assert people.of("ada-token-1", address="here") == ADA
    hub.seconds = BELIEVED_SECONDS + 1
    with pytest.raises(SignInRequired):
        people.of("ada-token-1", address="here")
    assert hub.asked == 2


def test_guesses_are_refused_without_asking_and_a_minute_later_are_asked_again(
    hub: Hub, people: People
) -> None:
    for number in range(10):
        with pytest.raises(SignInRequired):
            people.of(f"wrong-{number}", address="there")
    with pytest.raises(TooOften):
        people.of("ada-token-1", address="there")
    assert hub.asked == 10
    hub.seconds = 61
    assert people.of("ada-token-1", address="there") == ADA


def test_guesses_from_everywhere_take_a_bounded_memory(hub: Hub, people: People) -> None:
    for number in range(MOST_KNOWN + 50):
        with pytest.raises(SignInRequired):
            people.of("wrong-token", address=f"{number}")
    assert len(people._wrong) == MOST_KNOWN


def test_a_hub_that_is_away_is_no_wrong_token(hub: Hub) -> None:
    def away(_token: str) -> Profile | None:
        raise Unavailable

    people = People(ask=away, clock=hub.clock)
    for _ in range(20):
        with pytest.raises(Unavailable):
            people.of("ada-token-1", address="here")


def test_no_token_is_kept(hub: Hub, people: People) -> None:
    people.of("ada-token-1", address="here")
    assert "ada-token-1" not in repr(vars(people))
