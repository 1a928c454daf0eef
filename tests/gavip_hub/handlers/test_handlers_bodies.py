"""A body that is too large is read to its end and refused in words, whoever sends it how."""

import httpx
import pytest

from gavip_hub.handlers import bodies
from gavip_hub.handlers.bodies import LARGEST_BODY
from tests.support.service import pages_of

JSON = {"Content-Type": "application/json"}
WORDS = "larger than the 4 MB that are taken"


async def pieces(count: int):
    """Send megabytes without telling beforehand how many."""
    for _ in range(count):
        yield b" " * 2**20


async def test_ten_megabytes_of_parameters_are_refused_in_json(service, ann):
    service.publish()
    body = {"avi": "stars", "pipeline": "count", "parameters": {"radius": "x" * 10_000_000}}
    answer = await ann.post("/jobs", json=body)
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert WORDS in answer.json()["message"]
    assert (await ann.get("/jobs")).json()["items"] == []


async def test_so_they_are_where_their_length_is_not_told(service, ann):
    answer = await ann.post("/jobs", content=pieces(10), headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")


async def test_a_form_of_the_portal_is_refused_on_a_page(service):
    service.publish()
    async with pages_of(service, "ann-token") as portal:
        answer = await portal.post("/avis/stars/pipelines/count", data={"p.radius": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "<html" in answer.text
    assert WORDS in answer.text


async def test_the_largest_body_that_is_taken_is_read(service, ann):
    body = b'{"avi": "stars", "pipeline": "count"}'.ljust(LARGEST_BODY)
    assert (await ann.post("/jobs", content=body, headers=JSON)).json()["field"] == "avi"
    assert (await ann.post("/jobs", content=body + b" ", headers=JSON)).status_code == 413


async def test_a_connection_goes_on_after_a_refusal(service, ann):
    await ann.post("/jobs", content=pieces(5), headers=JSON)
    assert (await ann.get("/me")).json()["name"] == "ann"


MANY = "&".join(f"a{number}=1" for number in range(2000))


async def test_a_body_behind_too_many_parameters_is_read_and_the_refusal_is_told(service, ann):
    answer = await ann.post(f"/jobs?{MANY}", content=pieces(3), headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert "parameters" in answer.json()["message"]
    assert (await ann.get("/me")).json()["name"] == "ann"


async def test_a_page_refuses_too_many_parameters_on_a_page(service):
    async with pages_of(service, "ann-token") as portal:
        answer = await portal.get(f"/jobs?{MANY}")
    assert answer.status_code == 400
    assert "<html" in answer.text
    assert "parameters" in answer.text


async def test_what_never_ends_is_cut_off(service, ann, monkeypatch):
    monkeypatch.setattr(bodies, "MOST_READ", 6 * 2**20)
    with pytest.raises(httpx.TransportError):
        (await ann.post("/jobs", content=pieces(100), headers=JSON)).raise_for_status()
