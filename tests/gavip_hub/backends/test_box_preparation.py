"""From the description of a container to the box: paths, addresses, folders, numbers."""

import json
import os
import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from avi_kernel.protocol.boxes import BoxSpec
from gavip_hub.backends.binds import require_apart, system_binds, system_links, write_etc
from gavip_hub.backends.boxes import BoxLauncher
from gavip_hub.backends.boxspec import BoxPlaces, box_spec
from gavip_hub.backends.folders import hand_over, let_read, make_mount_points, open_mounts
from gavip_hub.backends.records import create_private
from gavip_hub.backends.runtime import runtime_folder, socket_folder
from gavip_hub.backends.sandbox import SandboxReport
from gavip_hub.backends.uids import FIRST_UID, Uids
from gavip_hub.domain.container import Kind, Mount, Places, Resources, container_spec
from gavip_hub.exceptions import Unavailable
from tests.gavip_hub.backends.test_docker_options import described
from tests.support.needs import missing

UPSTREAMS = {"/hub/api": "http://127.0.0.1:1", "/services/gavip/api": "http://127.0.0.1:2"}
PLACES = Places(
    user_space="/root/users/ann",
    jobs="/root/users/ann/jobs",
    shared_everyone="/root/shared/everyone",
    shared_groups="/root/shared/groups",
    shared_me="/root/shared/me/ann",
    avi_folder="/root/users/ann/avis/hr",
    checkout="/root/checkouts/hr/abc",
    attempt="/root/attempts/gavip-ja-1",
)


def box(kind=Kind.JOB, *, sandboxed=True, **env) -> BoxSpec:
    places = BoxPlaces(
        run_dir=Path("/root/boxes/gavip-ja-1"),
        socket_dir=Path("/tmp/g/ab"),
        uid=30001 if sandboxed else None,
        bwrap=Path("/bwrap") if sandboxed else None,
    )
    resources = Resources(memory_mb=100, cpu=2.0, cpu_limit=3.0, pids=33, time_limit=60)
    described = container_spec(
        name="gavip-ja-1",
        kind=kind,
        owner="ann",
        places=PLACES,
        resources=resources,
        avi="hr",
        version="1",
        env=env,
    )
    return box_spec(described, places=places, upstreams=UPSTREAMS)


def targets(spec):
    return {bind.target: bind for bind in spec.binds}


def test_a_walled_job_goes_through_the_shim():
    env = box().env
    assert env["GAVIP_API_URL"] == "http://127.0.0.2:8081/services/gavip/api"
    assert env["HTTPS_PROXY"] == env["https_proxy"] == "http://127.0.0.2:8082"
    assert env["NO_PROXY"] == "127.0.0.2"


def test_an_open_job_goes_directly():
    env = box(sandboxed=False).env
    assert env["GAVIP_API_URL"] == "http://127.0.0.1:2/services/gavip/api"
    assert "HTTPS_PROXY" not in env


def test_a_job_has_no_way_to_the_hub():
    assert box().api_upstreams == {"/services/gavip/api": "http://127.0.0.1:2"}
    assert box().api_pages == {}


@pytest.mark.parametrize("kind", [Kind.INTERFACE, Kind.NOTEBOOK])
def test_a_server_reaches_of_the_hub_what_signs_people_in_and_tells_that_they_are_there(kind):
    spec = box(kind)
    pages = ["/hub/api", "/hub/api/user", "/hub/api/oauth2/token", "/hub/api/users/ann/activity"]
    assert spec.api_upstreams == box().api_upstreams
    assert spec.api_pages == dict.fromkeys(pages, "http://127.0.0.1:1")


def test_a_walled_server_listens_in_its_own_folder():
    env = box(
        Kind.INTERFACE, JUPYTERHUB_SERVICE_PREFIX="/user/ann/hr/", JUPYTERHUB_API_URL="http://x/hub/api"
    ).env
    assert env["GAVIP_SOCKET"] == "/run/gavip/s.sock"
    assert env["JUPYTERHUB_SERVICE_URL"] == "http+unix://%2Frun%2Fgavip%2Fs.sock/user/ann/hr/"
    assert env["JUPYTERHUB_API_URL"] == "http://127.0.0.2:8081/hub/api"


