from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tornado.web import create_signed_value

from gavip_hub.factory import _cookie_secret
from gavip_hub.handlers import sign_in
from tests.support.platform import LocalJar
from tests.support.service import SERVICE_TOKEN, person

CLIENT = "service-gavip"
SESSION = f"__Host-{CLIENT}"


def session_cookie(token):
    """Return what the service itself puts into the browser's cookie."""
    value = create_signed_value(_cookie_secret(SERVICE_TOKEN), SESSION, token)
    return f"{SESSION}={value.decode()}"


def browser(service, *tokens, **headers):
    cookie = "; ".join(session_cookie(token) for token in tokens)
    return service.client(headers={"Cookie": cookie, **headers})


@pytest.fixture
def xsrf(service):
    """Return the token that a page would hold for this session."""

    def made(token):
        from gavip_hub.handlers.sign_in import Identity

        return service.service.context.sign_in.xsrf_token(Identity(token=token))

    return made


async def test_nobody_is_asked_to_sign_in(service):
    async with service.client() as nobody:
        answer = await nobody.get("/me")
    assert (answer.status_code, answer.json()["error"]) == (401, "sign_in_required")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_that_the_hub_does_not_know_is_nobodys(service):
    async with service.client("made-up") as client:
        assert (await client.get("/me")).status_code == 401


async def test_a_profile_tells_roles_groups_and_scopes(service):
    service.hub.tokens["carl"] = person("carl", groups=["dpac"], scopes=("read:jobs",))
    async with service.client("carl") as client:
        profile = (await client.get("/me")).json()
    assert profile == {
        "name": "carl",
        "roles": ["scientist"],
        "groups": ["dpac"],
        "scopes": ["custom:gavip:read:jobs"],
        "avi": None,
    }


async def test_an_interfaces_token_tells_its_avi(service):
    async with service.client("ann-stars-token") as client:
        assert (await client.get("/me")).json()["avi"] == "stars"


async def test_a_services_token_is_nobodys(service):
    async with service.client("robot-token") as client:
        assert (await client.get("/me")).status_code == 403


async def test_the_hub_is_not_asked_again_for_a_token_it_has_just_told(service):
    async with service.client("ann-token") as client:
        for _ in range(5):
            await client.get("/me")
    assert service.hub.asked == 1


async def test_while_the_hub_is_away_it_is_said_so(service):
    async with service.client("ann-token") as client:
        service.service.context.sign_in._oauth.api_url = "http://127.0.0.1:9/hub/api"
        answer = await client.get("/me")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


async def test_a_page_sends_nobody_to_the_hub_with_a_challenge(service):
    async with httpx.AsyncClient(base_url=service.url) as nobody:
        answer = await nobody.get("/services/gavip/jobs?phase=ERROR")
    place = urlsplit(answer.headers["Location"])
    asked = parse_qs(place.query)
    assert (answer.status_code, place.path) == (302, "/hub/api/oauth2/authorize")
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["client_id"] == [CLIENT]


