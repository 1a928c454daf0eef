"""Whatever moment the service is killed at while people share, send, move and delete files: disk and database agree after.

A hundred kills of the service's own process, a quarter of them while most people do the same.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.support.file_clients import Person
from tests.support.files_agree import disk_and_database_agree, files_are_whole, products_are_known
from tests.support.forked_service import ForkedService, forked_service
from tests.support.platform import eventually

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(300)]
ROUNDS = 25
KINDS = {
    "sharing": ("make", "share", "share", "revoke", "remove"),
    "uploading": ("upload", "upload", "replace"),
    "moving": ("move", "move", "copy"),
    "binning": ("delete", "delete", "restore", "restore", "empty", "copy"),
}
FILES_AT_FIRST = 8
LONGEST_SECONDS = 0.5
"""From the first answer until the kill."""


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
    for one in made.values():
        one.bring(FILES_AT_FIRST)
    yield made
    killed = sum((person.killed for person in made.values()), Counter[str]())
    tell(f"{answers(made.values())} answers; in the middle of the kills: {dict(killed)}")


def answers(people: Collection[Person]) -> int:
    return sum(person.answered for person in people)


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
    before = answers(busy)
    with at_work(busy):
        eventually(lambda: answers(busy) > before, "somebody is answered")
        time.sleep(random.uniform(0.0, LONGEST_SECONDS))
        service.kill()
    assert [wrong for person in busy for wrong in person.wrong] == []
    service.start()
    for person in busy:
        files_are_whole(person)
        products_are_known(person)
    disk_and_database_agree(service, list(people.values()))
