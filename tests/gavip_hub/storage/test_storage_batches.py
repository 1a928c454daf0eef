"""A batch of jobs is found by its index, also before PostgreSQL has counted how full its tables are."""

from collections.abc import Iterator

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from gavip_hub.storage import attempts, migrate
from gavip_hub.storage.among import among
from gavip_hub.storage.schema import Job
from tests.support.engine import Engine, prepared
from tests.support.statements import statements_of

pytestmark = pytest.mark.postgres

RUNNING, QUEUED, BATCH = 600, 3_000, 100


@pytest.fixture(scope="module")
def engine(postgres, tmp_path_factory) -> Iterator[Engine]:
    url = postgres.empty_database()
    migrate.upgrade(url)
    room = {
        "platform_memory_mb": 1_000_000,
        "platform_cpu": 10_000.0,
        "quota": {"memory_mb": 1_000_000, "cpu": 10_000.0},
    }
    made = Engine(database=prepared(url), root=tmp_path_factory.mktemp("young"), settings=room)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def launched(engine) -> list[str]:
    """Return the jobs that were started, of many more that wait."""
    model = engine.submit().id
    names = [f"{model}{number:05d}" for number in range(RUNNING + QUEUED)]
    with engine.database.transaction() as session:
        row = session.get_one(Job, model)
        values = {column.key: getattr(row, column.key) for column in Job.__table__.columns}
        session.execute(insert(Job), [{**values, "id": name} for name in names])
    orders = engine.lifecycle.claim(names[:RUNNING])
    assert len(orders) == RUNNING
    return [order.job for order in orders]


def plans_of(session: Session, ask) -> str:
    """Return how PostgreSQL does what is asked."""
    connection = session.connection()
    return "\n".join(
        line
        for statement, parameters in statements_of(session, ask)
        for (line,) in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    )


def test_a_batch_of_launches_reads_no_jobs_but_its_own(engine, launched):
    with engine.database.transaction() as session:
        plan = plans_of(session, lambda session: attempts.locked_launches(session, launched[:BATCH]))
    assert "Index Scan using pk_jobs" in plan
    assert "Seq Scan on jobs" not in plan


def test_many_names_are_one_value(engine, launched):
    with engine.database.transaction() as session:
        plans = plans_of(
            session,
            lambda session: attempts.clear(session, [(job, 1) for job in launched], at=engine.clock.now()),
        )
    assert "ANY" in plans
    assert " OR " not in plans


def test_no_names_are_nobodys(engine, launched):
    with engine.database.reading() as session:
        assert session.query(Job).where(among(session, Job.id, [])).count() == 0
