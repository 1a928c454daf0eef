"""Settings of the platform in compose.yaml; what `<data root>/config.py` says wins, but for what the parts are wired by."""

import os

c = get_config()
c.Gavip.backend = "docker"
c.Gavip.domain = os.environ["GAVIP_SITE_DOMAIN"]
c.Gavip.port = int(os.environ["GAVIP_SITE_PORT"])
c.Gavip.scheme = "https"
c.Gavip.hosts = {"proxy": "proxy", "hub": "hub", "service": "service", "webdav": "webdav"}
c.Gavip.runtime = os.environ["GAVIP_SITE_RUNTIME"]
c.Gavip.database_url = "postgresql+psycopg://gavip@/gavip?host=/run/database"
