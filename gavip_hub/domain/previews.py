"""Of which kind a file is, as it can be shown: from its declared type and else from its name. What it holds is looked at later."""

from avi_kernel.protocol.previews import Kind

_TYPES: dict[str, Kind] = {
    "application/fits": "fits",
    "image/fits": "fits",
    "application/x-votable+xml": "votable",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/vnd.apache.parquet": "parquet",
    "application/x-parquet": "parquet",
    "application/x-hdf5": "hdf5",
    "application/x-hdf": "hdf5",
    "application/x-ipynb+json": "notebook",
    "image/png": "image",
    "image/jpeg": "image",
    "image/gif": "image",
    "image/webp": "image",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
}
_ENDINGS: dict[str, Kind] = {
    **dict.fromkeys(("fits", "fit", "fts", "fits.gz", "fit.gz", "fits.fz", "fz"), "fits"),
    **dict.fromkeys(("vot", "votable", "vot.xml"), "votable"),
    **dict.fromkeys(("csv", "ecsv"), "csv"),
    **dict.fromkeys(("tsv", "tab"), "tsv"),
    **dict.fromkeys(("parquet", "parq", "pq"), "parquet"),
    **dict.fromkeys(("h5", "hdf5", "hdf", "he5"), "hdf5"),
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp"), "image"),
    "svg": "svg",
    "pdf": "pdf",
    "ipynb": "notebook",
    **dict.fromkeys(
        ("txt", "log", "md", "rst", "json", "jsonl", "yaml", "yml", "toml", "cfg", "ini"), "text"
    ),
    **dict.fromkeys(
        ("py", "sh", "r", "jl", "c", "h", "cpp", "f", "f90", "sql", "adql", "tex", "bib"), "text"
    ),
    **dict.fromkeys(("html", "htm", "xml", "css", "js", "out", "err", "dat"), "text"),
}
_TEXTS = frozenset({"text/plain", "text/markdown", "application/json"})


def kind_of(name: str, media_type: str = "") -> Kind:
    """Return the kind of a file; HTML is a text, whose words are shown and never obeyed."""
    declared = media_type.partition(";")[0].strip().lower()
    if declared in _TYPES:
        return _TYPES[declared]
    parts = name.lower().rsplit(".", 2)
    for ending in (".".join(parts[-2:]), parts[-1]):
        if len(parts) > 1 and ending in _ENDINGS:
            return _ENDINGS[ending]
    return "text" if declared in _TEXTS else "none"
