"""AVIs made of templates, and templates of one's own to make them of."""

import os
import subprocess
from pathlib import Path

from avi_kernel.authoring import from_template, new_folder, templates
from tests.support.git_client import ALONE, WHO

PACKAGED = ("python", "dashboard", "fortran", "java")
QUESTIONS = "title:\n  type: str\n  default: A title\n"


def git(folder: Path, *arguments: str) -> str:
    """Run git, with no settings of anybody's."""
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **WHO, **ALONE},
    )
    return done.stdout.strip()


def made(folder: Path, template: str, **answers: str) -> Path:
    """Make an AVI of a template, committed."""
    with new_folder.whole(folder) as place:
        source = from_template.Source(address=templates.address_of(template))
        from_template.make(place, source=source, answers=answers, proposed={}, ask=False)
    new_folder.begin_repository(folder, remote="http://gavip.localhost:9/x.git", user="dora", message="Made")
    return folder


def template_of(
    folder: Path, files: dict[str, str] | None = None, *, version: str = "1.0.0", questions: str = QUESTIONS
) -> Path:
    """Make a template's repository, or a new version of it.

    Parameters
    ----------
    files
        Path in the template -> text.
    """
    content = {
        "copier.yml": f"_subdirectory: template\n{questions}",
        "template/app.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
        "template/avi.toml.jinja": "title = {{ title | to_json }}\n",
        "template/.copier-answers.yml.jinja": "{{ _copier_answers | to_nice_yaml }}",
        **(files or {}),
    }
    for path, text in content.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-qm", version)
    git(folder, "tag", f"v{version}")
    return folder
