"""Containers of a Docker engine, as jobs and as servers."""
