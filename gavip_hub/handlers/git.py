"""Git over HTTP: `git clone`, `fetch` and `push`, streamed between git's own program and who asks.

A user's token is the password; the user's name may be anything. A session's cookie opens nothing here, so that no page of
another site can push.
"""

import asyncio
import base64
import binascii
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body
from typing_extensions import override

from avi_kernel.protocol.api import Profile
from gavip_hub.domain.identity import PUBLISH
from gavip_hub.exceptions import Forbidden, GavipError, SignInRequired, Unavailable
from gavip_hub.handlers.avis import READ
from gavip_hub.handlers.base import BaseHandler, PageHandler
from gavip_hub.handlers.bodies import STREAMED
from gavip_hub.handlers.context import PREFIX
from gavip_hub.handlers.downloads import PIECE, PIECE_SECONDS
from gavip_hub.handlers.openapi import Route
from gavip_hub.handlers.sign_in import NOBODY, Identity
from gavip_hub.storage.git_http import COMMAND, GitRequest, forget

PUSHING = "git-receive-pack"
ANYBODY = Profile(name="", roles=[])
WAIT_SECONDS = 30.0
END_SECONDS = 10.0
LOOK_SECONDS = 0.05
LONGEST_SECONDS = 3600.0
"""A gigabyte over a slow line."""


@stream_request_body
class GitHandler(BaseHandler):
    """One request of a git client."""

    is_stream = True
    _process: Process | None = None
    _watch: "Watch | None" = None
    _refused: GavipError | None = None
    _held: AsyncExitStack
    _closing: asyncio.Task[None] | None = None
    """Kept, since a task that nobody holds may end in the middle."""

    @override
    async def prepare(self) -> None:
        self._held = AsyncExitStack()
        if self.request.method not in {"GET", "POST"}:
            return  # tornado says so itself, after this
        try:
            await super().prepare()
            await self._begin(*self.path_args)
        except GavipError as error:
            # Said once the request is read: tornado closes a line on which it answers before, and the proxy,
            # which keeps lines for the next request, would answer that one with a 503.
            self._refused = error
            await self._held.aclose()
        except BaseException:
            await self._held.aclose()
            raise

    @override
    async def identify(self) -> Identity:
        """Return whose token came as a password, or as a bearer's."""
        header = self.request.headers.get("Authorization", "")
        if not header:
            return NOBODY
        found = await self.context.sign_in.of_token(_token(header))
        if found.profile is None:
            raise SignInRequired("This token is not known, or has expired: sign in again by `gavip login`.")
        return found

    async def _begin(self, avi: str, path: str) -> None:
        """Start git's program, where the asker may do what they ask for."""
        pushes = PUSHING in {path, *parse_qs(self.request.query).get("service", [])}
        profile = await self._allowed(avi, pushes=pushes)
        await self._held.enter_async_context(self._turn(profile))
        secret = await self._pushing(avi, profile) if path == PUSHING and profile else ""
        asked = GitRequest(
            avi=avi,
            path=path,
            method=str(self.request.method),
            query=self.request.query,
            user=profile.name if profile else "",
            headers=self.request.headers,
        )
        environment = await self.context.file_threads(self.context.git.environment, asked, secret=secret)
        self._process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment, start_new_session=True
        )
        self._held.push_async_callback(_ended, self._process)
        self._watch = Watch(self._give_up)
        self._held.callback(self._watch.end)

    async def _pushing(self, avi: str, profile: Profile) -> str:
        """Wait until nobody else pushes to an AVI, and return the secret of this push."""
        await self._held.enter_async_context(self.context.pushes.turn(avi))
        self._held.push_async_callback(self._forget, avi)
        return self._held.enter_context(self.services.pushes.one(user=profile.name, avi=avi))

    def _give_up(self) -> None:
        """End what does not come to its end: who asks says nothing, or takes nothing, or git waits for what never comes."""
        if self._process is not None:
            _signal(self._process, signal.SIGKILL)
        self._let_go()
        self.request.connection.stream.close()  # type: ignore[union-attr]  # tornado's own for HTTP/1

    async def _forget(self, avi: str) -> None:
        """Remove what broke off, where nobody pushes; whoever begins meanwhile has a folder of another name."""
        if not self.services.pushes.goes_on(avi):
            await self.context.file_threads(forget, self.context.git.half_pushed(avi))

    async def _allowed(self, avi: str, *, pushes: bool) -> Profile | None:
        """Return who asks, where they may; None: anybody."""
        projects = self.services.projects
        if pushes:
            self.context.disk.require_room()  # at its first request, whose answer git prints
            author = _person(self.require(PUBLISH))
            if not await self.in_thread(projects.is_made, user=author.name, name=avi):
                await self.context.publishing_threads(projects.make, user=author.name, name=avi)
            return author
        profile = _person(self.require(READ)) if self.current_profile else None
        try:
            await self.in_thread(
                projects.require_readable, viewer=profile.name if profile else None, name=avi
            )
        except GavipError:
            self.require(READ)  # who has not signed in is asked to, whether or not there is such a project
            raise
        return profile

    @asynccontextmanager
    async def _turn(self, profile: Profile | None) -> AsyncIterator[None]:
        """Wait for a turn: git computes, and not for all at once; who has not signed in counts as one person."""
        turns = self.context.git_turns
        with self.context.transfers.one(profile or ANYBODY):
            try:
                await asyncio.wait_for(turns.acquire(), WAIT_SECONDS)
            except TimeoutError:
                raise Unavailable("Many clone and push at the moment: try again in a minute.") from None
            try:
                yield
            finally:
                turns.release()

    @override
    async def data_received(self, chunk: bytes) -> None:
        if self._watch is not None:
            self._watch.goes_on()
        line = self._process.stdin if self._process else None
        # A git that has seen enough reads no further; what it says of that is its answer.
        if line is not None and not line.is_closing():
            with suppress(BrokenPipeError, ConnectionResetError):
                line.write(chunk)
                await line.drain()

    @override
    async def get(self, *_: Any) -> None:
        await self._answer()

    @override
    async def post(self, *_: Any) -> None:
        await self._answer()

    async def _answer(self) -> None:
        if self._refused is not None:
            raise self._refused
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise Unavailable("git did not start.")
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.close()
        try:
            self._take_head(await _head(process.stdout))
            while piece := await process.stdout.read(PIECE):
                self.write(piece)
                await self.flush()
                if self._watch is not None:
                    self._watch.goes_on()
            await self.finish()
        except StreamClosedError:
            return
        finally:
            await self._held.aclose()

    def _take_head(self, head: bytes) -> None:
        """Take status and headers over from git's program."""
        for line in head.decode("latin-1").splitlines():
            name, _, value = line.partition(": ")
            if name == "Status":
                self.set_status(int(value.split()[0]))
            elif name in {"Content-Type", "Cache-Control", "Expires", "Pragma"}:
                self.set_header(name, value)

    @override
    def on_connection_close(self) -> None:
        """End what nobody waits for any more."""
        super().on_connection_close()
        if self._process is not None:
            _signal(self._process, signal.SIGTERM)
            self._let_go()

    @override
    def on_finish(self) -> None:
        super().on_finish()
        self._let_go()  # whatever the answer was

    def _let_go(self) -> None:
        """Begin to give back what this request holds, where nothing has begun to."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._held.aclose())

    @override
    def write_refusal(self, error: GavipError) -> None:
        """Say no in words that git prints."""
        if isinstance(error, SignInRequired):
            self.set_header("WWW-Authenticate", 'Basic realm="GAVIP"')
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(f"{error.message}\n")


def _token(header: str) -> str:
    """Return the token of a header: the password of `Basic`, or what follows `Bearer` or `token`."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return value.strip()
    try:
        return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        raise SignInRequired("The password is to be a token of the platform.") from None


