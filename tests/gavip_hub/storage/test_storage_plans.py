"""What is asked often reads only what it needs, however much there is: told by SQLite's own plan."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from gavip_hub.domain.job import LIVE, JobState
from gavip_hub.domain.products import Reader
from gavip_hub.storage import events, jobs, migrate, past, products, provenance, recipes, servers
from gavip_hub.storage.database import Database
from gavip_hub.testing import EPOCH
from tests.support.statements import statements_of


@pytest.fixture
def session(tmp_path) -> Iterator[Session]:
    url = f"sqlite:///{tmp_path / 'gavip.sqlite'}"
    migrate.upgrade(url)
    database = Database(url=url)
    with database.reading() as session:
        yield session
    database.close()


def plan_of(session: Session, ask) -> list[str]:
    """Return how SQLite does what is asked."""
    [(statement, parameters)] = statements_of(session, ask)
    explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    return [row[3] for row in explained]


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: events.subjects_since(session, after=5, kinds=("job.state", "job.reason")),
        lambda session: events.owners_since(session, after=5),
    ],
)
def test_news_are_read_from_the_last_that_was_seen(session, ask):
    [line] = plan_of(session, ask)
    assert line.startswith("SEARCH events USING")
    assert "(id>?)" in line


@pytest.mark.parametrize("owner", [None, "ann"])
def test_what_is_held_is_counted_by_an_index_without_those_that_ended(session, owner):
    [line] = plan_of(session, lambda session: jobs.count_held(session, owner=owner))
    assert "jobs USING COVERING INDEX jobs_held" in line


def test_the_newest_closed_servers_are_found_without_sorting_all(session):
    [line] = plan_of(session, lambda session: past.open_for(session, limit=50))
    assert line == "SCAN containers USING INDEX servers_closed"


def test_what_was_closed_lately_is_found_among_the_servers_of_these_days(session):
    [line] = plan_of(session, lambda session: servers.closed_since(session, owner="ann", at=EPOCH))
    assert line.startswith("SEARCH containers USING INDEX servers_closed (id>?")


@pytest.mark.parametrize("ask", [lambda session: past.parts_ran(session, limit=200), jobs.queued])
def test_jobs_of_a_state_come_in_their_order(session, ask):
    first, *others = plan_of(session, ask)
    assert first.startswith("SEARCH jobs USING INDEX jobs_by_state (state=?")
    assert not any("ORDER BY" in line for line in others)


@pytest.mark.parametrize("ask", [past.measured, past.newest_ended])
def test_the_newest_runs_of_a_pipeline_are_found_without_sorting_all(session, ask):
    for statement, parameters in statements_of(
        session, lambda session: ask(session, avi="stars", pipeline="plot", limit=60)
    ):
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plan = [row[3] for row in explained]
        assert any("INDEX jobs_by_pipeline (avi=? AND pipeline=? AND state=?" in line for line in plan)
        assert not any("ORDER BY" in line for line in plan)


@pytest.mark.parametrize(
    ("narrowed", "index"),
    [
        ({}, "jobs_by_owner (owner=?)"),
        ({"avi": "stars"}, "jobs_of_avi (owner=? AND avi=?)"),
        ({"states": [JobState.ABORTED]}, "jobs_in_state (owner=? AND state=?)"),
        ({"states": list(LIVE)}, "jobs_in_state (owner=? AND state=?)"),
    ],
)
def test_a_persons_jobs_are_listed_without_looking_through_others(session, narrowed, index):
    asked = statements_of(session, lambda session: jobs.page(session, owner="ann", limit=26, **narrowed))
    for statement, parameters in asked:
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        assert [row[3] for row in explained] == [f"SEARCH jobs USING INDEX {index}"]


def test_what_is_left_to_remove_is_found_without_looking_through_all_that_ended(session):
    for statement, parameters in statements_of(session, jobs.leftovers):
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        [plan] = [row[3] for row in explained]
        assert "INDEX attempts_uncleared" in plan or "INDEX jobs_deleted" in plan


READER = Reader("bob", ("survey",), EPOCH)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda session: recipes.with_key(session, READER, "k"),
            "recipes USING INDEX recipes_by_key (key=?)",
        ),
        (lambda session: recipes.waiting(session, job="j"), "products USING INDEX products_by_job (job=?)"),
        (
            lambda session: recipes.places(session, READER, "1"),
            "product_files USING INDEX product_files_by_blob",
        ),
        (
            lambda session: products.holding(session, "1", READER),
            "product_files USING INDEX product_files_by_blob",
        ),
        (
            lambda session: provenance.paths_with(session, owner="ann", sha256="1"),
            "inputs USING INDEX inputs_by_content (sha256=?)",
        ),
    ],
)
def test_what_was_run_already_is_found_by_what_makes_it_the_same(session, ask, index):
    plan = plan_of(session, ask)
    assert any(line.startswith(f"SEARCH {index}") for line in plan), plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
    assert not any(line.startswith("SCAN") for line in plan), plan
