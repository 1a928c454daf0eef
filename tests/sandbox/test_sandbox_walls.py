"""What a box can see and reach; each attack succeeds in a control that has the one measure off."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import gavip_hub
from gavip_hub.domain.container import Kind
from gavip_hub.exceptions import Unavailable
from tests.support.needs import missing

pytestmark = pytest.mark.sandbox

KNOCK = """
import socket, sys
print("knocking", flush=True)
try:
    with socket.create_connection(("{host}", {port}), timeout=3) as line:
        line.sendall(b"I was here")
    print("reached", flush=True)
except OSError as error:
    print("failed:", error.strerror or error, flush=True)
"""
READ = """
print("reading", flush=True)
try:
    print("content:", open({path!r}).read(), flush=True)
except OSError as error:
    print("failed:", error.strerror, flush=True)
"""
SPY = """
import glob
print("spying", flush=True)
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        if b"SECRET_OF_THE_HUB" in open(path, "rb").read():
            print("found in", path, flush=True)
    except OSError:
        pass
"""


class Victim:
    """A service of the host that listens on loopback and keeps what it hears."""

    def __init__(self):
        self.heard = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            with line:
                self.heard.append(line.recv(100))

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)


@pytest.fixture
def victim():
    service = Victim()
    yield service
    service.close()


@pytest.fixture
def secretive():
    """A process of the host with a secret in its environment, as the Hub has."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, env={"SECRET_OF_THE_HUB": "token"}
    )
    yield process
    process.communicate(b"\n")


async def test_loopback_is_the_only_interface(walled):
    _, log = await walled.run(
        "gavip-jnet-1", "python", "-S", "-c", "import socket; print(socket.if_nameindex())"
    )
    assert log == "[(1, 'lo')]\n"


async def test_ports_of_the_host_cannot_be_reached(walled, victim):
    _, log = await walled.run(
        "gavip-jnet-1", "python", "-S", "-c", KNOCK.format(host="127.0.0.1", port=victim.port)
    )
    assert log.split() == ["knocking", "failed:", "Connection", "refused"]
    assert victim.heard == []


async def test_without_walls_they_can(open_world, victim):
    code = KNOCK.format(host="127.0.0.1", port=victim.port)
    _, log = await open_world.run("gavip-jnet-1", "python", "-S", "-c", code)
    assert "reached" in log
    assert victim.heard == [b"I was here"]


@pytest.mark.parametrize("host", ["192.0.2.1", "169.254.169.254"])
async def test_nothing_beyond_the_box_has_a_route(walled, host):
    _, log = await walled.run("gavip-jnet-1", "python", "-S", "-c", KNOCK.format(host=host, port=80))
    assert "failed: Network is unreachable" in log


def platform_secret(boxes) -> Path:
    secret = boxes.root / "secrets" / "service_token"
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.write_text("the token")
    secret.chmod(0o644)
    return secret


async def test_files_of_the_platform_are_not_there(walled):
    secret = platform_secret(walled)
    _, log = await walled.run("gavip-jfile-1", "python", "-S", "-c", READ.format(path=str(secret)))
    assert log == "reading\nfailed: No such file or directory\n"


async def test_without_walls_they_are(open_world):
    secret = platform_secret(open_world)
    _, log = await open_world.run("gavip-jfile-1", "python", "-S", "-c", READ.format(path=str(secret)))
    assert "content: the token" in log


async def test_other_peoples_homes_are_not_there(walled):
    walled.places("bob")
    (walled.root / "users/bob/diary").write_text("dear diary")
    code = "import os, pathlib; print(os.listdir('/home'), pathlib.Path('{}').exists())".format(
        walled.root / "users/bob"
    )
    _, log = await walled.run("gavip-jhome-1", "python", "-c", code)
    assert log == "['ann'] False\n"


TELLING = """
for name in ("shadow", "ssh/ssh_host_rsa_key", "hostname", "resolv.conf", "machine-id"):
    try:
        print(name, repr(open(f"/etc/{name}").read()))
    except OSError:
        pass
print(open("/etc/passwd").read())
"""


async def test_etc_tells_nothing_of_this_machine(walled):
    _, log = await walled.run("gavip-jetc-1", "python", "-S", "-c", TELLING)
    # An image has some of these files, with nothing in them.
    told = {line for line in log.splitlines() if line and ":x:" not in line}
    assert told <= {"hostname 'box\\n'", "resolv.conf ''", "machine-id ''"}
    assert log.count(":x:") == 1


