"""Names that only a framework calls, for the dead-code check."""
