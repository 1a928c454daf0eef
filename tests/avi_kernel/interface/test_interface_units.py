"""Small parts of the interface server, by themselves."""

import asyncio
import gzip
import json
import logging
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import nbformat
import pytest
import tornado.web
from nbformat import NotebookNode
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from avi_kernel import profile
from avi_kernel.interface import forking, notebook, options
from avi_kernel.interface.activity import Activity, Report
from avi_kernel.interface.app import security_headers
from avi_kernel.interface.assets import OWN, Assets
from avi_kernel.interface.bundle import Bundle
from avi_kernel.interface.pages import ChannelsHandler, message_type
from avi_kernel.interface.rendering import Executor, with_heading
from tests.support.interface import write_notebook

HUB = {
    "JUPYTERHUB_SERVICE_URL": "http+unix://%2Frun%2Fgavip%2Fs.sock/user/eve/stars/",
    "JUPYTERHUB_SERVICE_PREFIX": "/user/eve/stars/",
    "JUPYTERHUB_API_URL": "http://127.0.0.2:8081/hub/api",
    "JUPYTERHUB_API_TOKEN": "t",
    "JUPYTERHUB_USER": "eve",
    "JUPYTERHUB_SERVER_NAME": "stars",
    "JUPYTERHUB_PUBLIC_HUB_URL": "http://gavip.localhost:8000/hub/",
    "GAVIP_AVI": "stars",
    "GAVIP_CODE_DIR": "/avi",
    "GAVIP_WORK_DIR": "/home/eve/avis/stars",
}


def test_the_hub_says_where_to_listen_and_what_to_serve() -> None:
    chosen = options.from_hub(HUB)
    assert chosen.socket == Path("/run/gavip/s.sock")
    assert chosen.base_url == "/user/eve/stars/"
    assert chosen.work_dir == Path("/home/eve/avis/stars")
    assert chosen.portal_url == "http://gavip.localhost:8000/services/gavip/"
    assert chosen.avi_url == "http://gavip.localhost:8000/services/gavip/avis/stars"
    assert not chosen.standalone


