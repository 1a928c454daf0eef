"""The commands that the documentation shows, as somebody pastes them: which of them run, and why others do not."""

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
SHELLS = {"", "console", "sh", "bash"}
PROGRAMS = re.compile(
    r"(?:gavip|git|cp|cd|perl|make|docker|docker-compose|pip|python3?|\.|scripts/\S+|\w+=\$\(gavip) "
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ADDRESS = "http://gavip.localhost:8000"


@dataclass(frozen=True, kw_only=True)
class Held:
    """Why a line is not run, and what runs that very command instead."""

    why: str
    by: str
    """A file of the repository."""
    words: str
    """How the command stands in it."""


FRESH, COMPOSE, COMPOSED = (
    "tests/acceptance/test_fresh_machine.py",
    "tests/acceptance/test_compose.py",
    "tests/support/compose.py",
)
SKIPPED = {
    r"gavip dev \. --image": Held(
        why="needs an engine", by="tests/acceptance/test_dev_image.py", words='"--image"'
    ),
    r"git clone <this": Held(why="sets a machine up", by=FRESH, words='"git", "clone"'),
    r"make demo": Held(why="sets a machine up", by=FRESH, words="make demo"),
    r"make environment": Held(
        why="sets a machine up: make demo does it", by="Makefile", words="demo: environment\n"
    ),
    r"git pull$": Held(why="there is no newer version", by=FRESH, words='"git", "clone"'),
    r"make test": Held(why="runs these tests", by="Makefile", words="test: lint engine\n"),
    r"make acceptance": Held(why="runs these tests", by="Makefile", words="acceptance: environment-dev\n"),
    r"make endurance": Held(
        why="runs these tests", by="Makefile", words="endurance: environment-dev engine\n"
    ),
    r"make images|scripts/images avi-java": Held(
        why="builds images", by="Makefile", words="\tscripts/images\n"
    ),
    r"gavip image|curl --continue-at": Held(
        why="needs an engine",
        by="tests/acceptance/test_images_for_authors.py",
        words='"image", "download", "small"',
    ),
    r"gavip (product|share) ": Held(
        why="names a job and a product of its reader's",
        by="tests/acceptance/test_sharing.py",
        words='"share", "make", made',
    ),
    r"rclone |cadaver ": Held(
        why="names the platform's own address and a token",
        by="tests/acceptance/test_webdav.py",
        words='rclone("copy"',
    ),
    r"gavip data (list --path data|mkdir|move|copy|delete|bin|restore|remove|empty|find|zip)": Held(
        why="names files of its reader's",
        by="tests/gavip_hub/handlers/test_handlers_data_moves.py",
        words='"/data/moves"',
    ),
    r"gavip data (uploads|abandon)": Held(
        why="names an upload of its reader's",
        by="tests/avi_kernel/cli/test_cli_data.py",
        words='"data", "abandon"',
    ),
    r"docker build": Held(why="builds images", by="scripts/images", words="docker build "),
    r"scripts/images --test|python3 -m scripts.image_smoke": Held(
        why="tries all images", by="tests/images/test_images.py", words="image_smoke.smoke("
    ),
    r"cd compose|cp \.env": Held(why="needs an engine", by=COMPOSE, words='".env.example"'),
    r"docker-compose up -d": Held(why="needs an engine", by=COMPOSED, words='self.compose("up", "-d")'),
    r"docker-compose run --rm admin password": Held(
        why="needs an engine", by=COMPOSE, words='"admin", "password"'
    ),
    r"docker-compose run --rm admin backup": Held(
        why="needs an engine", by=COMPOSE, words='"admin", "backup"'
    ),
    r"docker-compose run --rm admin restore": Held(
        why="needs an engine", by=COMPOSE, words='"admin", "restore"'
    ),
    r"docker-compose stop": Held(
        why="needs an engine", by=COMPOSE, words='compose("stop", "hub", "service")'
    ),
    r"docker-compose start": Held(
        why="needs an engine", by=COMPOSE, words='compose("start", "hub", "service")'
    ),
    r"docker-compose down": Held(why="needs an engine", by=COMPOSED, words='self.compose("down"'),
    r"docker rm": Held(why="needs an engine", by=COMPOSED, words='self.docker("rm", "--force"'),
    r"git pull && make images": Held(
        why="there is no newer version", by=COMPOSED, words='self.compose("up", "-d")'
    ),
}
"""How lines begin that are not run."""
SERVES = {
    r"gavip dev \.(?! --run)": "Ctrl-C ends it",
    r"gavip (up|demo)": "Ctrl-C stops everything",
}
"""How lines begin that serve until Ctrl-C, and what they say when they do: it is pressed then."""
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
        return next((held.why for begin, held in SKIPPED.items() if re.match(begin, self.text)), "")

    @property
    def served(self) -> str:
        """What it says when it serves; nothing where it ends by itself."""
        return next((words for begin, words in SERVES.items() if re.match(begin, self.text)), "")

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


def blocks(page: str, language: str) -> list[str]:
    """Return a page's blocks in a language, in order."""
    return [text for told, text in FENCED.findall((CHECKOUT / page).read_text()) if told == language]


def lines_of(page: Path) -> list[Line]:
    """Return the commands in a page's fenced blocks, in order."""
    found = []
    for language, block in FENCED.findall(page.read_text()):
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


def script(lines: list[Line], *, values: dict[str, str], reader: "Reader") -> str:
    """Return a bash script that runs what is not skipped, and stops at the first line that ends otherwise than shown."""
    parts = []
    for line in lines:
        if line.skipped:
            continue
        text = line.text
        for name, value in values.items():
            text = text.replace(name, value)
        shown = shlex.quote(f"+ {line.text}")
        parts.append(
            f"echo {shown}\n{reader.typed(text, served=line.served)}\nended=$?\n"
            f'[ $ended -eq {line.status} ] || {{ echo "ended with $ended, and not with {line.status}"; exit 99; }}'
        )
    return "\n".join(parts)


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who types the commands of a page, and presses the keys that it tells of."""

    user: str
    passwords: Path
    root: Path
    port: int

    def typed(self, text: str, *, served: str) -> str:
        """Return a line as bash is to run it."""
        hands = f"{sys.executable} -m tests.support.endings"
        if served:
            return f"PYTHONPATH={CHECKOUT} {hands} {shlex.quote(served)} {text}"
        if not text.startswith("gavip login "):
            return text
        if "--device" in text:
            return f"PYTHONPATH={CHECKOUT} {hands} --allow {self.root} {self.port} {self.user} {text}"
        named = re.search(r"--user (\w+)", text)
        user = named[1] if named else self.user
        who = "" if named else f" --user {user}"
        return f"{text}{who} --password-stdin < {shlex.quote(str(self.passwords))}/{user}"
