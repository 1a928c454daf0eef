"""The loop takes jobs from state to target, with real threads, a real database and real folders."""


async def test_a_job_runs_to_its_results(engine):
    job = engine.submit().id
    async with engine.loop():
        await engine.until_state(job, "RUNNING")
        engine.complete(job, results={"plot.png": b"pixels"})
        await engine.until_state(job, "COMPLETED")
    (entry,) = engine.jobs.get(owner="ann", job=job).results
    stored = engine.root / "users" / "ann" / "jobs" / job / "1" / "results" / entry.name
    assert stored.read_bytes() == b"pixels"
