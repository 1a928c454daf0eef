"""What the notebooks compute with; it has tests."""
