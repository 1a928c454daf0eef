"""The platform's settings: one class of traits, read by Hub, service and supervisor alike."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from traitlets import Bool, Dict, Enum, Float, Integer, List, Unicode, default
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

import gavip_hub
from gavip_hub.exceptions import Unavailable

MB = 1024 * 1024


PORTS_FILE = "state/ports.json"
AVI_IMAGES = ("avi-python", "avi-java", "avi-fortran")
NOTEBOOK_IMAGE = "notebook"
SPARE_MB = 512
BACKEND_ENV = "GAVIP_BACKEND"
"""How `gavip up --docker` tells the platform's processes."""
SETTINGS_ENV = "GAVIP_SETTINGS"
"""Names a file of settings that a site lays beneath those of the data root, as the compose file does."""
SITE_ENV = "GAVIP_SITE_"
"""What such a file may read from the environment begins so, and reaches every process of the platform."""
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Loopback ports of the platform's processes, chosen at the first start and kept."""

    public: int
    proxy_api: int
    hub: int
    service: int
    webdav: int = 0
    """0 in a data root of a version that had none, until the next start."""


class Gavip(Configurable):
    """Settings of the platform; set them in `<data root>/config.py` as `c.Gavip.<name> = …`."""

    data_root = Unicode(help="Folder that holds all state.").tag(config=True)
    domain = Unicode(
        "gavip.localhost", help="Host name of Hub and portal; users and AVIs get names below it."
    ).tag(config=True)
    port = Integer(
        help="Port at which the proxy listens; default: the one of the last start, at first 8000."
    ).tag(config=True)
    scheme = Enum(
        ["http", "https"], "http", help="How browsers reach the platform; `https` behind a TLS front."
    ).tag(config=True)

    host_cookies = Enum(
        ["auto", "off"],
        "auto",
        help="Keep sign-ins in `__Host-` cookies, which the script of an AVI cannot set for the whole domain. `auto`: over "
        "https, and at `localhost` and names below it; `off` is for browsers that keep none there, such as Safari.",
    ).tag(config=True)

    hosts = Dict(
        {},
        help="Part (`proxy`, `hub`, `service`, `webdav`) -> name by which the others reach it, where each has a network address of its "
        "own, as in compose. A part that is named here listens at all its addresses; default: loopback alone.",
    ).tag(config=True)
    runtime = Unicode(
        help="Folder of the sockets of boxes and of what stands beside them, 70 lower-case characters at most; default: one "
        "below /tmp."
    ).tag(config=True)

    database_url = Unicode(
        help="SQLAlchemy URL of the service's database; default: SQLite below the data root."
    ).tag(config=True)
    database_threads = Integer(4, help="Threads that talk to the database.").tag(config=True)

    policy = Unicode(
        "fair-share",
        help="Entry point in `gavip.policies` that chooses the next job, until an operator chooses another.",
    ).tag(config=True)
    backend = Unicode(
        help="What starts containers, jobs and servers alike: `process`, boxes of this machine, or `docker`; entry points in "
        "`gavip.backends`. Default: `process`, and `docker` after `gavip up --docker`."
    ).tag(config=True)
    docker_engine = Unicode(
        help="Address of the Docker engine; default: what the environment says, as for the command `docker`."
    ).tag(config=True)
    images = Dict(
        {name: f"gavip/{name}:{gavip_hub.__version__}" for name in (*AVI_IMAGES, NOTEBOOK_IMAGE)},
        help="Name -> image, for the backend `docker`: `notebook` for notebook servers, all others for AVIs, whose `avi.toml` may "
        "name one.",
    ).tag(config=True)
    offer_images = Bool(
        True,
        help="Whether developers may download these images, for `gavip dev --image` on their own machines. An archive is made "
        "when one is first asked for, and takes about a third of its image on the disk of the data root.",
    ).tag(config=True)
    sandbox = Enum(
        ["auto", "require", "off"],
        "auto",
        help="Boxes of the process backend and spawner: `auto` sandboxes where it can and says where not; "
        "`require` refuses to start without; `off` never does.",
    ).tag(config=True)

    spare_interfaces = Integer(
        1,
        help="Containers that stand ready for whoever opens an interface next, for the backend `docker`; each holds up to 512 MB "
        "of the reserve.",
    ).tag(config=True)

    platform_memory_mb = Integer(
        help="MB that all containers may hold together; default: the machine's less the reserve."
    ).tag(config=True)
    platform_cpu = Float(
        help="Cores that all containers may request together; default: the machine's times `cpu_factor`."
    ).tag(config=True)
    reserve_memory_mb = Integer(1024, help="MB kept for the platform itself.").tag(config=True)
    cpu_factor = Float(
        2.0, help="Requested cores may exceed the machine's by this factor; memory never may."
    ).tag(config=True)

    quota = Dict(
        {"memory_mb": 4096, "cpu": 4.0, "jobs": 20, "servers": 5, "space_mb": 20480},
        help="What one user may hold at once: memory_mb, cpu, jobs (all that have not ended), servers, and space_mb of files.",
    ).tag(config=True)
    group_quotas = Dict({}, help="Group -> what its members get on top of `quota`.").tag(config=True)
    job_memory_mb = Integer(512, help="MB of a job whose author declared nothing.").tag(config=True)
    queue_limit = Integer(
        100_000, help="Jobs of everybody that may wait; beyond it, submitting is refused for a minute."
    ).tag(config=True)
    results_mb = Integer(4096, help="MB that the results of one job may hold.").tag(config=True)
    repository_mb = Integer(1024, help="MB that the git repository of one AVI may hold.").tag(config=True)
    package_index = Unicode(
        "https://pypi.org/simple",
        help="Index from which the packages are fetched that AVIs require beside those of their images.",
    ).tag(config=True)
    package_hosts = List(
        Unicode(),
        ["pypi.org", "files.pythonhosted.org"],
        help="Hosts that a build may reach, as in `allowed_hosts`: the index's, and where its files lie.",
    ).tag(config=True)
    environment_mb = Integer(2048, help="MB that the packages of one release may take.").tag(config=True)
    environment_memory_mb = Integer(1024, help="MB of memory of a build of packages.").tag(config=True)
    environment_seconds = Integer(900, help="Seconds after which a build of packages is ended.").tag(
        config=True
    )
    environment_days = Integer(
        30,
        help="Days after which packages of releases that are all withdrawn are removed from the disk, where nothing used "
        "them; the files that they are made of stay, and they are made anew when somebody needs them.",
    ).tag(config=True)
    check_releases = Bool(
        True, help="Whether new releases are checked by themselves; else only where their authors ask for it."
    ).tag(config=True)
    check_memory_mb = Integer(
        2048, help="MB of memory that the check of a release gets at most; it asks for what its runs need."
    ).tag(config=True)
    check_seconds = Integer(1800, help="Seconds after which the check of a release is ended.").tag(
        config=True
    )
    outside_git = Bool(
        True,
        help="Whether developers may import repositories from other places, and mirror their own to such.",
    ).tag(config=True)
    inner_git_hosts = List(
        Unicode(),
        help="`host:port` of git servers on this machine or in a private network from which people may import, and to which "
        "they may mirror, over http too; all others must be in the internet and speak https.",
    ).tag(config=True)
    disk_reserve_mb = Integer(
        512,
        help="MB that must be free on the disk of the data root for anything new to start; 0: anything starts.",
    ).tag(config=True)
    webdav = Bool(
        True,
        help="Whether file managers and programs as rclone reach people's files by WebDAV, with a token as the password.",
    ).tag(config=True)
    webdav_requests = Integer(
        24,
        help="WebDAV requests that are answered at once, each by a thread; more are refused for some seconds.",
    ).tag(config=True)
    webdav_requests_of_one = Integer(8, help="Of them, those of one person.").tag(config=True)
    notebook_memory_mb = Integer(1024, help="MB of a notebook server.").tag(config=True)
    notebook_cpu = Float(0.5, help="Cores that a notebook server is promised.").tag(config=True)
    cpu_burst = Float(
        2.0,
        help="Cores that any container may use while nobody else needs them; what it was promised is the least.",
    ).tag(config=True)

    log_format = Enum(
        ["text", "json"], "text", help="Lines of the service's log: for people, or one JSON object each."
    ).tag(config=True)
    heartbeat = Float(10.0, help="Seconds between two reports of a running job at most.").tag(config=True)
    silence = Float(60.0, help="Seconds without a report after which a job's container is looked at.").tag(
        config=True
    )
    idle_timeout = Integer(
        1800, help="Seconds without a message from its user after which an interface is closed; 0: never."
    ).tag(config=True)

    idle_when_short = Integer(
        300,
        help="Seconds without a message from its user after which an interface may be closed when others wait for memory or "
        "cores that it holds; it is told before. 0: only `idle_timeout` closes interfaces.",
    ).tag(config=True)
    notice_when_short = Integer(
        90,
        help="Seconds from the notice that an interface closes for others to its end; any use of it cancels that.",
    ).tag(config=True)

    archive_url = Unicode(
        "https://gea.esac.esa.int/tap-server/tap",
        help="TAP address that AVIs ask. Where its name leads to a private network, add `inner:host:port` to `allowed_hosts`.",
    ).tag(config=True)
    archive_name = Unicode("ESA Gaia Archive", help="Name shown as a result's source.").tag(config=True)
    archive_release = Unicode("Gaia DR3", help="Data release shown as a result's source.").tag(config=True)
    allowed_hosts = List(
        Unicode(),
        help="Hosts that every AVI may reach, besides the archive: `host` for ports 80 and 443, `host:port`, `*.domain`; "
        "`inner:host:port` where the name may lead to this machine or a private network, as an address or `localhost` may.",
    ).tag(config=True)
    avi_allowed_hosts = Dict({}, help="AVI -> hosts that it may reach, besides those; written alike.").tag(
        config=True
    )

    users = Dict(
        {"operator": "operator", "developer": "developer", "scientist": "scientist"},
        help="User name -> role, of the embedded sign-in; passwords are made at the first start.",
    ).tag(config=True)
    groups = Dict({}, help="Group -> its members, of the embedded sign-in; see `group_quotas`.").tag(
        config=True
    )
    bundled_avis = Bool(True, help="Publish the bundled AVIs at start.").tag(config=True)

    @default("port")
    def _default_port(self) -> int:
        ports = self.ports
        return ports.public if ports else 8000

    @default("backend")
    def _default_backend(self) -> str:
        return os.environ.get(BACKEND_ENV, "process")

    @default("database_url")
    def _default_database_url(self) -> str:
        return f"sqlite:///{self.root / 'gavip.sqlite'}"

    @default("platform_memory_mb")
    def _default_platform_memory(self) -> int:
        spares = SPARE_MB * self.spare_interfaces if self.backend == "docker" else 0
        return max(512, psutil.virtual_memory().total // MB - self.reserve_memory_mb - spares)

    @default("platform_cpu")
    def _default_platform_cpu(self) -> float:
        return (psutil.cpu_count() or 1) * self.cpu_factor

    def cpu_limit(self, promised: float) -> float:
        """Return the cores that a container may use which was promised so many."""
        return max(promised, self.cpu_burst)

    @property
    def root(self) -> Path:
        """The data root as a path."""
        return Path(self.data_root).resolve()

    @property
    def ports(self) -> Ports | None:
        """The ports kept below the data root; None before the first `gavip up`."""
        file = self.root / PORTS_FILE
        return Ports(**json.loads(file.read_text())) if file.is_file() else None

    @property
    def hub_url(self) -> str:
        """Address of the Hub behind the proxy, for the platform's own processes and boxes."""
        return f"http://{self.host_of('hub')}:{_started(self.ports).hub}"

    @property
    def service_url(self) -> str:
        """Address of the service behind the proxy, for the platform's own processes and boxes."""
        return f"http://{self.host_of('service')}:{_started(self.ports).service}"

    @property
    def webdav_url(self) -> str:
        """Address of the WebDAV server behind the proxy; empty where there is none."""
        ports = _started(self.ports)
        return f"http://{self.host_of('webdav')}:{ports.webdav}" if self.webdav and ports.webdav else ""

    @property
    def proxy_api_url(self) -> str:
        """Address at which the Hub tells the proxy its routes."""
        return f"http://{self.host_of('proxy')}:{_started(self.ports).proxy_api}"

    def host_of(self, part: str) -> str:
        """Return by which name or address the other parts reach this one."""
        return str(self.hosts.get(part, LOOPBACK))

    def listens_at(self, part: str) -> str:
        """Return the address at which a part listens."""
        return "0.0.0.0" if part in self.hosts else LOOPBACK  # noqa: S104 - of a network that is the platform's own

    @property
    def service_port(self) -> int:
        """Loopback port of the service."""
        return _started(self.ports).service

    @property
    def binds_cookies(self) -> bool:
        """Whether browsers are given `__Host-` cookies: they keep them over TLS, and on the machine itself."""
        own_machine = f".{self.domain}".endswith(".localhost")
        return self.host_cookies == "auto" and (self.scheme == "https" or own_machine)

    @property
    def public_url(self) -> str:
        """Address of Hub and portal, with no slash at the end."""
        usual = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{self.domain}" + ("" if self.port == usual else f":{self.port}")


def _started(ports: Ports | None) -> Ports:
    if ports is None:
        raise Unavailable("This data root has no ports yet; start the platform with `gavip up` first.")
    return ports


def load_config(data_root: str | Path, **overrides: Any) -> Gavip:
    """Read the site's settings and `<data root>/config.py`, where there are such; the latter win, and keyword arguments over both.

    Raises
    ------
    gavip_hub.exceptions.Unavailable
        `GAVIP_SETTINGS` names a file that is not there.
    traitlets.TraitError
        A value has the wrong type.
    """
    root = Path(data_root).resolve()
    config = Config()
    for file in _setting_files(root):
        config.merge(PyFileConfigLoader(file.name, path=str(file.parent)).load_config())
    return Gavip(config=config, data_root=str(root), **overrides)


def _setting_files(root: Path) -> list[Path]:
    own = [file for file in [root / "config.py"] if file.is_file()]
    if site := os.environ.get(SETTINGS_ENV):
        if not Path(site).is_file():
            raise Unavailable(
                f"{SETTINGS_ENV} names {site}, which is no file; name a file of settings, or unset it."
            )
        return [Path(site).resolve(), *own]
    return own
