"""Pages as text: what a page may hold, how it writes numbers, and what becomes of strangers' words."""

import gzip
import re
from datetime import UTC, datetime
from itertools import product
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from avi_kernel.protocol.api import Phase
from avi_kernel.protocol.readable import amount, clock, duration, percent, plain, sentence, size, utc
from gavip_hub.exceptions import BodyTooLarge, GavipError, QueueFull
from gavip_hub.handlers.job_pages import course_of, last_lines, results_in_order
from gavip_hub.handlers.rendering import (
    STATIC,
    TEMPLATES,
    inline_code,
    make_environment,
    markdown,
    readme_page,
)
from tests.support.portal import NOW, job
from tests.support.shown_pages import EVIL, everywhere, job_page, pages

LIMIT_BYTES = 120_000
every_page = pytest.mark.parametrize(
    ("name", "values"), [pytest.param(*page, id=f"{number}-{page[0]}") for number, page in enumerate(pages())]
)


def render(name: str, values: dict[str, Any]) -> str:
    return make_environment("/services/gavip").get_template(name).render(**everywhere(), **values)


@every_page
def test_a_page_has_no_script_style_or_handler_in_it(name: str, values: dict[str, Any]):
    html = render(name, values)
    assert not re.findall(r"<script(?![^>]*\bsrc=)", html)
    assert not re.findall(r"<style|\sstyle=|<[^>&]*\son\w+=", html)


@every_page
def test_what_strangers_wrote_is_shown_and_not_obeyed(name: str, values: dict[str, Any]):
    html = render(name, values)
    assert EVIL not in html
    assert "onerror=&#34;" in html


@every_page
def test_a_page_asks_only_its_own_host_for_its_parts(name: str, values: dict[str, Any]):
    parts = re.findall(
        r'<(?:script|link|img|iframe|form)[^>]*(?:src|href|action)="([^"]*)"', render(name, values)
    )
    assert parts
    assert all(address.startswith("/") for address in parts)


@every_page
def test_a_page_with_all_its_parts_is_light(name: str, values: dict[str, Any]):
    files = [path.read_bytes() for path in STATIC.iterdir()]
    assert sum(len(gzip.compress(part)) for part in [render(name, values).encode(), *files]) < LIMIT_BYTES


@every_page
def test_every_time_has_its_zone(name: str, values: dict[str, Any]):
    html = re.sub(r"</?(span|strong|b)\b[^>]*>", "", render(name, values))
    courses = re.findall(
        r'<ol class="course.*?</ol>', html, re.DOTALL
    )  # it is told once, at the first station
    parts = re.findall(r"<(?:p|td|dd|li|div)\b[^<]*?<time.*?</(?:p|td|dd|li|div)>", html, re.DOTALL)
    parts = [part for part in parts if not any(part in course for course in courses)]
    assert all("UTC" in words for words in parts + [course for course in courses if "<time" in course])


@every_page
def test_every_form_that_writes_carries_the_token_against_forgery(name: str, values: dict[str, Any]):
    for form in re.findall(r'<form[^>]*method="post".*?</form>', render(name, values), re.DOTALL):
        assert 'name="_xsrf"' in form


@every_page
def test_every_field_has_a_label_and_every_id_is_unique(name: str, values: dict[str, Any]):
    html = render(name, values)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    asked = re.findall(
        r'<(?:input|select|textarea)\b(?![^>]*type="(?:hidden|checkbox)")[^>]*\bid="([^"]+)"', html
    )
    assert set(asked) <= set(re.findall(r'<label[^>]*for="([^"]+)"', html))


@pytest.mark.parametrize("error", [BodyTooLarge, QueueFull])
def test_what_can_be_understood_is_not_said_to_be_a_riddle(error: type[GavipError]):
    assert "cannot be understood" not in render("error.html", {"error": error(EVIL)})


def test_a_readme_keeps_its_form_and_loses_what_acts():
    html = markdown(
        f"# Title\n\n{EVIL}\n\n[x](javascript:alert(1)) ![i](http://elsewhere/i.png)\n\n|a|\n|-|\n|b|\n"
    )
    assert "<h3>Title</h3>" in html
    assert "<td>b</td>" in html
    assert "<img" not in html
    assert 'href="javascript' not in html


def test_a_page_that_misspells_a_name_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("catalogue.html", {"avis": []})


HUB_PAGES: dict[str, dict[str, Any]] = {
    "login.html": {
        "username": EVIL,
        "login_error": EVIL,
        "custom_html": "",
        "login_service": "",
        "authenticator": SimpleNamespace(request_otp=False),
        "authenticator_login_url": "/hub/login",
        "login_term_url": "",
    },
    "logout.html": {},
    "error.html": {
        "status_code": 503,
        "status_message": "No",
        "message": EVIL,
        "message_html": "",
        "extra_error_html": "",
    },
    "404.html": {"status_code": 404, "status_message": "Not Found"},
    "spawn_pending.html": {"progress_url": "/hub/api/x"},
    "stop_pending.html": {},
    "not_running.html": {
        "failed": True,
        "failed_html_message": "",
        "failed_message": EVIL,
        "server_name": "x",
        "spawn_url": "/x",
    },
    "home.html": {"default_server": SimpleNamespace(active=False), "url": "/x", "parsed_scopes": []},
    "oauth.html": {
        "oauth_client": SimpleNamespace(description=EVIL, redirect_uri="y"),
        "allowed_scopes": ["a"],
        "scope_descriptions": [{"description": EVIL, "filter": ""}],
    },
}


