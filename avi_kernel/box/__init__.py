"""Parts of the shim, which stays beside one box; light, since there is one for each server and each job.

The standard library alone, and no pydantic: it would triple the time and the memory of every start.
"""
