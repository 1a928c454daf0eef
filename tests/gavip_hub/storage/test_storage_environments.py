"""Files of packages are kept by their content, and become folders without any of them being run."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from avi_kernel.protocol.environments import Lock, LockedWheel
from gavip_hub.exceptions import BadManifest, NotFound
from gavip_hub.storage.environments import Environments, Wheels
from tests.support.package_index import wheel


@pytest.fixture
def wheels(tmp_path):
    return Wheels(root=tmp_path)


@pytest.fixture
def environments(tmp_path, wheels):
    return Environments(root=tmp_path, wheels=wheels, most_mb=1)


@pytest.fixture
def kept(wheels):
    """Keep packages, and return the lock that names them."""

    def keep(*packages):
        locked = [entry(*package) for package in packages]
        for one, (_, content) in zip(locked, packages, strict=True):
            wheels.add(one, io.BytesIO(content))
        return Lock(wheels=locked)

    return keep


def entry(filename, content):
    digest = hashlib.sha256(content).hexdigest()
    return LockedWheel(
        name=filename.split("-")[0], version="1.0", filename=filename, sha256=digest, size=len(content)
    )


def with_file(path, text="x = 1\n"):
    """Return a package into which a file was put that its builder would not put there."""
    name, content = wheel("odd", "1.0", {"odd.py": "x = 0\n"})
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for one in old.namelist():
            text_of = old.read(one).decode()
            if one.endswith("RECORD"):
                text_of += f"{path},,\n"
            new.writestr(one, text_of)
        new.writestr(path, text)
    return name, changed.getvalue()


STAR = wheel("starword", "1.0", {"starword.py": "WORD = 'Vega'\n"})


def test_what_was_installed_is_imported(environments, kept):
    folder = environments.installed(kept(STAR))
    said = subprocess.run(
        [sys.executable, "-c", "import starword; print(starword.WORD)"],
        env={"PYTHONPATH": str(folder / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "Vega\n"


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes util-linux")
def test_a_service_without_the_rights_of_root_installs_too(tmp_path, kept):
    lock = kept(STAR)
    code = "import sys, pathlib; from avi_kernel.protocol.environments import Lock; "
    code += "from gavip_hub.storage.environments import Environments, Wheels; "
    code += "root = pathlib.Path(sys.argv[1]); wheels = Wheels(root=root); "
    code += "print(Environments(root=root, wheels=wheels, most_mb=1).installed(Lock.model_validate_json(sys.argv[2])))"
    call = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code]
    said = subprocess.check_output([*call, str(tmp_path), lock.model_dump_json()], text=True)
    assert said.strip() == str(tmp_path / "environments" / lock.digest)


def aged(path, *, seconds=100):
    """Let a file or folder have been used some time ago."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_was_used_since_is_not_removed(environments, kept):
    lock = kept(STAR)
    folder = environments.installed(lock)
    assert environments.remove(lock.digest, before=time.time() - 50) is False
    aged(folder)
    environments.installed(lock)
    assert environments.remove(lock.digest, before=time.time() - 50) is False
    assert (folder / "lib/starword.py").is_file()


def test_what_was_removed_is_made_anew_of_the_files(environments, kept):
    lock = kept(STAR)
    aged(environments.installed(lock))
    assert environments.remove(lock.digest, before=time.time() - 50) is True
    assert (environments.names(), environments.used_at(lock.digest)) == ([], None)
    assert (environments.installed(lock) / "lib/starword.py").is_file()


def test_whoever_asks_for_it_while_it_is_removed_gets_it(environments, kept):
    lock = kept(STAR)
    environments.installed(lock)

    def remove():
        for _ in range(20):
            environments.remove(lock.digest, before=time.time() + 100)

    with ThreadPoolExecutor(4) as threads:
        removing = threads.submit(remove)
        folders = [threads.submit(environments.installed, lock) for _ in range(3)]
        removing.result()
        assert {folder.result().name for folder in folders} == {lock.digest}


def test_what_ended_half_way_is_removed_once_it_is_old(environments, kept, tmp_path):
    environments.installed(kept(STAR))
    half = tmp_path / "environments/.half/lib"
    half.mkdir(parents=True)
    environments.remove_unfinished(before=time.time() - 50)
    assert half.is_dir()
    aged(half.parent)
    environments.remove_unfinished(before=time.time() - 50)
    assert (half.exists(), len(environments.names())) == (False, 1)