def _person(profile: Profile) -> Profile:
    if profile.avi is not None:
        raise Forbidden("Repositories are for people, and not for an interface.")
    return profile


class Watch:
    """Calls when nothing has gone on for a while, or when all of it takes too long."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        loop = asyncio.get_running_loop()
        self._at_last = loop.call_later(LONGEST_SECONDS, call)
        self._idle = loop.call_later(PIECE_SECONDS, call)

    def goes_on(self) -> None:
        """Note that a piece came, or was taken."""
        if self._at_last.cancelled():  # it has ended
            return
        self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(PIECE_SECONDS, self._call)

    def end(self) -> None:
        """Call no more."""
        self._idle.cancel()
        self._at_last.cancel()


async def _ended(process: Process) -> None:
    """See that git's program and all that it started is gone; what was told to end is given time to put things away."""
    with suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
            while _signal(process, 0):  # noqa: ASYNC110 - nothing tells of the end of what a program started
                await asyncio.sleep(LOOK_SECONDS)
    _signal(process, signal.SIGKILL)
    await process.wait()


def _signal(process: Process, number: int) -> bool:
    """Send a signal to a program and all that it started; tell whether there is any."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True


async def _head(output: asyncio.StreamReader) -> bytes:
    """Return the headers of git's answer."""
    try:
        return await output.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Unavailable(
            "git ended without an answer: the request is larger than what is taken, or broken."
        ) from error


class ToProject(PageHandler):
    """Whoever opens a repository's address in a browser wants to see it."""

    @override
    async def get(self, avi: str) -> None:
        self.redirect(f"{PREFIX}/projects/{avi}")


ROUTES: list[Route] = [
    (STREAMED, GitHandler),
    (rf"{PREFIX}/git/([a-z][a-z0-9-]{{0,39}})(?:\.git)?/?", ToProject),
]
