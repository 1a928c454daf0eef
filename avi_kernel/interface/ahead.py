"""`python -m avi_kernel.interface.ahead`: do once, when an image is built, what each server would do before its first page.

It joins and compresses the pages' scripts, and compiles the templates.
"""

import asyncio
import logging
import os

import jinja2
from jupyter_client.kernelspec import KernelSpecManager
from voila.paths import collect_template_paths

from avi_kernel.interface.assets import OWN, Assets
from avi_kernel.interface.bundle import Bundle
from avi_kernel.interface.rendering import COMPILED, TEMPLATE, Renderer, make_exporter

PAGE = {"title": "", "base_url": "/", "portal_url": "", "avi_url": "", "static": "", "scripts": []}


def main() -> None:
    """Write both into our own folder."""
    Bundle(Assets(base_url="/", folder=OWN)).make_ahead()
    COMPILED.mkdir(exist_ok=True)
    asyncio.run(rehearse(compiled=jinja2.FileSystemBytecodeCache(str(COMPILED))))
    for template in COMPILED.iterdir():
        template.chmod(0o644)  # Jinja makes them its user's alone


async def rehearse(*, compiled: jinja2.BytecodeCache | None = None) -> None:
    """Render a page of no cells: templates are compiled, and the checks of a notebook."""
    os.environ["JUPYTER_PATH"] = str(OWN)
    paths = collect_template_paths(["voila", "nbconvert"], TEMPLATE, prune=True)
    renderer = Renderer(
        notebook=OWN / "app.ipynb",
        exporter=make_exporter(template_paths=paths, compiled=compiled, base_url="/"),
        specs=KernelSpecManager(),
        show_tracebacks=False,
        log=logging.getLogger(__name__),
    )
    await renderer.warm_up(page=PAGE)


if __name__ == "__main__":
    main()