def test_an_open_server_listens_at_a_real_path():
    env = box(Kind.INTERFACE, sandboxed=False).env
    assert env["GAVIP_SOCKET"] == "/tmp/g/ab/box/s.sock"
    assert env["JUPYTERHUB_API_URL"] == "http://127.0.0.1:1/hub/api"


def test_paths_of_an_open_box_are_real():
    spec = box(sandboxed=False, GAVIP_ATTEMPT_DIR="/attempt")
    assert spec.cwd == "/root/users/ann/avis/hr"
    assert spec.env["HOME"] == "/root/users/ann"
    assert spec.env["GAVIP_CODE_DIR"] == "/root/checkouts/hr/abc"
    assert spec.env["GAVIP_ATTEMPT_DIR"] == "/root/attempts/gavip-ja-1"
    assert spec.env["TMPDIR"] == "/root/boxes/gavip-ja-1/tmp"
    assert (spec.binds, spec.uid) == ([], None)


def test_a_value_that_only_looks_like_a_path_stays():
    assert box(sandboxed=False, TITLE="/home/annabel", MORE="/avis").env["TITLE"] == "/home/annabel"
    assert box(sandboxed=False, MORE="/avis").env["MORE"] == "/avis"


def test_paths_of_a_walled_box_are_the_contracts():
    spec = box()
    assert spec.cwd == "/home/ann/avis/hr"
    assert {"/home/ann", "/avi", "/attempt", "/run/gavip", "/usr", "/etc/passwd"} <= set(targets(spec))
    assert targets(spec)["/avi"].writable is False
    assert targets(spec)["/run/gavip"].source == "/tmp/g/ab/box"


def test_the_log_of_a_job_lies_in_its_attempt_and_a_servers_in_the_platforms_folder():
    assert box().log_file == "/root/attempts/gavip-ja-1/log.txt"
    described = box(Kind.NOTEBOOK)
    assert described.serves


def test_limits_are_the_containers():
    spec = box()
    assert (spec.memory_mb, spec.weight, spec.cpu_limit) == (100, 2.0, 3.0)
    assert (spec.pids, spec.time_limit) == (33, 60)
    assert spec.env["OMP_NUM_THREADS"] == "2"


def test_the_system_is_seen_read_only_and_without_its_secrets():
    seen = {bind.target: bind for bind in system_binds()}
    assert not any(bind.writable for bind in seen.values())
    assert "/etc" not in seen
    assert not {"/", "/root", "/home", "/var", "/run", "/tmp"} & set(seen)


