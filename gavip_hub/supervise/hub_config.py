"""Configuration of a stock JupyterHub; GAVIP_DATA_ROOT names the data root that `gavip up` made."""

from gavip_hub.hub_setup import configure

configure(get_config())  # type: ignore[name-defined]  # noqa: F821 - the loader of traitlets gives it
