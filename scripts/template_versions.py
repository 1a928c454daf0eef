"""Keep every version of the packaged templates: `python -m scripts.template_versions` after a change of one.

`avi_templates/<name>` is what is edited. What comes with the command is `avi_kernel/authoring/packaged/<name>.versions`: all of its
versions, as `git fast-export` writes them, so that an AVI made of an old one can be merged with a new one anywhere. A version
is only ever added.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "avi_templates"
PACKAGED = ROOT / "avi_kernel" / "authoring" / "packaged"
MAIN = "refs/heads/main"
WHO = {
    f"GIT_{role}_{what}": "gavip@gavip.invalid"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Repository:
    """All versions of one template, unpacked."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.stream = PACKAGED / f"{name}.versions"
        self.git("init", "-q", "--bare", ".")
        if self.stream.exists():
            self.git("fast-import", "--quiet", given=self.stream.read_bytes())

    def git(self, *arguments: str, given: bytes | None = None, files: Path | None = None) -> str:
        """Run git in it, over the files of a folder."""
        where = {"GIT_DIR": str(self._folder)} | ({"GIT_WORK_TREE": str(files)} if files else {})
        done = subprocess.run(
            ["git", *arguments],
            cwd=files or self._folder,
            input=given,
            check=True,
            capture_output=True,
            env={**os.environ, **ALONE, **WHO, **where},
        )
        return done.stdout.decode().strip()

    def versions(self) -> list[str]:
        """Return the versions that it holds."""
        return [tag.removeprefix("v") for tag in self.git("tag").splitlines()]

    def tree(self, files: Path) -> str:
        """Return the name that git gives what lies in a folder."""
        self.git("add", "-A", "-f", ".", ":!**/__pycache__", ":!**/.pytest_cache", files=files)
        return self.git("write-tree")

    def tree_of(self, version: str) -> str:
        """Return the same of a version."""
        return self.git("rev-parse", f"v{version}^{{tree}}")

    def add(self, version: str, tree: str) -> None:
        """Add a version, and write all of them where they are kept."""
        parents = ["-p", MAIN] if self.versions() else []
        commit = self.git("commit-tree", *parents, "-m", version, tree)
        self.git("update-ref", MAIN, commit)
        self.git("tag", f"v{version}", commit)
        self.stream.write_text(self.git("fast-export", "--all") + "\n")


def problem(name: str, *, write: bool) -> str | None:
    """Return what is wrong with what is kept of a template; None where it is as its folder says."""
    version = version_of(name)
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder), name)
        tree = repository.tree(SOURCES / name)
        if version in repository.versions():
            if repository.tree_of(version) == tree:
                return None
            return f"{name} differs from its version {version}: raise `version` in avi_templates/{name}/template.toml"
        if not write:
            return f"{name} {version} is not kept yet: python -m scripts.template_versions"
        repository.add(version, tree)
    return None


def version_of(name: str) -> str:
    """Return the version that a template says it is."""
    version: str = _described(name)["version"]
    return version


def _described(name: str) -> dict[str, str]:
    return tomllib.loads((SOURCES / name / "template.toml").read_text())


def names() -> list[str]:
    """Return the templates, the simplest first."""
    found = sorted(path.parent.name for path in SOURCES.glob("*/template.toml"))
    return sorted(found, key=lambda name: name != "python")


def index() -> str:
    """Return what `templates.json` is to say."""
    described = {name: _described(name) for name in names()}
    listed = [
        {"name": name, "version": one["version"], "summary": one["summary"]}
        for name, one in described.items()
    ]
    return json.dumps(listed, indent=1) + "\n"


def main() -> int:
    """Add what is new; tell what is wrong."""
    problems = [told for name in names() if (told := problem(name, write=True))]
    (PACKAGED / "templates.json").write_text(index())
    sys.stderr.writelines(f"{told}\n" for told in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