def test_what_an_installed_java_reads_of_etc_is_seen_but_not_its_passwords():
    read = {link.readlink() for link in Path("/usr/lib/jvm").glob("*/**/*") if link.is_symlink()}
    wanted = {path for path in read if str(path).startswith("/etc/java-")}
    seen = [Path(bind.target) for bind in system_binds()]
    unseen = [path for path in wanted if not any(path.is_relative_to(folder) for folder in seen)]
    assert {path.parent.name for path in unseen if path.suffix != ".ja"} <= {"management"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that holds the link through which an environment finds its Python, and a data root."""
    for folder in ("home/bin", "home/data", "opt/python/bin", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "opt/python/bin/python3").write_text("")
    (tmp_path / "home/bin/python3").symlink_to(tmp_path / "opt/python/bin/python3")
    (tmp_path / "venv/bin/python").symlink_to(tmp_path / "home/bin/python3")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "opt/python"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_of_a_home_with_a_link_to_python_only_the_link_is_seen(home):
    assert not any(home.is_relative_to(bind.source) for bind in system_binds())
    assert system_links() == {str(home / "bin/python3"): str(home.parent / "opt/python/bin/python3")}
    require_apart(home / "data")


def test_a_python_installed_into_the_home_itself_is_refused(home, monkeypatch):
    monkeypatch.setattr(sys, "base_prefix", str(home))
    with pytest.raises(Unavailable, match=r"Every box would see the data root .* Choose another data root"):
        require_apart(home / "data")
    with pytest.raises(Unavailable, match="Every box would see the home folder"):
        require_apart(home.parent / "elsewhere")


def test_boxes_with_walls_need_a_data_root_that_they_do_not_show(home, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(home / "data"))
    walls = SandboxReport(bwrap=Path("/bwrap"), enforced=frozenset({"sandbox"}))
    with pytest.raises(Unavailable, match="data root"):
        BoxLauncher(root=home / "data", sandbox=walls, upstreams={})


def test_a_strange_name_makes_one_line_of_passwd(tmp_path):
    write_etc(tmp_path / "etc", uid=5, user="an:n\nroot")
    assert (tmp_path / "etc/passwd").read_text() == "an_n_root:x:5:5::/home/an_n_root:/bin/sh\n"


def test_numbers_are_kept_and_never_shared(tmp_path):
    numbers = Uids(path=tmp_path / "uids.json")
    ann, bob = numbers.of("ann"), numbers.of("bob")
    assert Uids(path=tmp_path / "uids.json").of("ann") == ann != bob
    assert min(ann, bob) > FIRST_UID


def test_numbers_given_at_the_same_time_differ(tmp_path):
    given = []

    def give(name):
        given.append(Uids(path=tmp_path / "uids.json").of(name))

    threads = [threading.Thread(target=give, args=(f"user{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(given)) == 20


def test_when_numbers_run_out_it_is_said(tmp_path):
    (tmp_path / "uids.json").write_text(json.dumps({"last": 59_999}))
    with pytest.raises(Unavailable, match="No numeric user is left for ann"):
        Uids(path=tmp_path / "uids.json").of("ann")


@pytest.mark.parametrize(
    "content", ["", '{"ann": 300', '{"ann": "x"}', '{"ann": 0}', '{"a": 30001, "b": 30001}']
)
def test_a_damaged_file_gives_no_number(tmp_path, content):
    (tmp_path / "uids.json").write_text(content)
    with pytest.raises(Unavailable, match="is damaged"):
        Uids(path=tmp_path / "uids.json").of("carol")
    assert (tmp_path / "uids.json").read_text() == content


def test_a_write_that_is_cut_short_loses_no_number(tmp_path, monkeypatch):
    numbers = Uids(path=tmp_path / "uids.json")
    ann = numbers.of("ann")

    def full(_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="disk full"):
            numbers.of("bob")
    assert (numbers.of("ann"), numbers.of("bob")) == (ann, ann + 1)


def needs_root():
    if os.geteuid() != 0:
        missing("root", "only root gives files away")


def test_a_folder_is_handed_over_whole_and_links_are_not_followed(tmp_path):
    needs_root()
    home, outside = tmp_path / "home", tmp_path / "outside"
    (home / "deep").mkdir(parents=True)
    outside.write_text("")
    (home / "deep/link").symlink_to(outside)
    hand_over(str(home), 30001)
    assert {home.stat().st_uid, (home / "deep").stat().st_uid, (home / "deep/link").lstat().st_uid} == {30001}
    assert outside.stat().st_uid == 0


def test_a_linked_folder_is_not_handed_over(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Unavailable):
        hand_over(str(tmp_path / "link"), os.getuid() + 1)
    assert (tmp_path / "real").stat().st_uid == os.getuid()


def test_a_closed_checkout_is_made_readable(tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "src").mkdir(parents=True, mode=0o700)
    for name, mode in (("app.ipynb", 0o600), ("run.sh", 0o700)):
        (checkout / "src" / name).write_text("")
        (checkout / "src" / name).chmod(mode)
    checkout.chmod(0o700)
    let_read(str(checkout))
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (checkout, checkout / "src/app.ipynb", checkout / "src/run.sh")
    ]
    assert modes == [0o755, 0o644, 0o755]


def test_what_is_swapped_for_a_link_after_the_look_opens_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "checkout").mkdir(mode=0o700)
    (tmp_path / "checkout/app.ipynb").touch(mode=0o600)
    (tmp_path / "shadow").touch(mode=0o600)
    look = os.stat

    def look_and_swap(name, **how):
        found = look(name, **how)
        if name == "app.ipynb":
            (tmp_path / "checkout/app.ipynb").unlink()
            (tmp_path / "checkout/app.ipynb").symlink_to(tmp_path / "shadow")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", look_and_swap)
        with pytest.raises(Unavailable):
            let_read(str(tmp_path / "checkout"))
    assert stat.S_IMODE((tmp_path / "shadow").stat().st_mode) == 0o600


def test_a_persons_folder_is_theirs_wherever_it_is_seen(tmp_path):
    folder = tmp_path / "users/ann/papers"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "letter").touch(mode=0o600)
    spec = replace(described(), mounts=(Mount(source=str(folder), target="/home/ann/elsewhere"),))
    open_mounts(spec, root=tmp_path, uid=os.getuid())
    assert stat.S_IMODE((folder / "letter").stat().st_mode) == 0o600


def test_what_a_box_is_told_is_private_and_written_once(tmp_path):
    create_private(tmp_path / "box.json", "first")
    with pytest.raises(FileExistsError):
        create_private(tmp_path / "box.json", "second")
    assert (tmp_path / "box.json").read_text() == "first"
    assert stat.S_IMODE((tmp_path / "box.json").stat().st_mode) == 0o600


def test_mount_points_are_made_inside_the_mounts_that_hold_them(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "jobs").mkdir()
    mounts = (
        Mount(source=str(tmp_path / "home"), target="/home/ann"),
        Mount(source=str(tmp_path / "jobs"), target="/home/ann/jobs"),
        Mount(source=str(tmp_path / "jobs"), target="/home/ann/shared/everyone"),
        Mount(source=str(tmp_path / "jobs"), target="/home/annabel"),
    )
    make_mount_points(mounts, uid=None)
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == ["jobs", "shared"]
    assert (tmp_path / "home/shared/everyone").is_dir()


def test_a_file_in_place_of_a_mount_point_is_told(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/jobs").write_text("mine")
    mounts = (
        Mount(source=str(tmp_path / "home"), target="/h"),
        Mount(source=str(tmp_path), target="/h/jobs"),
    )
    with pytest.raises(Unavailable, match="jobs in the user-space must be a folder"):
        make_mount_points(mounts, uid=None)
    assert (tmp_path / "home/jobs").read_text() == "mine"


@pytest.fixture
def runtime(tmp_path):
    folder = runtime_folder(tmp_path)
    yield folder
    if folder.exists():
        folder.rmdir()


def test_the_runtime_folder_is_short_lower_case_and_the_same_again(tmp_path, runtime):
    assert runtime_folder(tmp_path) == runtime
    assert str(runtime) == str(runtime).lower()
    assert len(str(runtime)) < 40
    assert (tmp_path / "state/runtime").read_text() == f"{runtime}\n"


def test_a_socket_folder_has_the_name_that_the_hub_makes(runtime):
    folder = socket_folder(runtime, uid=None)
    assert len(f"{folder}/s.sock:80") < 60
    assert (folder / "s.sock:80").readlink() == Path("s.sock")
    assert stat.S_IMODE((folder / "box").stat().st_mode) == 0o700
    (folder / "s.sock:80").unlink()
    (folder / "box").rmdir()
    folder.rmdir()


def test_a_runtime_folder_that_another_made_is_not_used(tmp_path, runtime):
    runtime.rmdir()
    trap = tmp_path / "trap"
    trap.mkdir()
    runtime.symlink_to(trap)
    other = runtime_folder(tmp_path)
    runtime.unlink()
    assert other != runtime
    assert list(trap.iterdir()) == []
    other.rmdir()
