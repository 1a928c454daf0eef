"""How many stars of each magnitude there are, and the picture of it."""

import matplotlib.pyplot as plt
import numpy as np


def by_magnitude(stars):
    """Return the edges of bins half a magnitude wide, and how many stars lie in each."""
    magnitudes = np.ma.asarray(stars["phot_g_mean_mag"], float).compressed()
    if not len(magnitudes):
        return np.array([0.0, 0.5]), np.array([0])
    low, high = np.floor(magnitudes.min()), np.ceil(magnitudes.max())
    edges = np.arange(low, max(high, low + 0.5) + 0.25, 0.5)
    counts, _ = np.histogram(magnitudes, bins=edges)
    return edges, counts


def draw(edges, counts, *, source, size=(6.4, 4.8)):
    """Return the picture, with the source of its stars."""
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    axes.stairs(counts, edges, fill=True)
    axes.set(xlabel="G [mag]", ylabel="stars", title=f"{counts.sum()} stars")
    figure.supxlabel(source, fontsize=7)
    return figure
