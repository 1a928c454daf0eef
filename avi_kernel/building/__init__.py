"""Fetches the packages that an AVI requires, in a box of its own: what a package runs to be built is a stranger's code."""
