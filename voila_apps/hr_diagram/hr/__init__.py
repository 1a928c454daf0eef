"""Hertzsprung-Russell diagrams from Gaia photometry and Hipparcos parallaxes."""
