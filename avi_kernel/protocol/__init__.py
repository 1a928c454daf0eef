"""The wire models: the single source of what travels between platform, boxes, browsers and commands.

The platform imports this package and nothing else of `avi_kernel`. It depends on pydantic and the
standard library alone, so that it loads fast in every job.
"""
