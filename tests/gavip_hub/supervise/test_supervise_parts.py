"""Parts of a platform apart: who may run on a data root, what a part sees, how the others reach it, and that it is kept."""

import asyncio
import sys
from pathlib import Path

import pytest

from gavip_hub.backends.runtime import LONGEST, runtime_folder
from gavip_hub.config import SETTINGS_ENV, SITE_ENV, load_config
from gavip_hub.exceptions import Conflict, Unavailable
from gavip_hub.supervise import part
from gavip_hub.supervise.installation import prepare, prepared
from gavip_hub.supervise.locks import held, make_locks, only_one
from gavip_hub.supervise.preparation import prepare_parts
from gavip_hub.supervise.programs import PARTS, program, programs
from gavip_hub.supervise.sibling import Program

APART = """
c.Gavip.scheme = "https"
c.Gavip.hosts = {"proxy": "proxy", "hub": "hub", "service": "service"}
"""


def flag(argv: list[str], name: str) -> str:
    return argv[argv.index(name) + 1]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "config.py").write_text(APART)
    prepare(load_config(tmp_path))
    return tmp_path


def test_parts_on_one_machine_listen_on_loopback_alone(tmp_path: Path) -> None:
    config = load_config(tmp_path)
    ports, secrets = prepare(config)
    proxy = program("proxy", config, ports=ports, secrets=secrets, proxy_script=tmp_path / "proxy")
    assert [flag(proxy.argv, name) for name in ("--ip", "--api-ip")] == ["127.0.0.1", "127.0.0.1"]
    assert "--no-x-forward" not in proxy.argv
    assert config.listens_at("service") == config.listens_at("hub") == "127.0.0.1"


def test_parts_apart_reach_each_other_by_name(root: Path) -> None:
    config = load_config(root)
    ports, secrets = prepared(config)
    proxy, service = (
        program(name, config, ports=ports, secrets=secrets, proxy_script=root / "proxy")
        for name in ("proxy", "service")
    )
    assert flag(proxy.argv, "--ip") == flag(proxy.argv, "--api-ip") == config.listens_at("hub") == "0.0.0.0"
    assert flag(proxy.argv, "--error-target") == f"http://hub:{ports.hub}/hub/error"
    assert service.env["JUPYTERHUB_API_URL"] == f"http://hub:{ports.hub}/hub/api"
    assert config.service_url == f"http://service:{ports.service}"
    assert config.proxy_api_url == f"http://proxy:{ports.proxy_api}"


def test_behind_a_tls_front_the_proxy_adds_nothing_to_what_that_said(root: Path) -> None:
    config = load_config(root)
    ports, secrets = prepared(config)
    proxy = program("proxy", config, ports=ports, secrets=secrets, proxy_script=root / "proxy")
    assert "--no-x-forward" in proxy.argv


def test_webdav_is_one_of_the_parts_unless_it_is_off(root: Path) -> None:
    for on in (True, False):
        config = load_config(root, webdav=on)
        ports, secrets = prepared(config)
        made = programs(config, ports=ports, secrets=secrets, proxy_script=root / "proxy")
        assert [one.name for one in made] == ["proxy", "hub", "service", *(["webdav"] if on else [])]
        assert bool(config.webdav_url) is on


def test_webdav_is_told_no_secret(root: Path) -> None:
    ports, secrets = prepared(load_config(root))
    webdav = program("webdav", load_config(root), ports=ports, secrets=secrets, proxy_script=None)
    told = [*webdav.argv, *webdav.env.values()]
    assert not {secrets.proxy_token, secrets.service_token, secrets.supervisor_token} & set(told)


async def test_a_part_that_is_off_waits_to_be_told_to_end(root: Path) -> None:
    said: list[str] = []
    ended = asyncio.Event()
    ended.set()
    await part.keep_part("webdav", load_config(root, webdav=False), say=said.append, ended=ended)
    assert said == ["WebDAV is off: `c.Gavip.webdav = True` switches it on"]


