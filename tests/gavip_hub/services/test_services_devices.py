"""Codes of commands without a browser: short-lived, single use, guessed by nobody, bound to who allowed them."""

import pytest

from gavip_hub.domain.device import LETTERS, as_typed, new_user_code, plain_note
from gavip_hub.exceptions import (
    DeviceExpired,
    DevicePending,
    DeviceRefused,
    DeviceTooSoon,
    Forbidden,
    NoRoom,
    NotFound,
    TooOften,
)
from gavip_hub.services import devices
from gavip_hub.services.devices import INTERVAL, MOST_BEGUN, MOST_GUESSES, SECONDS, DeviceService
from gavip_hub.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def service(clock):
    return DeviceService(clock=clock)


@pytest.fixture
def begun(service):
    return service.begin(note="laptop", address="192.0.2.1")


def allow(service, device, user="ann", token="the token"):
    state = service.allow(user=user, typed=device.user_code, verifier="v")
    service.allowed(service.allowing(user=user, oauth_state=state), token=token)


def test_what_was_allowed_is_fetched_once(service, begun, clock):
    code, device = begun
    with pytest.raises(DevicePending):
        service.collect(code)
    allow(service, device)
    clock.advance(INTERVAL)
    assert service.collect(code) == ("ann", "the token")
    clock.advance(INTERVAL)
    with pytest.raises(DeviceExpired):
        service.collect(code)


def test_a_code_is_good_for_ten_minutes(service, begun, clock):
    code, device = begun
    clock.advance(SECONDS + 1)
    with pytest.raises(NotFound):
        service.find(user="ann", typed=device.user_code)
    with pytest.raises(DeviceExpired):
        service.collect(code)


def test_a_token_that_nobody_fetches_is_forgotten(service, begun, clock):
    code, device = begun
    allow(service, device)
    clock.advance(SECONDS + 1)
    with pytest.raises(DeviceExpired):
        service.collect(code)
    assert service._devices == {}


def test_a_refusal_is_told_once(service, begun, clock):
    code, device = begun
    service.refuse(user="ann", typed=device.user_code)
    with pytest.raises(DeviceRefused):
        service.collect(code)
    clock.advance(INTERVAL)
    with pytest.raises(DeviceExpired):
        service.collect(code)


def test_the_code_that_is_shown_fetches_nothing(service, begun):
    _, device = begun
    allow(service, device)
    for guess in (device.user_code, device.key, device.oauth_state, ""):
        with pytest.raises(DeviceExpired):
            service.collect(guess)


def test_the_device_code_is_kept_nowhere(service, begun):
    code, device = begun
    assert code not in repr(vars(service))
    assert code not in repr(vars(device))


def test_a_code_is_allowed_once_and_by_one(service, begun):
    _, device = begun
    allow(service, device)
    for again in (service.find, service.refuse):
        with pytest.raises(NotFound):
            again(user="mallory", typed=device.user_code)


def test_another_persons_answer_of_the_hub_allows_nothing(service, begun, clock):
    code, device = begun
    state = service.allow(user="ann", typed=device.user_code, verifier="v")
    for user, given in (("mallory", state), ("ann", "guessed"), ("ann", ""), ("mallory", "")):
        with pytest.raises(Forbidden):
            service.allowing(user=user, oauth_state=given)
    with pytest.raises(DevicePending):
        service.collect(code)


def test_the_hubs_answer_is_good_once(service, begun):
    state = service.allow(user="ann", typed=begun[1].user_code, verifier="v")
    service.allowing(user="ann", oauth_state=state)
    with pytest.raises(Forbidden):
        service.allowing(user="ann", oauth_state=state)


def test_a_command_that_asks_too_often_is_told(service, begun, clock):
    code, _ = begun
    with pytest.raises(DevicePending):
        service.collect(code)
    clock.advance(1)
    with pytest.raises(DeviceTooSoon):
        service.collect(code)


def test_who_guesses_codes_is_stopped_and_others_are_not(service, begun, clock):
    _, device = begun
    for _ in range(MOST_GUESSES):
        with pytest.raises(NotFound):
            service.find(user="mallory", typed="BBBB-BBBB")
    with pytest.raises(TooOften):
        service.find(user="mallory", typed=device.user_code)
    assert service.find(user="ann", typed=device.user_code) is device
    clock.advance(SECONDS + 1)
    with pytest.raises(NotFound):
        service.find(user="mallory", typed=device.user_code)


def test_one_address_begins_so_many(service, clock):
    for _ in range(MOST_BEGUN):
        service.begin(note="", address="192.0.2.1")
    with pytest.raises(TooOften):
        service.begin(note="", address="192.0.2.1")
    service.begin(note="", address="192.0.2.2")
    clock.advance(SECONDS + 1)
    service.begin(note="", address="192.0.2.1")


def test_a_flood_pushes_nobody_out(service, begun, monkeypatch):
    monkeypatch.setattr(devices, "MOST_WAITING", 3)
    for number in range(2):
        service.begin(note="", address=f"192.0.2.{number}")
    with pytest.raises(NoRoom):
        service.begin(note="", address="192.0.2.9")
    assert service.find(user="ann", typed=begun[1].user_code)


def test_nothing_grows_for_ever(service, clock):
    for number in range(50):
        service.begin(note="", address=f"192.0.2.{number}")
        with pytest.raises(NotFound):
            service.find(user=f"user-{number}", typed="x")
    clock.advance(SECONDS + 1)
    service._forget_old()
    assert (service._devices, dict(service._begun), dict(service._guessed)) == ({}, {}, {})


def test_codes_are_typed_as_people_type():
    code = new_user_code()
    assert as_typed(code) == as_typed(f" {code.lower().replace('-', ' ')} ") == code
    assert set(code) <= {*LETTERS, "-"}
    assert len({new_user_code() for _ in range(100)}) == 100


def test_what_a_command_says_of_itself_is_shown_as_plain_text():
    assert plain_note("lap\x1b[2Jtop\n\u202e") == "lap?[2Jtop??"
    assert len(plain_note("x" * 500)) == 60
    assert plain_note("  ") == "a machine without a name"
