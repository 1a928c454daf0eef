"""Every line of the log names the request and the job that it is about."""

import io
import json
import logging

import pytest

from gavip_hub.exceptions import DatabaseAway, DiskFull
from gavip_hub.logs import JOB, REQUEST, JsonLines, TextLines, Trouble, about_job, begin_request
from gavip_hub.threads import Threads


@pytest.fixture
def lines():
    """Return a logger and what it wrote, by formatter."""
    logger = logging.getLogger("gavip.test")
    logger.propagate, logger.level = False, logging.INFO
    written = {"text": io.StringIO(), "json": io.StringIO()}
    for name, formatter in (("text", TextLines()), ("json", JsonLines())):
        handler = logging.StreamHandler(written[name])
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    yield logger, written
    logger.handlers.clear()


def test_a_line_about_nothing_is_plain(lines):
    logger, written = lines
    logger.info("ready")
    assert written["text"].getvalue().endswith("INFO gavip.test: ready\n")
    assert set(json.loads(written["json"].getvalue())) == {"at", "level", "logger", "message"}


async def test_request_and_job_go_along_into_threads(lines):
    logger, written = lines
    threads = Threads(size=1)
    request = begin_request("abc-1")
    with about_job("j1"):
        await threads(logger.info, "moved %s", "it")
    logger.info("done")
    threads.close()
    first, second = written["text"].getvalue().splitlines()
    assert first.endswith(f"moved it [request={request} job=j1]")
    assert second.endswith(f"done [request={request}]")
    found = json.loads(written["json"].getvalue().splitlines()[0])
    assert (found["request"], found["job"], found["message"]) == ("abc-1", "j1", "moved it")


@pytest.mark.parametrize("given", ["", "a" * 65, "line\nbreak", "<script>", "é"])
async def test_an_id_that_could_forge_a_line_is_replaced(given):
    made = begin_request(given)
    assert made != given
    assert made.isalnum()
    assert REQUEST.get() == made


def test_an_exception_stays_in_its_line(lines):
    logger, written = lines
    logger.error("failed", exc_info=ValueError("no\nstars"))
    (line,) = written["json"].getvalue().splitlines()
    assert "no\nstars" in json.loads(line)["exception"]
    assert JOB.get() == ""


def test_what_people_sent_makes_no_lines_of_its_own(lines):
    logger, written = lines
    logger.info("refused: %s", "x\n2026-01-01 CRITICAL all is lost [job=j1]\x1b[31m")
    (line,) = written["text"].getvalue().splitlines()
    assert r"x\n2026-01-01" in line
    assert "\x1b" not in line


def test_a_trouble_is_said_once_whatever_its_numbers_and_once_that_it_is_over(lines):
    logger, written = lines
    trouble = Trouble(log=logger, what="Nothing starts")
    for free in (30, 29, 28):
        trouble.met(DiskFull(f"the disk has {free} MB free"))
    trouble.met(DatabaseAway())
    for _ in range(2):
        trouble.over()
    told = [line.partition("gavip.test: ")[2] for line in written["text"].getvalue().splitlines()]
    assert told == [
        "Nothing starts: the disk has 30 MB free; it is tried again",
        f"Nothing starts: {DatabaseAway()}; it is tried again",
        "Nothing starts: it goes on",
    ]
