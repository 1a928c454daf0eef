"""Whatever moment the service is killed at while people share, send, move and delete files: disk and database agree after.

A hundred kills of the service's own process, a quarter of them while most people do the same.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.support.file_clients import Person
from tests.support.files_agree import disk_and_database_agree, files_are_whole, products_are_known
from tests.support.forked_service import ForkedService, forked_service

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]
ROUNDS = 25
KINDS = {
    "sharing": ("make", "share", "make", "share", "revoke", "remove", "upload"),
    "uploading": ("upload", "upload", "replace"),
    "moving": ("move", "move", "copy", "upload"),
    "binning": ("delete", "delete", "restore", "empty", "upload", "copy"),
}
LONGEST_SECONDS = 0.8
"""From when people begin until the kill."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedService]:
    people = [f"{kind}{number}" for kind in KINDS for number in range(2)]
    with forked_service(tmp_path_factory.mktemp("kills") / "root", [*people, "reader"]) as running:
        yield running


@pytest.fixture(scope="module")
def people(service: ForkedService, seed: int, tell: Callable[[str], None]) -> Iterator[dict[str, Person]]:
    """Two of each kind."""
    made = {
        f"{kind}{number}": Person(service, f"{kind}{number}", Random(f"{seed}-{kind}-{number}"), acts)
        for kind, acts in KINDS.items()
        for number in range(2)
    }
    yield made
    killed = sum((person.killed for person in made.values()), Counter[str]())
    tell(
        f"{sum(person.answered for person in made.values())} answers; in the middle of the kills: {dict(killed)}"
    )


@contextmanager
def at_work(people: list[Person]) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=person.work, args=(stop,)) for person in people]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("turn", range(ROUNDS))
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_whole_and_in_one_place_after_a_kill(
    service: ForkedService, people: dict[str, Person], seed: int, kind: str, turn: int
) -> None:
    random = Random(f"{seed}-{kind}-{turn}")
    busy = [person for name, person in people.items() if name.endswith("0") or name.startswith(kind)]
    with at_work(busy):
        time.sleep(random.uniform(0.02, LONGEST_SECONDS))
        service.kill()
    assert [wrong for person in busy for wrong in person.wrong] == []
    service.start()
    for person in busy:
        files_are_whole(person)
        products_are_known(person)
    disk_and_database_agree(service, list(people.values()))
