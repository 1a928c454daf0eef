"""The platform as containers on one machine (acceptance 7): comes up by one command, loses nothing when each part is
restarted, and comes back from its backup on an empty folder.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.avis import notebook
from tests.support.browser import open_browser, watch
from tests.support.compose import FILE, PARTS, SETTINGS, Composed, composed, first_event_seconds
from tests.support.needs import need_program
from tests.support.people import open_avi, sign_in
from tests.support.platform import eventually
from tests.support.published import AVIS, follow, run, submit

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.docker,
    pytest.mark.hub,
    pytest.mark.timeout(900),
]
COUNTS = """
import ipywidgets
button, label = ipywidgets.Button(description="count"), ipywidgets.Label("0 clicks")
button.on_click(lambda _: setattr(label, "value", f"{int(label.value.split()[0]) + 1} clicks"))
ipywidgets.VBox([button, label])
"""
LONG_JOB = "import time\nfor _ in range(seconds * 10): time.sleep(0.1)\nprint('slept')"


@pytest.fixture(scope="module")
def own() -> Iterator[Composed]:
    """A platform in containers, with an AVI open and a job done."""
    with composed("compose") as platform:
        platform.root.mkdir(mode=0o711)
        (platform.root / "config.py").write_text(SETTINGS)
        platform.up()
        made = platform.home / "incoming"
        hello, sleeps = made / "hello", made / "sleeps" / "pipelines"
        for folder in (hello, sleeps, made / "counts"):
            folder.mkdir(parents=True)
        (made / "counts" / "app.ipynb").write_text(notebook(COUNTS))
        shutil.copytree(AVIS / "works", made / "works")
        (hello / "app.ipynb").write_text(notebook("print('hello', 6 * 7)"))
        (sleeps / "main.ipynb").write_text(notebook(LONG_JOB, parameters="seconds: int = 1"))
        platform.publish(hello, "hello")
        for name in ("sleeps", "works", "counts"):
            platform.publish(made / name, name)
        platform.open_avi("hello", "scientist")
        yield platform


def opened(platform: Composed) -> bool:
    """Tell whether a person can sign in with name and password and see the open AVI."""
    try:
        with platform.signed_in("scientist") as browser:
            return "hello 42" in browser.get(platform.avi_url("hello", "scientist")).text
    except httpx.HTTPError:
        return False


def content(client: httpx.Client, job: dict, name: str) -> bytes:
    answer = client.get(f"/jobs/{job['id']}/results/{name}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_only_the_steward_has_the_engine_and_nobody_a_power_that_it_does_not_need(own: Composed) -> None:
    parts = own.inspected()
    assert set(PARTS) <= set(parts)
    engine = {name for name, one in parts.items() if "docker.sock" in str(one["HostConfig"]["Binds"])}
    assert engine == {"steward"}
    for name, one in parts.items():
        host = one["HostConfig"]
        assert host["CapDrop"] == ["ALL"], name
        assert host["ReadonlyRootfs"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert not host["Privileged"], name
        powers = {"SYS_ADMIN", "SYS_CHROOT", "SYS_PTRACE"} & set(host["CapAdd"] or [])
        assert (bool(powers), bool(host["PidMode"])) == ((name == "steward"),) * 2, name
    assert parts["proxy"]["HostConfig"]["CapAdd"] is None
    assert {name for name, one in parts.items() if one["HostConfig"]["PortBindings"]} == {"front"}
    alone = {name for name, one in parts.items() if one["HostConfig"]["NetworkMode"] == "none"}
    assert {"database", "steward"} <= alone


def test_the_proxy_sees_no_file_of_users_and_no_secret_of_others(own: Composed) -> None:
    root = own.root
    seen = own.compose("exec", "-T", "proxy", "find", str(root), "-maxdepth", "2")
    assert {Path(line).name for line in seen.splitlines() if "/secrets/" in line} == {
        "proxy.token",
        "supervisor.token",
    }
    assert not any(f"{root}/{name}" in seen.splitlines() for name in ("users", "hub", "containers"))


def test_cookies_of_a_sign_in_are_bound_to_their_host_and_to_tls(own: Composed) -> None:
    with own.browserless() as http:
        page = http.get("/hub/login")
        form = {
            "username": "scientist",
            "password": own.password("scientist"),
            "_xsrf": http.cookies.get("_xsrf", path="/hub/"),
        }
        answer = http.post("/hub/login", data=form)
    assert page.status_code == 200
    assert answer.status_code == 302, answer.text[-500:]
    cookies = answer.headers.get_list("set-cookie")
    sign_in = [cookie for cookie in cookies if cookie.startswith("__Host-jupyterhub-hub-login=")]
    assert sign_in, cookies
    assert all("secure" in cookie.lower() for cookie in cookies), cookies
    assert answer.headers["location"].startswith(("/", own.url))


def test_a_person_signs_in_and_sees_the_open_avi(own: Composed) -> None:
    assert opened(own)
    assert [name.startswith("gavip-server-") for name in own.claimed()] == [True]


@pytest.mark.browser
async def test_an_interface_lives_in_a_browser(own: Composed) -> None:
    async with open_browser() as chromium, await chromium.new_context(ignore_https_errors=True) as context:
        page = await context.new_page()
        seen = watch(page)
        await sign_in(page, own)
        await open_avi(page, own, "counts")
        await page.get_by_role("button", name="count").click(timeout=60_000)
        await page.get_by_text("1 clicks").wait_for(timeout=30_000)
    assert any(url.startswith("wss://counts--scientist.") for url in seen.requests)
    with own.client("scientist") as scientist:
        scientist.delete("/servers/counts").raise_for_status()
    eventually(lambda: own.server_state("counts", "scientist") is None, "the interface is closed")


def test_a_host_that_is_not_the_platforms_is_refused(own: Composed) -> None:
    with httpx.Client(verify=False) as http:  # no certificate is for such a name
        answer = http.get(f"https://127.0.0.1:{own.port}/", headers={"Host": "example.org"})
    assert answer.status_code == 421


def test_who_forgot_tls_is_led_to_it(own: Composed) -> None:
    with httpx.Client() as http:
        answer = http.get(
            f"http://127.0.0.1:{own.port}/hub/login", headers={"Host": f"gavip.localhost:{own.port}"}
        )
    assert (answer.status_code, answer.headers["location"]) == (301, f"{own.url}/hub/login")


def test_events_pass_the_front_at_once(own: Composed) -> None:
    assert first_event_seconds(own, "scientist") < 20


def test_a_head_full_of_cookies_passes_the_front(own: Composed) -> None:
    many = "; ".join(f"c{number}={'x' * 4000}" for number in range(100))
    with own.browserless() as http:
        assert http.get("/hub/login", headers={"Cookie": many}).status_code == 200


def test_a_bundled_avi_is_published(own: Composed) -> None:
    with own.client("scientist") as scientist:
        eventually(
            lambda: "hr-diagram" in {avi["name"] for avi in scientist.get("/avis").json()},
            "the bundled AVI is there",
        )


def test_each_part_is_restarted_in_turn_and_nothing_is_lost(own: Composed) -> None:
    before = own.claimed()
    with own.client("scientist") as scientist:
        job = submit(scientist, "sleeps", parameters={"seconds": 60})
        eventually(lambda: scientist.get(f"/jobs/{job}").json()["state"] == "RUNNING", "the job runs")
        assert len(own.claimed()) == len(before) + 1
        for part in PARTS:
            own.compose("restart", part)
            eventually(own.answers, f"the platform answers after a restart of {part}")
            eventually(lambda: opened(own), f"the open AVI answers after a restart of {part}")
            assert before <= own.claimed(), part
        ended = follow(scientist, job, seconds=120)
        assert ended["phase"] == "COMPLETED", ended
        assert len(ended["attempts"]) == 1, "no restart cost the job an attempt"
        eventually(lambda: own.claimed() == before, "the job's container is gone")
        assert run(scientist, "sleeps", parameters={"seconds": 1})["phase"] == "COMPLETED"


def test_it_comes_back_from_its_backup(own: Composed) -> None:
    with own.client("scientist") as scientist:
        job = run(scientist, "works")
        assert job["phase"] == "COMPLETED", job
        results = {one["name"]: content(scientist, job, one["name"]) for one in job["results"]}
    token = own.token("scientist")
    notes = Path("users", "scientist", "notes.txt")
    (own.root / notes).write_text("Hyades: done")
    own.compose("stop", "hub", "service")
    own.compose("run", "--rm", "-T", "admin", "backup", "it.tar")
    own.compose("start", "hub", "service")
    eventually(own.answers, "the platform goes on after its backup")
    with composed("restored") as new:
        shutil.copy(own.home / "backups" / "it.tar", new.home / "backups")
        new.compose("run", "--rm", "-T", "admin", "restore", "it.tar")
        new.up()
        with new.signed_in("scientist") as browser:
            assert browser.get(f"{new.url}/services/gavip/jobs/{job['id']}").status_code == 200
        # What a person's programs hold opens the restored platform too.
        with httpx.Client(
            base_url=new.api,
            transport=new.transport(),
            timeout=60,
            headers={"Authorization": f"Bearer {token}"},
        ) as scientist:
            assert scientist.get(f"/jobs/{job['id']}").json()["phase"] == "COMPLETED"
            assert {name: content(scientist, job, name) for name in results} == results
            assert run(scientist, "works")["phase"] == "COMPLETED"
        assert (new.root / notes).read_text() == "Hyades: done"
        new.open_avi("hello", "scientist")
        assert opened(new)


def test_who_lost_a_password_gets_a_new_one(own: Composed) -> None:
    new = own.compose("run", "--rm", "-T", "admin", "password", "developer").strip()
    with own.browserless() as http:
        auth = {"username": "developer", "password": new}
        made = http.post("/hub/api/users/developer/tokens", json={"auth": auth, "note": "tests"})
    assert made.status_code == 201, made.text


def test_the_example_of_settings_is_taken_as_it_is(tmp_path: Path) -> None:
    there = shutil.copytree(FILE.parent, tmp_path / "compose")
    shutil.copy(there / ".env.example", there / ".env")
    compose = need_program("docker-compose", "apt-get install docker-compose")
    done = subprocess.run(
        [compose, "config", "--quiet"], cwd=there, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_backup_is_not_restored_over_a_platform(own: Composed) -> None:
    with pytest.raises(AssertionError, match="is not empty"):
        own.compose("run", "--rm", "-T", "admin", "restore", "it.tar")


def test_a_platform_that_runs_is_not_backed_up(own: Composed) -> None:
    with pytest.raises(AssertionError, match="end it first"):
        own.compose("run", "--rm", "-T", "admin", "backup", "another.tar")
