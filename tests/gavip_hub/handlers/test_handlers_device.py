"""A command is signed in by a browser elsewhere; what each threat would need, it does not get (docs/adr/0047)."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gavip_hub.handlers.sign_in import Identity
from gavip_hub.services import devices
from tests.gavip_hub.handlers.test_handlers_sign_in import session_cookie
from tests.support.service import pages_of

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture(autouse=True)
def asks_at_once(monkeypatch):
    monkeypatch.setattr(devices, "INTERVAL", 0.0)


@pytest.fixture
async def nobody(service):
    async with service.client() as client:
        yield client


@pytest.fixture
async def begun(nobody):
    return (await nobody.post("/device", json={"note": f"laptop {EVIL}"})).json()


@pytest.fixture
async def ann(service):
    """Ann's browser, signed in to the portal."""
    token = service.service.context.sign_in.xsrf_token(Identity(token="ann-token"))
    headers = {"Cookie": session_cookie("ann-token"), "Sec-Fetch-Site": "same-origin", "X-XSRFToken": token}
    url = f"{service.url}/services/gavip"
    async with httpx.AsyncClient(
        base_url=url, headers=headers | {"Origin": service.origin}, timeout=60
    ) as browser:
        yield browser


def hub_knows(service, code="hub-code", name="ann"):
    """The Hub gives a brief token for a code, of whoever is signed in to it."""
    service.hub.codes[code] = "brief"
    service.hub.tokens["brief"] = {
        "kind": "user",
        "name": name,
        "scopes": [],
        "may": ["tokens!user"],
        "token_id": "a7",
    }


async def collect(nobody, begun):
    return await nobody.post("/device/token", json={"device_code": begun["device_code"]})


async def allow(ann, begun):
    """Type the code, say yes, and return where the browser is sent."""
    shown = await ann.post("/device", data={"code": begun["user_code"]})
    assert shown.status_code == 200
    sent = await ann.post("/device/decide", data={"code": begun["user_code"], "decision": "allow"})
    assert sent.status_code == 303
    return sent.headers["Location"]


async def come_back(browser, address, code="hub-code"):
    state = parse_qs(urlsplit(address).query)["state"][0]
    return await browser.get("/device/callback", params={"code": code, "state": state})


async def test_a_command_gets_a_token_that_its_user_allowed(service, nobody, begun, ann):
    assert re.fullmatch("[B-Z]{4}-[B-Z]{4}", begun["user_code"])
    assert begun["verification_uri"] == f"{service.origin}/services/gavip/device"
    assert (await collect(nobody, begun)).json()["error"] == "authorization_pending"
    hub_knows(service)
    address = await allow(ann, begun)
    assert address.startswith(f"{service.origin}/hub/api/oauth2/authorize?client_id=service-gavip-command&")
    assert "signed in as ann" in (await come_back(ann, address)).text
    assert (await collect(nobody, begun)).json() == {"user": "ann", "token": "made-1"}
    assert (await collect(nobody, begun)).json()["error"] == "expired_token"


async def test_the_token_is_scoped_and_expires(service, nobody, begun, ann):
    hub_knows(service)
    await come_back(ann, await allow(ann, begun))
    [made] = service.hub.made
    assert made["user"] == "ann"
    assert made["expires_in"] == 90 * 86400
    assert made["note"].startswith("gavip on laptop")
    assert "custom:gavip:submit:jobs!user" in made["scopes"]
    for never in ("inherit", "tokens", "access:servers", "admin"):
        assert not any(never in scope for scope in made["scopes"])


async def test_what_made_the_token_is_given_back_at_once(service, begun, ann):
    hub_knows(service)
    await come_back(ann, await allow(ann, begun))
    assert service.hub.revoked == ["a7"]


async def test_an_operators_command_is_no_operator(service, nobody, begun):
    service.hub.tokens["brief"] = {"name": "olga", "scopes": [], "may": ["tokens!user"], "token_id": "a1"}
    service.hub.codes["hub-code"] = "brief"
    async with pages_of(service, "olga-token") as olga:
        await come_back(olga, await allow(olga, begun))
    assert not any("admin" in scope for scope in service.hub.made[0]["scopes"])


async def test_the_page_shows_what_asks_and_takes_no_code_from_its_address(ann, begun):
    page = (
        await ann.get("/device", params={"code": begun["user_code"], "user_code": begun["user_code"]})
    ).text
    assert begun["user_code"] not in page
    shown = (await ann.post("/device", data={"code": begun["user_code"].lower()})).text
    assert "laptop &lt;img" in shown
    assert EVIL not in shown
    assert begun["user_code"] in shown
    assert begun["device_code"] not in shown