def test_a_host_and_port_do_as_well() -> None:
    chosen = options.from_hub(HUB | {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:4711/user/eve/stars/"})
    assert (chosen.socket, chosen.ip, chosen.port) == (None, "127.0.0.1", 4711)


def test_the_portal_may_frame_the_page_and_nobody_else() -> None:
    policy = security_headers(options.from_hub(HUB))["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' http://gavip.localhost:8000")


def test_an_avi_with_no_interface_is_told(tmp_path: Path) -> None:
    with pytest.raises(options.NoInterface, match=r"app\.ipynb"):
        options.standalone(folder=tmp_path, port=0).notebook()


@pytest.mark.parametrize(("cells", "heading"), [(["# Stars\n\nText."], False), (["1 + 1", "# Stars"], True)])
def test_a_notebook_with_a_title_gets_no_second_one(tmp_path: Path, cells: list[str], heading: bool) -> None:
    notebook = nbformat.read(write_notebook(tmp_path / "app.ipynb", *cells), as_version=4)
    assert with_heading({"title": "Stars"}, notebook) == {"title": "Stars", "heading": heading}


def test_an_interface_wears_the_colours_of_the_portal() -> None:
    ours = (OWN / "voila/templates/gavip/static/interface.css").read_text()
    theirs = (Path(OWN).parents[2] / "gavip_hub/static/tokens.css").read_text()
    light, dark = (dict(re.findall(r"--gavip-([\w-]+): (#\w+);", part)) for part in ours.split("@media", 1))
    pairs = {f"light-dark({colour}, {dark[name]})" for name, colour in light.items()}
    assert light.keys() == dark.keys()
    assert pairs <= set(re.findall(r"light-dark\(#\w+, #\w+\)", theirs))


def test_a_manifest_that_cannot_be_read_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "avi.toml").write_text("title = [")
    assert options.standalone(folder=tmp_path, port=0).title == ""


def test_each_standalone_server_has_a_secret_of_its_own(tmp_path: Path) -> None:
    tokens = {options.standalone(folder=tmp_path, port=0).token for _ in range(3)}
    assert len(tokens) == 3


def test_only_what_the_code_names_is_imported_ahead(tmp_path: Path) -> None:
    write_notebook(tmp_path / "app.ipynb", "from matplotlib import pyplot")
    assert "matplotlib.pyplot" in forking.wanted(tmp_path)
    assert "pandas" not in forking.wanted(tmp_path)


def test_users_see_what_failed_and_no_source() -> None:
    cell = NotebookNode(
        cell_type="code",
        outputs=[NotebookNode(output_type="error", ename="E", evalue="v", traceback=["secret = 1"])],
    )
    Executor(NotebookNode(cells=[])).strip_code_cell_errors(cell)
    assert cell.outputs == [{"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}]


@pytest.mark.parametrize("raw", ["", "[]", "{", b"", b"\x01", json.dumps({"header": None})])
def test_nonsense_from_a_page_has_no_type(raw: str | bytes) -> None:
    assert message_type(raw) == ""


def test_what_a_page_says_by_itself_is_not_the_user() -> None:
    assert message_type(json.dumps({"header": {"msg_type": "comm_msg"}})) not in ChannelsHandler.NOT_THE_USER
    assert (
        message_type(json.dumps({"header": {"msg_type": "kernel_info_request"}}))
        in ChannelsHandler.NOT_THE_USER
    )


class FakeHub:
    """Takes reports of activity; fails the first so many."""

    def __init__(self, failures: int = 0) -> None:
        self.reports: asyncio.Queue[tuple[str, str, dict[str, object]]] = asyncio.Queue()
        self.failures = failures

    def take(self, handler: tornado.web.RequestHandler) -> None:
        if self.failures:
            self.failures -= 1
            raise tornado.web.HTTPError(503)
        token = handler.request.headers["Authorization"]
        self.reports.put_nowait((handler.request.path, token, json.loads(handler.request.body)))


@pytest.fixture
async def hub() -> AsyncIterator[tuple[FakeHub, str]]:
    fake = FakeHub()

    class Take(tornado.web.RequestHandler):
        def post(self) -> None:
            fake.take(self)

    server = HTTPServer(tornado.web.Application([(".*", Take)]))
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    yield fake, f"http://127.0.0.1:{sockets[0].getsockname()[1]}/hub/api"
    server.stop()
    await server.close_all_connections()


async def test_activity_is_reported_once_each_time_there_was_some(hub: tuple[FakeHub, str]) -> None:
    fake, url = hub
    fake.failures = 1
    report = Report.from_hub(HUB | {"JUPYTERHUB_API_URL": url})
    assert report is not None
    activity = Activity(log=logging.getLogger("test"))
    reporting = asyncio.create_task(activity.keep_reporting(report, interval=0.01))
    async with asyncio.timeout(10):
        path, token, body = await fake.reports.get()  # the second try: the first failed
        assert (path, token) == ("/hub/api/users/eve/activity", "token t")
        assert set(body["servers"]) == {"stars"}  # type: ignore[call-overload]
        activity.touch()
        await fake.reports.get()
    reporting.cancel()
    assert fake.reports.empty()


def test_with_no_hub_nothing_is_reported() -> None:
    assert Report.from_hub({}) is None


def test_the_notebook_server_listens_on_the_boxes_socket_in_the_users_space() -> None:
    said = notebook.arguments({"GAVIP_SOCKET": "/run/gavip/s.sock", "GAVIP_USER_SPACE": "/home/eve"})
    assert "--ServerApp.sock=/run/gavip/s.sock" in said
    assert "--ServerApp.root_dir=/home/eve" in said
    reach = notebook.environment(HUB)["JUPYTERHUB_ACTIVITY_URL"]
    assert reach == "http://127.0.0.2:8081/hub/api/users/eve/activity"


def test_the_server_does_without_the_models_of_the_protocol() -> None:
    program = (
        "import sys; from avi_kernel.interface import start; start.import_server(); "
        "assert 'avi_kernel.interface.app' in sys.modules; sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_lab_is_told_of_a_button_whose_files_are_there() -> None:
    (place,) = [word for word in notebook.arguments({}) if "extra_labextensions_path" in word]
    folder = Path(place.partition("=")[2]) / "gavip-lab"
    about = json.loads((folder / "package.json").read_text())
    code = (folder / about["jupyterlab"]["_build"]["load"]).read_text()
    schema = json.loads(
        (folder / about["jupyterlab"]["schemaDir"] / about["name"] / "plugin.json").read_text()
    )
    (button,) = schema["jupyter.lab.toolbars"]["Notebook"]
    assert f'COMMAND = "{button["command"]}"' in code
    assert f'NAME = "{about["name"]}"' in code


def test_lab_in_an_environment_of_its_own_is_what_serves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.prefix", str(tmp_path))
    assert notebook.lab() is None
    program = tmp_path / "lab" / "bin" / "jupyterhub-singleuser"
    program.parent.mkdir(parents=True)
    program.touch()
    assert notebook.lab() == program


def test_a_developer_plays_the_role_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAVIP_DEV_PROFILE", "outreach")
    monkeypatch.setenv("GAVIP_USER", "eve")
    me = profile.current()
    assert (me.name, me.roles) == ("eve", ["outreach"])
    assert profile.is_outreach(me)


@pytest.mark.parametrize(
    ("roles", "simple"), [(["outreach"], True), (["outreach", "scientist"], False), ([], False)]
)
def test_who_holds_more_than_outreach_gets_the_full_view(roles: list[str], *, simple: bool) -> None:
    assert profile.is_outreach(profile.Profile(name="eve", roles=roles)) is simple


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of scripts that stand for those of a machine."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "one.js").write_text("one()")
    (folder / "two.js").write_text("two()")
    monkeypatch.setattr(Bundle, "pieces", lambda _bundle: sorted(folder.iterdir()))
    return folder


def bundle_beside(scripts: Path) -> Bundle:
    return Bundle(Assets(base_url="/", folder=scripts), folder=scripts.parent / "ahead")


async def test_scripts_that_were_joined_ahead_are_sent_as_they_lie_there(scripts: Path) -> None:
    bundle_beside(scripts).make_ahead().write_bytes(b"joined ahead")
    assert await bundle_beside(scripts).compressed() == b"joined ahead"


async def test_scripts_that_changed_since_are_joined_anew(scripts: Path) -> None:
    bundle_beside(scripts).make_ahead()
    (scripts / "two.js").write_text("two(2)")
    assert gzip.decompress(await bundle_beside(scripts).compressed()) == b"one();\ntwo(2)"
