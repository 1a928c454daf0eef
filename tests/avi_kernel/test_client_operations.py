"""The Python client has what the document has, as methods with signatures and help."""

import inspect
import json
from contextlib import closing

import pytest

from avi_kernel.cli import settings
from avi_kernel.client import Client, NotFound, SignInRequired
from avi_kernel.client.operations import Api, _plain
from avi_kernel.openapi import operations
from avi_kernel.transport import Transport
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS
from tests.support.small_api import SmallApi, small_api
from tests.support.star_api import STAR_HANDLERS, Exploded


@pytest.fixture
def stars():
    with small_api(STAR_HANDLERS) as api:
        api.answers = {
            "GET /stars": [{"name": "vega"}],
            "POST /stars": {"name": "vega"},
            "GET /stars/s1": {"name": "vega"},
            "GET /stars/s1/picture": "PNG",
        }
        yield api


@pytest.fixture
def client(stars: SmallApi):
    with closing(Client(stars.url, "token")) as made:
        yield made


def test_an_operation_is_a_method(client, stars):
    assert client.api.stars.list(colour="blue", limit=3) == [{"name": "vega"}]
    assert stars.asked[-1] == "GET /stars?colour=blue&limit=3"
    assert client.api.stars.get("s1") == client.api.stars.get(id="s1") == {"name": "vega"}


def test_a_body_is_made_of_keyword_arguments(client, stars):
    client.api.stars.make(name="vega", colour="blue", labels={"of": "Lyra"})
    assert json.loads(stars.bodies[-1]) == {"name": "vega", "colour": "blue", "labels": {"of": "Lyra"}}


def test_a_file_comes_as_bytes_or_is_saved(client, tmp_path):
    assert client.api.stars.picture("s1") == b'"PNG"'
    saved = client.api.stars.picture("s1", to=tmp_path / "vega.png")
    assert saved.read_bytes() == b'"PNG"'
    assert list(tmp_path.iterdir()) == [saved]


def test_what_is_no_argument_is_refused_before_anything_is_sent(client, stars):
    client.api.stars.list()
    before = len(stars.asked)
    for wrong in (
        lambda: client.api.stars.list(color="blue"),
        client.api.stars.get,
        lambda: client.api.stars.make("vega"),
    ):
        with pytest.raises(TypeError):
            wrong()
    assert len(stars.asked) == before


def test_what_is_not_offered_is_told_with_what_is(client):
    with pytest.raises(AttributeError, match=r"offers no comets; it has: stars"):
        _ = client.api.comets
    with pytest.raises(AttributeError, match=r"no stars.explode; there are: get, list, make, picture"):
        _ = client.api.stars.explode


def test_help_tells_each_argument(client):
    make = client.api.stars.make
    assert "What it is called." in make.__doc__
    assert str(inspect.signature(make)).startswith("(*, name: str, colour: str = 'red', ")
    assert dir(client.api) == ["stars"]


def test_a_refusal_is_the_clients_own(client):
    with pytest.raises(NotFound, match="There is nothing"):
        client.api.stars.get("none")


def test_an_id_cannot_lead_elsewhere(client, stars):
    with pytest.raises(NotFound):
        client.api.stars.get("../jobs?x=1")
    assert stars.asked[-1] == "GET /stars/..%2Fjobs%3Fx%3D1"


def test_a_new_operation_is_a_method_with_no_other_edit(stars):
    stars.handlers = (*STAR_HANDLERS, Exploded)
    stars.answers["POST /stars/s1/explosion"] = {"name": "nova"}
    with closing(Client(stars.url, "token")) as client:
        assert client.api.stars.explode("s1", name="nova") == {"name": "nova"}


def test_it_has_all_of_the_platforms_operations():
    with small_api(API_HANDLERS) as served, closing(Transport(url=served.url, token=None)) as transport:
        api = Api(transport)
        for one in operations(document(API_HANDLERS, version="1")):
            call = getattr(getattr(api, _plain(one.tag)), _plain(one.name))
            assert call.__doc__.startswith(one.summary)
            assert set(call._names("path")) | set(call._names("query")) <= set(
                inspect.signature(call).parameters
            )


def test_a_script_is_who_signed_in_by_the_command(stars, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("GAVIP_URL", "GAVIP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SignInRequired, match="gavip login"):
        Client.from_command(stars.url)
    settings.remember(settings.Platform(url=stars.url, token="kept", user="ann"))
    with closing(Client.from_command()) as client:
        assert client.api.stars.list() == [{"name": "vega"}]
