"""An origin of its own for each AVI's interface: all that we rely on inside JupyterHub, in one place.

JupyterHub gives all servers of a user one host, `<user>.<host>`; what runs in one could then read the others. Ours
answer at `<avi>--<user>.<host>`. There is no setting for it, so these four functions use attributes that JupyterHub
does not promise to keep; tests/hub/test_hub_origins.py breaks when one of them goes (docs/adr/0033).
"""

from typing import Any


def own_route(server_name: str, shared_route: str) -> str:
    """Return the proxy's route of a server; called in the spawner's constructor, where its name is all there is.

    Parameters
    ----------
    shared_route
        `<user>.<host>/user/<user>/<server>/`, which the Hub passes as `proxy_spec`.
    """
    return f"{server_name}--{shared_route}" if server_name else shared_route


def own_url(spawner: Any) -> str:
    """Return where browsers find a server; the Hub's own `url` fields lack the AVI's part of the host."""
    shared: str = spawner.user.server_url(spawner.name)
    return shared.replace("://", f"://{spawner.name}--", 1) if spawner.name else shared


def set_redirect_uri(spawner: Any, address: str) -> None:
    """Let the server's own OAuth client bring browsers back to its own origin."""
    spawner.orm_spawner.oauth_client.redirect_uri = address
    # At once: the Hub has one session for all, and any request that ends meanwhile rolls back what it finds dirty.
    spawner.user.db.commit()


def proxy_of(spawner: Any) -> Any:
    """Return the Hub's interface to the proxy."""
    return spawner.user.settings["proxy"]