@pytest.mark.parametrize("name", HUB_PAGES)
def test_the_hubs_own_pages_need_no_other_server(name: str):
    loader = jinja2.FileSystemLoader([TEMPLATES / "hub", STATIC])
    everywhere = {
        "base_url": "/hub/",
        "user": None,
        "announcement": "",
        "xsrf": "x",
        "login_url": "/hub/login",
    }
    html = (
        jinja2.Environment(loader=loader, autoescape=True)
        .get_template(name)
        .render(everywhere | HUB_PAGES[name])
    )
    assert "--accent" in html
    assert not re.findall(r"<(?:script|img)[^>]*src=|<link[^>]*stylesheet", html)
    assert EVIL not in html


TOKENS = (STATIC / "tokens.css").read_text()
GROUNDS = ("ground", "surface", "sunken")
INKS = ("ink", "ink-soft", "accent", "good", "warn", "bad")
WASHES = [("ink", wash) for wash in ("accent-wash", "warn-wash", "bad-wash", "good-wash")]
PAIRS = [*product(INKS, GROUNDS), *WASHES, ("on-accent", "accent"), ("screen-ink", "screen")]


def luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS, ids="-on-".join)
def test_text_can_be_read(pair: tuple[str, str], theme: int):
    colours = [re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS) for name in pair]
    first, second = (luminance(found.group(theme + 1)) for found in colours if found)
    assert (max(first, second) + 0.05) / (min(first, second) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (amount(14336), "14\u202f336"),
        (amount(2.5), "2.5"),
        (amount(1.0), "1"),
        (size(0), "0 B"),
        (size(999), "999 B"),
        (size(48_213), "48.2 kB"),
        (size(1_284_000), "1.28 MB"),
        (size(3 * 10**15), "3e+03 TB"),
        (duration(0), "0 s"),
        (duration(2.34), "2.3 s"),
        (duration(72), "1 min 12 s"),
        (duration(900), "15 min"),
        (duration(90_000), "1 d 1 h"),
        (percent(0.999), "99 %"),
        (utc(datetime(2026, 11, 2, 3, 4, tzinfo=UTC)), "2 Nov 2026, 03:04 UTC"),
        (
            sentence("needs 2000 MB; your pool has 96 of 14336"),
            "Needs 2\u202f000 MB; your pool has 96 of 14\u202f336",
        ),
        (sentence(""), ""),
        (sentence("asked on 2026-11-22 of j-12345"), "Asked on 2026-11-22 of j-12345"),
        (clock(NOW), "22 Nov 2026, 11:40:00 UTC"),
        (clock(NOW, NOW), "11:40:00"),
        (inline_code("or `cus<tom>` <b>, a ` left"), "or <code>cus&lt;tom&gt;</code> &lt;b&gt;, a ` left"),
        (plain("\x1b[1;31mred\x1b[0m\r\nnext\x00"), "red\nnext"),
    ],
)
def test_numbers_carry_their_units(written: str, expected: str):
    assert written == expected


def test_only_a_long_log_has_its_end_shown_above_it():
    lines = [str(number) for number in range(13)]
    assert last_lines("\n".join(lines)) == "\n".join(lines[1:])
    assert last_lines("\n".join(lines[:12])) == ""


def test_a_job_without_messages_shows_its_step():
    html = render("job.html", job_page(Phase.EXECUTING) | {"job": job(message="", step="cuts.ipynb")})
    assert "first report" not in html
    assert "cuts.ipynb" in html


def test_a_day_is_told_once_and_cancelled_too():
    shown = job(Phase.ABORTED, reason="")
    html = render("job.html", job_page(Phase.ABORTED) | {"job": shown})
    course = html[html.index("<ol") : html.index("</ol>")]
    assert course.count("22 Nov 2026") == 1
    assert html.count("Cancelled") == 3  # the title of the window, the phase and the last station
    assert "1: cancelled" in html


def test_an_interface_that_is_open_is_gone_to():
    values = next(values for name, values in pages() if name == "avi.html")
    assert "Go to the interface" in render("avi.html", values)
    assert "Open interface" in render("avi.html", values | {"server": None})


def test_a_job_that_was_cancelled_while_it_waited_never_ran():
    steps = course_of(job(Phase.ABORTED, started_at=None))
    assert [(step.word, step.tense) for step in steps] == [
        ("Created", "past"),
        ("Waiting", "past"),
        ("Cancelled", "past"),
    ]


def test_a_job_that_went_back_into_the_queue_is_not_shown_as_running():
    steps = {step.word: step.tense for step in course_of(job(Phase.QUEUED, started_at=NOW))}
    assert steps == {"Created": "past", "Waiting": "now", "Running": "to come", "Completed": "to come"}


def test_what_is_looked_at_first_comes_first():
    assert [entry.name for entry in results_in_order(job(Phase.COMPLETED))] == [
        "hr.png",
        "sample.vot",
        "diagram.ipynb",
    ]


def test_a_readme_does_not_repeat_the_title_above_it():
    assert markdown("# HR diagram\n\nText.", title="HR diagram") == "<p>Text.</p>\n"
    assert "<h3>Other</h3>" in markdown("# Other\n\nText.", title="HR diagram")


def test_a_readme_that_was_cut_says_so():
    assert "was cut" in readme_page("Text.", title="", cut=True)
    assert "was cut" not in readme_page("Text.", title="", cut=False)


def test_no_more_of_a_readme_is_rendered_than_is_shown():
    page = readme_page("word " * 40_000, title="", cut=False)
    assert len(page) < 31_000
    assert "was cut" in page


def test_a_readme_is_rendered_once(monkeypatch):
    rendered = []
    monkeypatch.setattr(
        "gavip_hub.handlers.rendering.markdown", lambda text, title: rendered.append(text) or ""
    )
    for _ in range(3):
        readme_page("rendered once only", title="", cut=False)
    assert rendered == ["rendered once only"]
