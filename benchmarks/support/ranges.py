"""From where the numbers of those traces are drawn whose kinds were made after the predictor."""

SIZE = (60, 4000)
NOISE = (0.03, 0.15)
GROWTH = (1.5, 6)
TAIL = (1.8, 3.5)
APART = (2, 6)
SHARE = (0.05, 0.5)
AUTHOR = (0.7, 1, 1.3, 1.8, 2.5, 5)
"""What an author gives, over the second largest of the first twenty runs."""