def test_a_part_is_given_what_the_site_says(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{SITE_ENV}DOMAIN", "gavip.example.org")
    config = load_config(root)
    ports, secrets = prepared(config)
    hub = program("hub", config, ports=ports, secrets=secrets, proxy_script=None)
    assert hub.env[f"{SITE_ENV}DOMAIN"] == "gavip.example.org"


def test_a_part_makes_nothing_and_needs_no_secret_of_others(root: Path) -> None:
    (root / "secrets" / "service.token").unlink()
    _, secrets = prepared(load_config(root))
    assert secrets.service_token == ""
    assert secrets.proxy_token
    assert not (root / "secrets" / "service.token").exists()


def test_a_data_root_that_was_not_prepared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="gavip admin prepare"):
        prepared(load_config(tmp_path))


def test_a_site_lays_its_settings_beneath_those_of_the_data_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.py"
    site.write_text('c = get_config()\nc.Gavip.port = 8443\nc.Gavip.domain = "gavip.example.org"\n')
    monkeypatch.setenv(SETTINGS_ENV, str(site))
    root = tmp_path / "root"
    root.mkdir()
    (root / "config.py").write_text('c.Gavip.domain = "gaia.example.org"\n')
    config = load_config(root)
    assert (config.domain, config.port) == ("gaia.example.org", 8443)


def test_a_site_without_its_settings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTINGS_ENV, str(tmp_path / "gone.py"))
    with pytest.raises(Unavailable, match=r"gone\.py"):
        load_config(tmp_path)


def test_the_runtime_folder_may_be_chosen(tmp_path: Path) -> None:
    root, folder = tmp_path / "root", Path("/tmp", f"gavip-chosen-{tmp_path.name.lower()[-20:]}")
    prepare(load_config(root, runtime=str(folder)))
    try:
        assert runtime_folder(root) == folder
        assert folder.stat().st_mode & 0o777 == 0o711
    finally:
        folder.rmdir()


@pytest.mark.parametrize("folder", ["run", f"/{'r' * LONGEST}", "/tmp/Run"])
def test_a_runtime_folder_that_no_socket_fits_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Unavailable, match="lower case"):
        prepare(load_config(tmp_path, runtime=folder))


def test_parts_run_beside_each_other_and_each_once(tmp_path: Path) -> None:
    make_locks(tmp_path)
    with held(tmp_path, "hub"), held(tmp_path, "service"):
        with pytest.raises(Conflict, match="hub"), held(tmp_path, "hub"):
            pass
        with pytest.raises(Conflict, match="parts of the platform"), only_one(tmp_path):
            pass


def test_no_part_runs_beside_the_whole(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(Conflict, match="end it first"), held(tmp_path, "hub"):
        pass


def test_a_conflict_inside_is_not_taken_for_one_of_locks(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError), held(tmp_path, "hub"):
        raise BlockingIOError


async def test_preparation_makes_what_parts_find(tmp_path: Path) -> None:
    said: list[str] = []
    config = load_config(tmp_path, users={"ada": "developer"})
    await prepare_parts(config, said.append)
    await prepare_parts(config, said.append)
    assert said.count("made a password for ada") == 1
    assert {f"{name}.lock" for name in PARTS} <= {path.name for path in (tmp_path / "state").iterdir()}
    assert (tmp_path / "users").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "gavip.sqlite").is_file()


class Answers:
    """What a part asks its program."""

    async def answers(self) -> bool:
        return True


async def test_a_part_that_ended_is_started_again_and_ends_when_told(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import pathlib, time; open('starts', 'a').write('x'); len(open('starts').read()) < 2 or time.sleep(60)"
    one = Program(name="hub", title="Hub", argv=[sys.executable, "-c", code], env={}, probe=Answers())
    monkeypatch.setattr(part, "program", lambda *args, **kwargs: one)
    said, starts, ended = [], root / "starts", asyncio.Event()
    running = asyncio.create_task(part.keep_part("hub", load_config(root), say=said.append, ended=ended))
    async with asyncio.timeout(20):
        while not starts.exists() or starts.read_text() != "xx":
            await asyncio.sleep(0.05)
    ended.set()
    await asyncio.wait_for(running, 20)
    assert [line for line in said if "ended; starting it again" in line]
    assert not (root / "state" / "hub.json").exists()