async def test_a_refusal_reaches_the_command(nobody, begun, ann):
    await ann.post("/device/decide", data={"code": begun["user_code"], "decision": "refuse"})
    assert (await collect(nobody, begun)).json()["error"] == "access_denied"


async def test_who_is_not_signed_in_is_sent_to_sign_in(service, begun):
    async with pages_of(service, None) as browser:
        assert (await browser.get("/device")).status_code == 302
        for path in ("/device", "/device/decide"):
            assert (await browser.post(path, data={"code": begun["user_code"]})).status_code == 401


async def test_a_page_of_another_site_allows_nothing(service, nobody, begun, ann):
    form = {"code": begun["user_code"], "decision": "allow"}
    evil = {"Origin": "http://stars--ann.gavip.localhost:8000"}
    for headers in (evil, {"Sec-Fetch-Site": "same-site"}, {"X-XSRFToken": "0" * 64}, {"X-XSRFToken": ""}):
        assert (await ann.post("/device/decide", data=form, headers=headers)).status_code == 403
    assert (await collect(nobody, begun)).json()["error"] == "authorization_pending"


async def test_the_callback_alone_allows_nothing(service, nobody, begun, ann):
    """A link to the Hub's own question brings a code and no state of ours."""
    hub_knows(service)
    for state in ("", "guessed"):
        assert (
            await ann.get("/device/callback", params={"code": "hub-code", "state": state})
        ).status_code == 403
    assert service.hub.redeemed == []
    assert (await collect(nobody, begun)).json()["error"] == "authorization_pending"


async def test_a_link_from_who_began_gives_them_nothing_of_who_follows_it(service, nobody, begun, ann):
    """Bob allows his own command as far as the Hub's question, and sends its address to Ann."""
    async with pages_of(service, "bob-token") as bob:
        address = await allow(bob, begun)
    hub_knows(service, name="ann")
    assert (await come_back(ann, address)).status_code == 403
    assert service.hub.redeemed == []
    assert (await collect(nobody, begun)).json()["error"] == "authorization_pending"


async def test_another_persons_session_at_the_hub_gives_nothing(service, nobody, begun, ann):
    hub_knows(service, name="bob")
    address = await allow(ann, begun)
    answer = await come_back(ann, address)
    assert answer.status_code == 403
    assert service.hub.made == []
    assert service.hub.revoked == ["a7"]


async def test_what_the_hub_refuses_may_be_tried_again(service, nobody, begun, ann):
    hub_knows(service)
    service.hub.tokens["brief"]["may"] = []
    assert (await come_back(ann, await allow(ann, begun))).status_code == 503
    service.hub.tokens["brief"]["may"] = ["tokens!user"]
    assert "signed in" in (await come_back(ann, await allow(ann, begun))).text
    assert (await collect(nobody, begun)).json()["user"] == "ann"


async def test_an_interface_and_a_job_allow_nothing(service, begun):
    for token in ("ann-stars-token", "gavip-job-" + "0" * 43):
        async with pages_of(service, token) as box:
            for path in ("/device", "/device/decide"):
                answer = await box.post(path, data={"code": begun["user_code"], "decision": "allow"})
                assert answer.status_code in {401, 403}


async def test_wrong_codes_are_counted_and_told(ann, begun):
    for _ in range(devices.MOST_GUESSES):
        answer = await ann.post("/device", data={"code": "BBBB-BBBB"})
        assert (answer.status_code, "No command waits" in answer.text) == (404, True)
    answer = await ann.post("/device", data={"code": begun["user_code"]})
    assert (answer.status_code, "wait ten minutes" in answer.text) == (429, True)


async def test_an_address_counts_as_our_proxy_saw_it(nobody, monkeypatch):
    monkeypatch.setattr(devices, "MOST_BEGUN", 2)
    for made_up in ("1.1.1.1", "2.2.2.2"):
        headers = {"X-Forwarded-For": f"{made_up}, 192.0.2.7", "X-Real-Ip": made_up}
        assert (await nobody.post("/device", json={}, headers=headers)).status_code == 200
    headers = {"X-Forwarded-For": "3.3.3.3, 192.0.2.7", "X-Real-Ip": "3.3.3.3"}
    assert (await nobody.post("/device", json={}, headers=headers)).status_code == 429
    assert (
        await nobody.post("/device", json={}, headers={"X-Forwarded-For": "192.0.2.8"})
    ).status_code == 200


async def test_codes_and_tokens_are_stored_by_no_cache(nobody, begun):
    answer = await nobody.post("/device", json={})
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await collect(nobody, begun)).status_code == 400
