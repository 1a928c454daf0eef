"""A made-up catalogue, and how many stars of each magnitude it has."""

import numpy as np


def made_up(stars, faintest, seed=1):
    """Return magnitudes as a uniform space would show them: SIMULATED.

    Parameters
    ----------
    stars
        How many.
    faintest
        mag; where they end.
    """
    random = np.random.default_rng(seed)
    return faintest + np.log10(1 - random.random(stars)) / 0.6


def by_magnitude(magnitudes, faintest):
    """Return the edges of bins one magnitude wide, and how many stars lie in each."""
    edges = np.arange(np.floor(min(magnitudes)), np.ceil(faintest) + 1)
    counts, _ = np.histogram(magnitudes, bins=edges)
    return edges, counts
