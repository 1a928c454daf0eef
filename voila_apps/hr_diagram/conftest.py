"""Being here lets pytest find `hr`, as a job does."""
