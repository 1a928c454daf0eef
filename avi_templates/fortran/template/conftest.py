"""Being here lets pytest find `sky`, as a job does."""
