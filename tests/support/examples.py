"""The commands that the documentation shows, as somebody pastes them: which of them run, and why others do not."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SHELLS = {"", "console", "sh", "bash"}
PROGRAMS = re.compile(
    r"(?:gavip|git|cp|cd|perl|make|docker|docker-compose|pip|python3?|\.|scripts/\S+|\w+=\$\(gavip) "
)
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://gavip.localhost:8000"

SKIPPED = {
    r"git clone <this|make |git pull|pip install|\. \.venv": "sets this machine up: tests/acceptance/test_fresh_machine.py",
    r"gavip up|gavip demo": "a platform is up already: tests/hub",
    r"gavip dev \.(?! --run)": "serves until Ctrl-C: tests/avi_kernel/standalone",
    r"docker|cp \.env|cd compose|scripts/images|python3 -m scripts": "needs images and an engine: tests/acceptance/test_compose.py, tests/images",
    r"gavip login \S+ --device": "needs somebody at a browser: tests/hub/test_hub_device.py",
    r"gavip admin (backup|restore)": "needs a platform that is down: tests/gavip_hub/supervise/test_supervise_backup.py",
    r"gavip admin simulate --policy": "simulates thirty days: tests/gavip_hub/supervise/test_supervise_simulate.py",
    r"gavip project (import|imported|mirror|mirrored|unmirror) |git clone http://gavip|git push --delete": "needs a git server of another place: tests/acceptance/test_outside_git.py",
    r"gavip avi check \.": "runs an AVI for a minute: tests/avi_kernel/checking, tests/avi_kernel/cli/test_cli_avi_check.py",
}
"""How lines begin that are not run, and why, with what holds them."""
FAILS = {r"gavip dev \. --run counts -p faintest=30": 2}
"""How lines begin that are shown for their refusal, and the status with which they end."""
NO_COMMANDS = ("docs/adr/", "docs/reference/", "docs/explanation/")
"""They show no commands to be pasted."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a page."""

    text: str

    @property
    def skipped(self) -> str:
        """Why it is not run; nothing where it is."""
        return next((why for begin, why in SKIPPED.items() if re.match(begin, self.text)), "")

    @property
    def status(self) -> int:
        """With which it ends."""
        return next((status for begin, status in FAILS.items() if re.match(begin, self.text)), 0)


def pages() -> list[Path]:
    """Return all pages that may show commands."""
    found = [CHECKOUT / "README.md", *CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("images/*.md")]
    found += [*CHECKOUT.glob("voila_apps/*/README.md"), *CHECKOUT.glob("avi_templates/*/README.md")]
    return sorted(page for page in found if not name_of(page).startswith(NO_COMMANDS))


def name_of(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(CHECKOUT).as_posix()


def lines_of(page: Path) -> list[Line]:
    """Return the commands in a page's fenced blocks, in order."""
    found = []
    for language, block in _FENCED.findall(page.read_text()):
        if language in SHELLS:
            found += [Line(text=text) for text in _commands(block, prompted=language == "console")]
    return found


def _commands(block: str, *, prompted: bool) -> list[str]:
    """Return a block's commands: what follows a prompt, or all of it where its first line is one."""
    lines = [line.rstrip() for line in block.splitlines() if line.strip()]
    if prompted:
        return [_bare(line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]
    if not lines or not PROGRAMS.match(lines[0]):
        return []
    return [_bare(line) for line in lines]


def _bare(line: str) -> str:
    """Return a line without its remark."""
    return re.split(r"\s{2,}# ", line)[0].strip()


def script(lines: list[Line], *, values: dict[str, str], user: str, password: Path) -> str:
    """Return a bash script that runs what is not skipped, and stops at the first line that ends otherwise than shown."""
    parts = []
    for line in lines:
        if line.skipped:
            continue
        text = line.text
        for name, value in values.items():
            text = text.replace(name, value)
        if text.startswith("gavip login "):
            who = "" if "--user" in text else f" --user {user}"
            name = re.search(r"--user (\w+)", text + who)
            text = f"{text}{who} --password-stdin < {shlex.quote(str(password))}/{name[1] if name else user}"
        shown = shlex.quote(f"+ {line.text}")
        parts.append(
            f"echo {shown}\n{text}\nended=$?\n"
            f'[ $ended -eq {line.status} ] || {{ echo "ended with $ended, and not with {line.status}"; exit 99; }}'
        )
    return "\n".join(parts)