async def test_signing_in_leads_back_to_the_page_that_was_wanted(service):
    service.hub.codes["the-code"] = "ann-token"
    async with httpx.AsyncClient(base_url=service.url, cookies=LocalJar()) as nobody:
        begun = await nobody.get("/services/gavip/jobs?phase=ERROR")
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        back = await nobody.get("/services/gavip/oauth_callback", params={"code": "the-code", "state": state})
        me = await nobody.get("/services/gavip/api/me")
    assert (back.status_code, back.headers["Location"]) == (302, "/services/gavip/jobs?phase=ERROR")
    cookie = next(one for one in back.headers.get_list("set-cookie") if one.startswith(f"{SESSION}="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert me.json()["name"] == "ann"


async def test_a_sign_in_that_a_restart_cut_in_two_begins_anew(service):
    service.hub.codes["the-code"] = "ann-token"
    async with httpx.AsyncClient(base_url=service.url) as nobody:
        begun = await nobody.get("/services/gavip/jobs")
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        service.service.context.sign_in._oauth.clear_oauth_state(state)
        back = await nobody.get("/services/gavip/oauth_callback", params={"code": "the-code", "state": state})
    assert (back.status_code, back.headers["Location"]) == (302, "/services/gavip/")
    assert service.hub.redeemed == []


async def test_sign_ins_that_nobody_finishes_are_kept_short_and_few(service, monkeypatch):
    monkeypatch.setattr(sign_in, "MOST_BEGUN", 3)
    states = []
    async with httpx.AsyncClient(base_url=service.url) as nobody:
        for _ in range(4):
            begun = await nobody.get("/services/gavip/jobs?" + "x" * sign_in.LONGEST_RETURN)
            states.append(parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0])
    oauth = service.service.context.sign_in._oauth
    assert [oauth.get_next_url(state) for state in states[1:]] == ["/services/gavip/"] * 3
    assert not oauth.get_code_verifier(states[0])


async def test_a_callback_with_a_state_that_is_not_this_browsers_signs_nobody_in(service):
    service.hub.codes["the-code"] = "bob-token"
    async with (
        httpx.AsyncClient(base_url=service.url) as attacker,
        httpx.AsyncClient(base_url=service.url) as victim,
    ):
        begun = await attacker.get("/services/gavip/jobs")
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        await victim.get("/services/gavip/oauth_callback", params={"code": "the-code", "state": state})
        assert (await victim.get("/services/gavip/api/me")).status_code == 401


async def test_a_cookie_that_we_did_not_sign_is_nobodys(service):
    async with service.client(headers={"Cookie": f"{SESSION}=ann-token"}) as client:
        assert (await client.get("/me")).status_code == 401


async def test_two_sign_ins_in_one_request_are_refused(service):
    async with browser(service, "bob-token", "ann-token") as client:
        answer = await client.get("/me")
    assert answer.status_code == 400
    assert "two sign-ins" in answer.json()["message"]


async def test_junk_that_a_sibling_host_tosses_beside_the_session_changes_nothing(service):
    cookie = f"{SESSION}=junk; {session_cookie('ann-token')}; {SESSION}="
    async with service.client(headers={"Cookie": cookie}) as client:
        assert (await client.get("/me")).json()["name"] == "ann"


async def test_a_cookie_alone_writes_nothing(service):
    stars = service.publish()
    body = {"avi": stars.avi, "pipeline": "count"}
    async with browser(service, "ann-token") as client:
        answer = await client.post("/jobs", json=body)
        assert answer.status_code == 403
        assert (await client.get("/jobs")).json()["items"] == []


async def test_a_cookie_writes_with_the_pages_token(service, xsrf):
    stars = service.publish()
    async with browser(service, "ann-token", **{"X-XSRFToken": xsrf("ann-token")}) as client:
        answer = await client.post("/jobs", json={"avi": stars.avi, "pipeline": "count"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://stars--ann.gavip.localhost:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"X-XSRFToken": "0" * 64},
        {"X-XSRFToken": ""},
        {"Cookie-Added": "_xsrf"},
    ],
)
async def test_a_write_from_elsewhere_or_with_a_made_up_token_is_refused(service, xsrf, headers):
    good = {"X-XSRFToken": xsrf("ann-token"), "Origin": service.origin, "Sec-Fetch-Site": "same-origin"}
    if headers.pop(
        "Cookie-Added", None
    ):  # the double-submit scheme of others: a sibling host can set both halves
        good = {"X-XSRFToken": "tossed", "Cookie": f"{session_cookie('ann-token')}; _xsrf=tossed"}
    async with browser(service, "ann-token", **{**good, **headers}) as client:
        answer = await client.delete("/jobs/j1")
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")


async def test_the_control_without_these_reaches_the_job(service, xsrf):
    good = {"X-XSRFToken": xsrf("ann-token"), "Origin": service.origin, "Sec-Fetch-Site": "same-origin"}
    async with browser(service, "ann-token", **good) as client:
        assert (await client.delete("/jobs/j1")).status_code == 404


async def test_the_token_of_another_session_is_refused(service, xsrf):
    async with browser(service, "ann-token", **{"X-XSRFToken": xsrf("bob-token")}) as client:
        assert (await client.delete("/jobs/j1")).status_code == 403


async def test_every_answer_says_how_it_may_be_used(service):
    async with service.client("ann-token") as client:
        for path in ("/me", "/nothing-here", "/jobs/none"):
            headers = (await client.get(path)).headers
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in headers["Content-Security-Policy"]
            assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Access-Control-Allow-Origin" not in headers


async def test_an_unknown_address_is_told_in_json(service):
    async with service.client() as client:
        answer = await client.get("/nothing/here")
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


async def test_an_error_of_ours_tells_nothing_of_its_inside(service, monkeypatch):
    def broken(**_):
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(service.service.core.avi_pages, "every", broken)
    async with service.client("ann-token") as client:
        answer = await client.get("/avis")
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    assert "hunter2" not in answer.text