def test_files_that_nothing_is_made_of_are_removed_and_no_others(wheels, kept):
    one, other, young = (kept(wheel(name, "1.0", {f"{name}.py": ""})) for name in ("one", "other", "young"))
    for lock in (one, other):
        aged(wheels.path(lock.wheels[0]))
    named = {(each.sha256, each.filename) for each in one.wheels}
    assert wheels.remove_all_but(named, before=time.time() - 50) == 1
    assert [wheels.bytes_of(lock) > 0 for lock in (one, other, young)] == [True, False, True]


def test_a_file_that_is_asked_for_again_is_as_good_as_new(wheels, kept):
    lock = kept(STAR)
    aged(wheels.path(lock.wheels[0]))
    kept(STAR)
    assert wheels.remove_all_but(set(), before=time.time() - 50) == 0
    assert wheels.path(lock.wheels[0]).is_file()


def test_nobody_can_change_it(environments, kept):
    folder = environments.installed(kept(STAR))
    assert (folder / "lib").stat().st_mode & 0o777 == 0o555
    assert (folder / "lib" / "starword.py").stat().st_mode & 0o777 == 0o444


def test_byte_code_is_there_already(environments, kept):
    folder = environments.installed(kept(STAR))
    assert len(list((folder / "lib" / "__pycache__").glob("starword.*.pyc"))) == 1


def test_the_same_files_are_one_folder_in_whatever_order(environments, kept):
    other = wheel("zither", "1.0", {"zither.py": ""})
    assert environments.installed(kept(STAR, other)) == environments.installed(kept(other, STAR))


def test_a_file_that_is_another_one_is_not_kept(wheels, tmp_path):
    name, content = STAR
    with pytest.raises(BadManifest, match="starword is another one"):
        wheels.add(entry(name, content), io.BytesIO(b"something else"))
    assert list((tmp_path / "wheels").iterdir()) == []


def test_a_file_that_is_gone_is_told(environments, wheels):
    with pytest.raises(NotFound, match="does not have starword"):
        environments.installed(Lock(wheels=[entry(*STAR)]))


def test_a_package_that_climbs_out_is_refused(environments, kept, tmp_path):
    with pytest.raises(BadManifest, match="cannot be installed"):
        environments.installed(kept(with_file("../../../climbed.py")))
    assert not list(tmp_path.rglob("climbed.py"))


def test_a_package_that_is_too_large_unpacked_is_refused_before_it_is_unpacked(environments, kept):
    name, content = wheel("bomb", "1.0", {"bomb.py": "#" * 2_000_000})
    with pytest.raises(BadManifest, match="take 2 MB; at most 1 MB are accepted"):
        environments.installed(kept((name, content)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("odd-1.0.data", "a file where a folder is meant"),
        ("odd-1.0.data/data", "as above"),
        ("odd.py/below.py", "below a file"),
        ("x" * 300, "a name that is too long"),
        ("odd-1.0.dist-info/entry_points.txt", "[[[\n=\n"),
        ("odd-1.0.dist-info/notes", "#" * (17 * 1024 * 1024)),
        ("/".join("d" * 900), "very deep"),
    ],
)
def test_an_archive_that_is_meant_to_harm_is_refused_and_leaves_nothing(wheels, kept, tmp_path, path, text):
    roomy = Environments(root=tmp_path, wheels=wheels, most_mb=100)
    with pytest.raises(BadManifest):
        roomy.installed(kept(with_file(path, text)))
    assert list((tmp_path / "environments").iterdir()) == []


def test_what_takes_too_much_memory_is_refused(environments, kept, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], -9, "", ""))
    with pytest.raises(BadManifest, match="too much memory or time"):
        environments.installed(kept(STAR))


def test_two_packages_with_one_file_are_refused_by_its_name(environments, kept):
    other = wheel("other", "1.0", {"starword.py": "WORD = 'Deneb'\n"})
    with pytest.raises(BadManifest, match=r"File already exists: lib/starword\.py"):
        environments.installed(kept(STAR, other))


def test_what_is_no_package_is_refused_and_leaves_nothing(environments, kept, tmp_path):
    with pytest.raises(BadManifest, match=r"noise-1\.0-.*\.whl is no package"):
        environments.installed(kept(("noise-1.0-py3-none-any.whl", b"noise")))
    assert list((tmp_path / "environments").iterdir()) == []
