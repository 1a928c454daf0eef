"""Which addresses are taken for a repository of another place, and what git's complaints mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavip_hub.domain.outside import cause_of, outside_url
from gavip_hub.exceptions import BadRequest

INNER = ["git.inner:8080", "127.0.0.1:9000"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://git.example.org/stars/bright.git", "https://git.example.org/stars/bright.git"),
        (" HTTPS://Git.Example.org:443/Stars ", "https://git.example.org/Stars"),
        ("https://git.example.org:8443/a/b", "https://git.example.org:8443/a/b"),
        ("https://8.8.8.8/a.git", "https://8.8.8.8/a.git"),
        ("http://git.inner:8080/a.git", "http://git.inner:8080/a.git"),
        ("http://127.0.0.1:9000/a.git", "http://127.0.0.1:9000/a.git"),
    ],
)
def test_an_address_is_read_and_put_together_anew(text, read):
    assert str(outside_url(text, inner=INNER)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stars",
        "/srv/git/stars.git",
        "file:///etc/passwd",
        "ssh://git@git.example.org/a.git",
        "git@git.example.org:a.git",
        "git://git.example.org/a.git",
        "ext::sh -c id",
        "--upload-pack=touch /tmp/x",
        "http://git.example.org/a.git",
        "http://git.inner/a.git",
        "https://user:secret@git.example.org/a.git",
        "https://token@git.example.org/a.git",
        "https://git.example.org",
        "https://git.example.org/a?b=c",
        "https://git.example.org/a#b",
        "https://git.example.org/../a",
        "https://git.example.org/a/..",
        "https://git.example.org/a b",
        "https://git.example.org/a\nHost: b",
        "https://git.example.org\\@127.0.0.1/a",
        "https://git.example.org:0/a",
        "https://git.example.org:99999/a",
        "https://127.1/a",
        "https://0x7f000001/a",
        "https://2130706433/a",
        "https://0177.0.0.1/a",
        "https://127.0.0.1./a",
        "https://[::1]/a",
        "https://\uff4cocalhost/a",
        "https://.example.org/a",
        "https://" + "a" * 70 + ".org/a",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(BadRequest) as refused:
        outside_url(text, inner=INNER)
    assert refused.value.field == "url"
    assert "secret" not in refused.value.message


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"https://{text}"))
def test_whatever_is_given_is_refused_or_stays_the_same_when_it_is_read_again(text):
    try:
        read = str(outside_url(text, inner=INNER))
    except BadRequest:
        return
    assert str(outside_url(read, inner=INNER)) == read
    assert read.isascii()
    assert read.isprintable()


@pytest.mark.parametrize(
    ("complaint", "cause"),
    [
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "it is private"),
        ("fatal: unable to access 'x': The requested URL returned error: 302", "leads on to another address"),
        ("error: index-pack died of signal 25", "is larger than what is taken"),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", "broke off"),
        ("something\x1b[31m new", r"git says: something\x1b[31m new"),
        ("", "without a word"),
    ],
)
def test_a_complaint_is_told_with_its_cause(complaint, cause):
    told = cause_of(complaint)
    assert cause in told
    assert told.isprintable()