async def test_the_repository_is_not_there_but_for_the_kernel_package(walled):
    code = "import avi_kernel, os; print(os.listdir(os.path.dirname(os.path.dirname(avi_kernel.__file__))))"
    _, log = await walled.run("gavip-jrepo-1", "python", "-c", code)
    assert "avi_kernel" in log
    assert "tests" not in log
    assert "docs" not in log


async def test_processes_of_the_host_are_not_there(walled, secretive):
    _, log = await walled.run("gavip-jspy-1", "python", "-S", "-c", SPY)
    assert log == "spying\n"


async def test_without_walls_their_secrets_can_be_read(open_world, secretive):
    _, log = await open_world.run("gavip-jspy-1", "python", "-S", "-c", SPY)
    assert f"found in /proc/{secretive.pid}/environ" in log


async def test_the_environment_of_the_platform_does_not_enter(walled, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_COOKIE_SECRET", "c0ffee")
    _, log = await walled.run("gavip-jenv-1", "python", "-S", "-c", "import os; print(sorted(os.environ))")
    assert "GAVIP_USER" in log
    assert "COOKIE" not in log


@pytest.mark.parametrize("walled", ["process"], indirect=True)  # an engine's command lines are its own users'
def test_a_token_does_not_stand_on_any_command_line(walled):
    wait = "import time; time.sleep(60)"
    spec = walled.spec("gavip-jtok-1", "python", "-S", "-c", wait, env={"GAVIP_TOKEN": "t0psecret"})
    walled.launcher.launch(spec)
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert any(b"gavip-jtok-1" in line for line in lines)
    assert not any(b"t0psecret" in line for line in lines)


WRITES = """
import pathlib
for folder in ("/", "/usr", "/home/ann", "/home/ann/avis/hr", "/home/ann/jobs", "/home/ann/shared/everyone", "/avi",
               "/attempt", "/tmp", "/dev", "/dev/shm", "/etc"):
    try:
        pathlib.Path(folder, "mark").write_text("x")
        print(folder, end=" ")
    except OSError:
        pass
"""


async def test_an_avi_writes_to_its_own_folders_alone(walled):
    _, log = await walled.run("gavip-jwrite-1", "python", "-c", WRITES)
    assert log.split() == ["/home/ann/avis/hr", "/attempt", "/tmp", "/dev/shm"]
    assert (walled.attempt("gavip-jwrite-1") / "mark").read_text() == "x"


async def test_an_avi_writes_to_what_its_user_granted_too(walled):
    code = WRITES.replace('"/avi",', '"/avi", "/home/ann/data", "/home/ann/data/maps", "/home/ann/avis",')
    _, log = await walled.run("gavip-jgrant-1", "python", "-c", code, granted=["data/maps"])
    assert log.split() == ["/home/ann/avis/hr", "/home/ann/data/maps", "/attempt", "/tmp", "/dev/shm"]
    assert (walled.root / "users/ann/data/maps/mark").read_text() == "x"


async def test_a_link_in_place_of_a_granted_folder_is_refused(walled):
    spec = walled.spec("gavip-jgrant-2", "python", granted=["data/maps"])
    (walled.root / "users/ann/data/maps").rmdir()
    (walled.root / "users/ann/data/maps").symlink_to(walled.root / "users")
    with pytest.raises(Unavailable, match="must be a folder"):
        walled.launcher.launch(spec)


async def test_folders_that_the_environment_names_are_there(walled):
    look = "import os; print(all(os.path.isdir(os.environ[name]) for name in ('XDG_CONFIG_HOME', 'XDG_CACHE_HOME')))"
    _, log = await walled.run("gavip-jxdg-1", "python", "-S", "-c", look)
    assert log == "True\n"


async def test_a_notebook_server_writes_to_its_users_home(walled):
    _, log = await walled.run("gavip-server-n1", "python", "-c", WRITES, kind=Kind.NOTEBOOK)
    assert log.split() == ["/home/ann", "/tmp", "/dev/shm"]


async def test_a_box_has_no_power_over_the_system(walled):
    code = "print(*[line for line in open('/proc/self/status') if line.startswith(('Cap', 'NoNew', 'Seccomp:', 'Uid'))])"
    _, log = await walled.run("gavip-jcap-1", "python", "-S", "-c", code)
    fields = dict(line.split(":") for line in log.split("\n") if line)
    fields = {key.strip(): value.split() for key, value in fields.items()}
    powers = {fields[name][0] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
    assert powers == {"0000000000000000"}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == (["1"], ["2"])
    assert set(fields["Uid"]) != {"0"}


async def test_each_person_has_a_number_of_their_own(walled):
    if os.geteuid() != 0:
        missing("root", "only root may choose numbers")
    code = "import os, pathlib; print(os.getuid()); pathlib.Path(os.environ['GAVIP_WORK_DIR'], 'mine').write_text('')"
    _, ann = await walled.run("gavip-jid-1", "python", "-c", code)
    _, bob = await walled.run("gavip-jid-2", "python", "-c", code, owner="bob")
    _, again = await walled.run("gavip-jid-3", "python", "-c", code)
    assert ann == again != bob
    assert (walled.root / "users/ann/avis/hr/mine").stat().st_uid == int(ann)


def test_a_link_in_place_of_a_mounted_folder_is_refused(walled):
    secret = platform_secret(walled)
    before = secret.parent.stat()
    walled.places("ann")
    folder = walled.root / "users/ann/avis/hr"
    folder.rmdir()
    folder.symlink_to(secret.parent)
    with pytest.raises(Unavailable, match="must be a folder and no link"):
        walled.launcher.launch(walled.spec("gavip-jlink-1", "true"))
    assert secret.parent.stat().st_uid == before.st_uid


def test_a_link_in_place_of_a_mount_point_is_refused(walled):
    walled.places("ann")
    walled.launcher.launch(walled.spec("gavip-jfirst-1", "true"))
    shared = walled.root / "users/ann/shared"
    outside = walled.root / "outside"
    outside.mkdir()
    (shared / "everyone").rmdir()
    (shared / "groups").rmdir()
    (shared / "me").rmdir()
    shared.rmdir()
    shared.symlink_to(outside)
    with pytest.raises(Unavailable, match="remove what lies there"):
        walled.launcher.launch(walled.spec("gavip-jlink-1", "true"))
    assert list(outside.iterdir()) == []


async def test_an_avi_folder_that_the_platform_makes_later_can_be_reached(walled):
    walled.places("ann", avi=False)
    ended, _ = await walled.run("gavip-server-n1", "true", kind=Kind.NOTEBOOK)
    assert ended.exit_code == 0
    (walled.root / "users/ann/avis").mkdir(mode=0o700)
    ended, log = await walled.run("gavip-jlater-1", "python", "-c", WRITES)
    assert (ended.exit_code, "/home/ann/avis/hr" in log) == (0, True)


async def test_mount_points_that_their_owner_removed_are_made_again(walled):
    walled.places("ann")
    ended, _ = await walled.run("gavip-jfirst-1", "true")
    assert ended.exit_code == 0
    for name in ("everyone", "groups", "me"):
        (walled.root / "users/ann/shared" / name).rmdir()
    ended, _ = await walled.run("gavip-jagain-1", "true")
    assert ended.exit_code == 0


def linked_python(folder: Path) -> Path:
    """Return the Python of an environment that finds its interpreter through a link in somebody's home."""
    for name in ("home/bin", "venv/bin"):
        (folder / name).mkdir(parents=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "home/bin" / version).symlink_to(Path(sys.base_prefix, "bin", version))
    (folder / "venv/bin/python").symlink_to(folder / "home/bin" / version)
    (folder / "venv/pyvenv.cfg").write_text(f"home = {folder / 'home/bin'}\n")
    packages = folder / "venv/lib" / version / "site-packages"
    packages.mkdir(parents=True)
    own = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "own.pth").write_text(f"{own}\n{Path(gavip_hub.__file__).parents[1]}\n")
    return folder / "venv/bin/python"


@pytest.mark.parametrize("walled", ["process"], indirect=True)  # an image has its own Python
def test_a_python_behind_a_link_in_a_home_runs_in_a_box(walled, tmp_path):
    code = "from gavip_hub.backends.sandbox import detect; print(detect('require').bwrap)"
    done = subprocess.run([linked_python(tmp_path), "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
