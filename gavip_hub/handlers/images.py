"""The platform's images, to be loaded by an author's own engine."""

from http import HTTPStatus

from typing_extensions import override

from avi_kernel.protocol.images import ImageList, ImageView
from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import DiskFull, Forbidden, NoRoom, NotFound, Unavailable
from gavip_hub.handlers.downloads import Sent, send_file
from gavip_hub.handlers.operations import ApiHandler, operation

MADE_IN = 2
"""Seconds after which who waits for an archive asks again."""
GZIP = "application/gzip"


class ImageApi(ApiHandler):
    """What authors ask: a scientist runs AVIs on the platform, and an interface needs no image."""

    def require_author(self) -> None:
        """Make sure that it is a person who asks."""
        if self.require().avi is not None:
            raise Forbidden("Images are for people, and not for an interface.")


class Images(ImageApi):
    """All images."""

    path = "/images"

    @override
    @operation(
        id="images.list",
        summary="List the platform's images that you may download",
        scope=PUBLISH,
        returns=ImageList,
    )
    async def get(self) -> ImageList:
        """Return them by name."""
        self.require_author()
        return await self.context.file_threads(self.services.images.every)


class OneImage(ImageApi):
    """One image."""

    path = "/images/{image}"

    @override
    @operation(
        id="images.get",
        summary="Show an image of the platform, and how far its archive is",
        scope=PUBLISH,
        returns=ImageView,
        errors=(NotFound,),
    )
    async def get(self, image: str) -> ImageView:
        """Return it."""
        self.require_author()
        return await self.context.file_threads(self.services.images.get, image)

    @override
    @operation(
        id="images.prepare",
        summary="Have the archive of an image made, before anybody downloads it",
        scope=PUBLISH,
        returns=ImageView,
        status=202,
        errors=(NotFound, DiskFull, Unavailable),
    )
    async def post(self, image: str) -> ImageView:
        """Note that it is wanted."""
        self.require_author()
        return await self.context.file_threads(self.services.images.want, image)


class ImageArchive(ImageApi):
    """The archive of an image."""

    is_stream = True
    path = "/images/{image}/archive"

    @override
    @operation(
        id="images.download",
        summary="Download an image of the platform, as docker load reads it",
        scope=PUBLISH,
        media_type=GZIP,
        later=ImageView,
        errors=(NotFound, NoRoom, DiskFull, Unavailable),
    )
    async def get(self, image: str) -> None:
        """Send the archive, or the range of it that was asked for; have it made first."""
        self.require_author()
        with self.context.reads.one(self.require()):
            opened = await self.context.file_threads(self.services.images.open, image)
            if opened is None:
                await self._promise(image)
                return
            archive, file = opened
            with file:
                name = f"gavip-{image}-{archive.sha256[:12]}.tar.gz"
                sent = Sent(
                    file=file,
                    name=name,
                    media_type=GZIP,
                    etag=archive.sha256,
                    sha256=archive.sha256,
                    lasts=False,
                )
                await send_file(self, sent)

    head = get

    async def _promise(self, image: str) -> None:
        """Say how far it is, and when to ask again."""
        view = await self.context.file_threads(self.services.images.want, image)
        self.set_status(HTTPStatus.ACCEPTED)
        self.set_header("Retry-After", str(MADE_IN))
        self.set_header("Content-Type", "application/json; charset=utf-8")
        await self.finish(view.model_dump_json())


HANDLERS: tuple[type[ImageApi], ...] = (Images, OneImage, ImageArchive)
