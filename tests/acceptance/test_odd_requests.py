"""Requests that no library would send, straight to the service and through the proxy: refused, and never a 5xx."""

import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.support.platform import Platform, platform_to_throw_away
from tests.support.published import publish, run

pytestmark = pytest.mark.hub
SECONDS = float(os.environ.get("GAVIP_FUZZ_SECONDS", "20"))
EXAMPLES = int(SECONDS * 10)
ANSWER_SECONDS = 30

KNOWN = ["api", "jobs", "avis", "works", "1.0.0", "releases", "results", "sum.txt", "log", "events", "wait"]
KNOWN += [
    "servers",
    "platform",
    "simulation",
    "policy",
    "attempts",
    "self",
    "outcome",
    "static",
    "oauth_callback",
]
ODD = ["", ".", "..", "%00", "%2F", "%2f..%2f", "%C0%AF", "%FF", "%", "%zz", ";a=b", "*", "{id}", "a" * 5000]
segments = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(ODD),
    st.text(max_size=20).map(lambda text: quote(text, safe="", errors="surrogatepass")),
)
queries = st.one_of(
    st.just(""),
    st.sampled_from(
        ["limit=" + "9" * 5000, "&" * 3000, "after=1&after=2", "before=%FF", "phase=%00", "=", "%"]
    ),
    st.text(max_size=200).map(lambda text: quote(text, safe="=&", errors="surrogatepass")),
    st.just("a=" + "b" * 30_000),
)
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
NAMES = [
    "Last-Event-ID",
    "If-None-Match",
    "If-Match",
    "If-Modified-Since",
    "Range",
    "Accept",
    "Accept-Encoding",
]
NAMES += ["Content-Type", "Content-Encoding", "Cookie", "Authorization", "X-Request-Id", "X-Forwarded-For"]
NAMES += [
    "X-Forwarded-Proto",
    "X-Scheme",
    "X-Real-Ip",
    "Origin",
    "Sec-Fetch-Site",
    "X-XSRFToken",
    "Expect",
    "Te",
]
VALUES = [
    "*",
    '"',
    'W/"',
    "bytes=-",
    "bytes=5-1",
    "bytes=0-,1-",
    "-1",
    "1e9",
    "\xff\xfe",
    "a," * 2000,
    "gzip",
    "Bearer",
]
VALUES += [
    "Bearer \xe9",
    "token " + "a" * 4000,
    "text/html",
    "application/json; charset=utf-7",
    "multipart/form-data",
]
headers = st.dictionaries(st.sampled_from(NAMES), st.one_of(st.sampled_from(VALUES), latin), max_size=4)
ODD_BODIES = [
    b"",
    b"null",
    b"[]",
    b"NaN",
    b'{"parameters": {"a": NaN, "b": -Infinity}, "avi": "works", "pipeline": "main"}',
    b'{"parameters": {"a": 1e400}, "avi": "works", "pipeline": "main"}',
    b'{"parameters": {"a": ' + b"9" * 5000 + b'}, "avi": "works", "pipeline": "main"}',
    b'{"parameters": {"label": "\\ud800"}, "avi": "works", "pipeline": "main"}',
    b'{"avi": "works", "avi": "sleeps", "pipeline": "main"}',
    b'{"avi": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"a":' * 50_000,
    b"\xef\xbb\xbf{}",
    '{"avi": "works"}'.encode("utf-16"),
    b'{"avi": "\xff\xfe"}',
    b"avi=works&avi=%FF&p.a=1",
    b"0" * 300_000,
]
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=10,
)
jobs = st.fixed_dictionaries(
    {"avi": st.just("works"), "pipeline": st.just("main"), "parameters": json_values}
)
bodies = st.one_of(
    st.sampled_from(ODD_BODIES),
    st.binary(max_size=200),
    st.one_of(json_values, jobs).map(lambda value: json.dumps(value).encode()),
)
methods = st.sampled_from([*["GET"] * 6, *["POST"] * 4, "DELETE", "HEAD", "PUT", "OPTIONS", "TRACE", "BREW"])


@pytest.fixture(scope="module")
def own() -> Iterator[Platform]:
    """A platform to throw away."""
    limits = "c.Gavip.bundled_avis = False\nc.Gavip.queue_limit = 10\nc.Gavip.platform_memory_mb = 600"
    with platform_to_throw_away("odd", settings=limits) as platform:
        publish(platform, "works")
        yield platform


def request_bytes(host: str, method: str, target: str, fields: dict[str, str], body: bytes) -> bytes:
    """Return a request as it goes over the wire; it asks for the connection's end."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def status_of(port: int, request: bytes) -> int:
    """Return the status of an answer; 0 where the request was so odd that the connection was closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        try:
            connection.sendall(request)
            line = connection.makefile("rb").readline()
        except ConnectionError:
            return 0
    return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0


def wanders(platform: Platform, asker: str, number: int, count: Counter[int]) -> None:
    """Send random requests in somebody's name, to both doors, and count the answers."""
    own = {"Authorization": f"Bearer {platform.token(asker)}"}
    host = platform.url.removeprefix("http://")
    doors = st.sampled_from([platform.port, platform.config.service_port])

    @seed(number)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(doors, methods, st.lists(segments, max_size=6), queries, headers, bodies)
    def send(
        door: int, method: str, path: list[str], query: str, fields: dict[str, str], body: bytes
    ) -> None:
        target = "/services/gavip/" + "/".join(path) + (f"?{query}" if query else "")
        status = status_of(door, request_bytes(host, method, target, own | fields, body))
        count[status] += 1
        assert status < 500, target

    send()


@pytest.mark.timeout(SECONDS * 2 + 240)
@pytest.mark.parametrize("asker", ["scientist", "operator"])
def test_an_odd_request_is_refused_and_breaks_nothing(
    own: Platform, asker: str, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    number: int = request.getfixturevalue("seed") + len(asker)
    count: Counter[int] = Counter()
    wanders(own, asker, number, count)
    assert {200, 404} <= count.keys()  # some were understood
    tell(
        f"odd requests of {asker}: {count.total()}, no 5xx, seed: {number}; by status {dict(sorted(count.items()))}"
    )


def test_the_service_is_well_after_all_of_it(own: Platform) -> None:
    with own.client("scientist") as scientist:
        assert scientist.get("/health").json()["scheduler"]
        for job in scientist.get("/jobs", params={"limit": 200}).json()["items"]:
            scientist.delete(f"/jobs/{job['id']}")
        assert run(scientist, "works")["phase"] == "COMPLETED"
    _, broke, where = own.log("service").partition("Traceback")
    assert not broke, where[:5000]
