"""Names in an AVI's folder. It imports nothing: the server of an interface needs them, and does without the models' 10 MB."""

MANIFEST_FILE = "avi.toml"
NO_PART_OF_AN_AVI = frozenset(
    {
        ".git",
        ".gavip",
        ".venv",
        ".cache",
        "__pycache__",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".DS_Store",
    }
)
"""Names that tools leave in an AVI's folder: neither published nor looked at."""
