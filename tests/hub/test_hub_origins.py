"""What we rely on inside JupyterHub for an origin of each AVI; breaks when an upgrade takes it away."""

import inspect
from types import SimpleNamespace

import httpx
import pytest
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.user import User

from gavip_hub.spawners.origin import own_route, own_url, set_redirect_uri
from gavip_hub.spawners.process import ProcessSpawner
from tests.support.platform import Platform


def test_the_hub_still_passes_the_route_to_the_spawners_constructor() -> None:
    assert "proxy_spec=url_path_join" in inspect.getsource(User._new_spawner)
    assert ProcessSpawner.proxy_spec.name == "proxy_spec"


def test_a_servers_oauth_client_still_has_a_redirect_address_of_its_own() -> None:
    assert hasattr(orm.OAuthClient, "redirect_uri")
    assert hasattr(orm.Spawner, "oauth_client")


def test_the_proxy_is_still_among_the_settings() -> None:
    assert "proxy=self.proxy" in inspect.getsource(JupyterHub.init_tornado_settings)


def test_only_named_servers_get_an_origin_of_their_own() -> None:
    shared = "ann.gavip.localhost/user/ann/hr/"
    assert own_route("hr", shared) == "hr--ann.gavip.localhost/user/ann/hr/"
    assert own_route("", "ann.gavip.localhost/user/ann/") == "ann.gavip.localhost/user/ann/"


def test_the_own_address_differs_from_the_hubs_by_the_avi_alone() -> None:
    class FakeUser:
        def server_url(self, name: str) -> str:
            return f"http://ann.gavip.localhost:8000/user/ann/{name}/"

    class FakeSpawner:
        user = FakeUser()
        name = "hr"

    assert own_url(FakeSpawner()) == "http://hr--ann.gavip.localhost:8000/user/ann/hr/"


def test_the_redirect_address_outlives_another_requests_rollback() -> None:
    session = orm.new_session_factory("sqlite://")()
    client = orm.OAuthClient(identifier="hr", redirect_uri="http://ann.gavip.localhost/")
    user = orm.User(name="ann")
    session.add_all([client, user, orm.Spawner(name="hr", user=user, oauth_client=client)])
    session.commit()
    spawner = SimpleNamespace(orm_spawner=user.orm_spawners["hr"], user=SimpleNamespace(db=session))
    set_redirect_uri(spawner, "http://hr--ann.gavip.localhost/")
    session.rollback()
    assert client.redirect_uri == "http://hr--ann.gavip.localhost/"
    session.close()
    session.get_bind().dispose()


@pytest.mark.hub
def test_the_proxy_knows_an_open_avi_by_its_own_host_alone(platform: Platform, hello: str) -> None:
    platform.open_avi(hello, "developer")
    ports = platform.config.ports
    assert ports is not None
    token = (platform.root / "secrets" / "proxy.token").read_text()
    routes = httpx.get(
        f"http://127.0.0.1:{ports.proxy_api}/api/routes", headers={"Authorization": f"token {token}"}
    ).json()
    of_avi = [route for route in routes if route.endswith(f"/user/developer/{hello}")]
    assert of_avi == [f"/{hello}--developer.gavip.localhost/user/developer/{hello}"]
    platform.close_servers("developer")


@pytest.mark.hub
def test_an_interface_may_submit_jobs_of_its_own_avi_only(platform: Platform, hello: str) -> None:
    platform.open_avi(hello, "developer")
    with platform.hub("developer") as hub:
        tokens = hub.get("/users/developer/tokens").json()["api_tokens"]
    [server] = [token for token in tokens if token["note"] == f"Server at /user/developer/{hello}/"]
    custom = {scope for scope in server["scopes"] if scope.startswith("custom:")}
    bound = f"!server=developer/{hello}"
    assert custom == {f"custom:gavip:{action}:jobs{bound}" for action in ("submit", "read", "cancel")}
    assert not {scope for scope in server["scopes"] if "servers" in scope and "access" not in scope}
    platform.close_servers("developer")
