"""What tests of the scheduler loop do besides running it."""

from tests.support.engine import Engine


def backed(database, tmp_path, backend, **settings):
    return Engine(database=database, root=tmp_path, backend=backend, settings=settings)


def error(engine, job):
    return engine.jobs.get(owner="ann", job=job).error


def name(job, attempt=1):
    return f"gavip-{job}-{attempt}"


def one_after_another(engine, *owners):
    """Submit a job for each owner, so that their order is certain."""
    jobs = []
    for owner in owners:
        jobs.append(engine.submit(owner=owner).id)
        engine.clock.advance(1)
    return jobs


async def start_by_hand(engine, order, *, saved):
    """Do what a service did before it died."""
    spec = engine.specs().spec_for(order)
    async for state in engine.backend.start(spec):
        if saved:
            engine.lifecycle.save_state(order.job, order.attempt, state)


async def seconds(engine, number):
    """Let time pass while the loop works."""
    end = engine.clock.monotonic() + number
    await engine.until(lambda: engine.clock.monotonic() > end)
