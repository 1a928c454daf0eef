"""Who is named in the settings has an account, and nobody else."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from gavip_hub.supervise.installation import free_ports
from tests.support.platform import Platform, start_platform

pytestmark = pytest.mark.hub

WITH_VERA = """
c.Gavip.bundled_avis = False
c.Gavip.users = {"ada": "operator", "vera": "scientist"}
c.Gavip.groups = {"hyades": ["ada"]}
c.Gavip.group_quotas = {"hyades": {"memory_mb": 1000}}
"""
WITHOUT_VERA = 'c.Gavip.bundled_avis = False\nc.Gavip.users = {"ada": "operator"}\n'


@pytest.fixture
def root() -> Iterator[Path]:
    with TemporaryDirectory(prefix="gavip-people-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def started(root: Path, settings: str) -> Platform:
    (root / "config.py").write_text(settings)
    return start_platform(root, port=free_ports(1)[0])


def memory_of(platform: Platform, user: str) -> int:
    with platform.client(user) as person:
        return next(pool["memory_mb"] for pool in person.get("/pools").json() if pool["owner"] == user)


def status_of(platform: Platform, token: str, path: str) -> int:
    with platform.browserless(headers={"Authorization": f"Bearer {token}"}) as somebody:
        return somebody.get(path).status_code


def test_who_is_named_no_longer_has_no_account_and_groups_grant_more(root: Path) -> None:
    platform = started(root, WITH_VERA)
    try:
        token, password = platform.token("vera"), platform.password("vera")
        assert status_of(platform, token, "/services/gavip/api/me") == httpx.codes.OK
        assert memory_of(platform, "ada") == memory_of(platform, "vera") + 1000
        platform.end()
        platform = started(root, WITHOUT_VERA)
        assert status_of(platform, token, "/hub/api/user") == httpx.codes.FORBIDDEN
        assert status_of(platform, token, "/services/gavip/api/me") == httpx.codes.UNAUTHORIZED
        auth = {"auth": {"username": "vera", "password": password}}
        with platform.browserless() as somebody:
            refused = somebody.post("/hub/api/users/vera/tokens", json=auth).status_code
        assert refused in {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND}
    finally:
        platform.sweep()
