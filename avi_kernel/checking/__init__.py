"""The check of an AVI: everything of it is run once and again on small inputs, and a scorecard says what was found."""
