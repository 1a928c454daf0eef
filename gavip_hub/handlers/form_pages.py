"""Pages with a pipeline's form: an AVI, one of its pipelines, the file that a field asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from markupsafe import Markup
from typing_extensions import override

from avi_kernel.protocol.api import PoolView, ServerView
from avi_kernel.protocol.files import FolderView, FoundView
from avi_kernel.protocol.form_fields import Field, as_text
from avi_kernel.protocol.links import with_values
from avi_kernel.protocol.manifest import PipelineSpec
from avi_kernel.protocol.parameters import ParameterProblem, check_parameters
from avi_kernel.protocol.provenance import AnswerAsk, AnswerView, Offer, ProductAgainView
from avi_kernel.protocol.readable import amount, plain
from avi_kernel.protocol.releases import ReleaseView
from gavip_hub.domain.repetition import is_product
from gavip_hub.exceptions import BadManifest, BadParameter, GavipError, NoRoom, NotFound
from gavip_hub.handlers.catalogue_pages import cited
from gavip_hub.handlers.data import READ as READ_FILES
from gavip_hub.handlers.file_pages import MOST_FOLDERS, above
from gavip_hub.handlers.forms import LATER, PipelineForm, Proposal
from gavip_hub.handlers.jobs import SUBMIT
from gavip_hub.handlers.links import link_of
from gavip_hub.handlers.page_base import PortalPage
from gavip_hub.handlers.product_pages import offered
from gavip_hub.handlers.products import READ as READ_PRODUCTS
from gavip_hub.handlers.rendering import readme_page
from gavip_hub.services.avi_pages import AviSeen
from gavip_hub.services.proposals import MemoryProposal

LONGEST_MEMORY = 8
"""Digits of a suggested number of MB."""
PROPOSED = "X-Proposed-MB"
_PIPELINE = "[a-z][a-z0-9_-]{0,39}"


class FormPage(PortalPage):
    """Any page with a pipeline's form."""

    nav = "catalogue"

    async def release(self, avi: str, version: str | None) -> ReleaseView:
        """Return a release that the asker may run; by default the newest."""
        return await self.in_thread(self.release_now, avi, version)

    def release_now(self, avi: str, version: str | None) -> ReleaseView:
        """Return the same, for who is in a thread already."""
        found: ReleaseView = self.services.releases.usable(
            viewer=self.owner, avi=avi, version=version or None
        )
        return found

    async def with_files(self, form: PipelineForm) -> PipelineForm:
        """Return the form with some of the asker's files where it asks for one."""
        if not form.takes_files:
            return form
        return replace(form, files=await offered(self))

    def with_proposal(self, form: PipelineForm) -> PipelineForm:
        """Return the form with how much memory is proposed for these values; it blocks."""
        try:
            found = self.services.proposals.propose(
                owner=self.owner,
                groups=self.groups,
                avi=form.avi,
                pipeline=form.pipeline,
                parameters=form.values_so_far(),
            )
        except BadManifest:
            formula = form.pipeline.resources.memory
            return replace(
                form,
                proposal=Proposal(
                    sentence=f"The author's formula, {formula}, gives nothing for these values."
                ),
            )
        return replace(form, proposal=proposal_of(found, form.pipeline.resources.memory))

    def with_proposals_soon(self, forms: Sequence[PipelineForm]) -> list[PipelineForm]:
        """Return the same of an AVI's forms; where many runs are to be learned from first, a form asks once its page is shown; it blocks."""
        if not forms:
            return []
        pipelines = [form.pipeline for form in forms]
        quick = self.services.proposals.at_a_glance(forms[0].avi, pipelines)
        return [
            self.with_proposal(form) if form.pipeline.name in quick else replace(form, proposal=LATER)
            for form in forms
        ]


def pipeline_of(release: ReleaseView, name: str) -> PipelineSpec:
    """Return a pipeline that people run by itself."""
    for pipeline in release.spec.pipelines:
        if pipeline.name == name and not pipeline.hidden:
            return pipeline
    raise NotFound(f"{release.avi} {release.version} has no pipeline {name!r}.")


def proposal_of(found: MemoryProposal, formula: int | str | None) -> Proposal:
    """Say how much memory the job gets when its user chooses nothing, and where that comes from."""
    author, given = amount(found.author_mb), f" ({formula})" if found.author_source == "expression" else ""
    past = f"Past runs used {amount(found.past_mb)} MB at most" if found.past_mb else ""
    if found.source == "past_runs":
        whose = "The platform's default" if found.author_source == "default" else "The author's figure"
        sentence = f"{past}: {amount(found.memory_mb)} MB is proposed, and more if that runs out. {whose} is {author} MB{given}."
    elif found.author_source == "default":
        sentence = f"The platform's default is {author} MB. {past and past + '.'}".strip()
    else:
        sentence = f"The author proposes {author} MB{given}. {past and past + '.'}".strip()
    return Proposal(sentence=sentence, placeholder=as_text(found.memory_mb))


class _Told(NamedTuple):
    """What an AVI's page asks of the database."""

    seen: AviSeen
    forms: list[PipelineForm]
    server: ServerView | None
    pool: PoolView


class AviPage(FormPage):
    """An AVI: its interface, its pipelines, what its author says."""

    @override
    async def get(self, name: str) -> None:
        version, link = self.get_query_argument("version", ""), link_of(self)
        told = await self.in_thread(self._told, name, version, link)
        seen = told.seen
        release = seen.release
        self.render_page(
            "avi.html",
            avi=seen.avi,
            release=release,
            pinned=bool(version),
            versions=seen.versions,
            forms=[await self.with_files(form) for form in told.forms],
            link=link,
            with_values=with_values,
            citation=cited(self.context.config, release),
            favourite=seen.favourite,
            check=seen.check,
            me=self.owner,
            answers_only=seen.answers_only,
            answer=None,
            writes=self.owner in {seen.avi.owner, release.submitter},
            readme=await self._readme(release, title=seen.avi.title),
            server=told.server,
            grants=seen.grants,
            project=seen.has_project,
            pool=told.pool,
        )

    def _told(self, name: str, version: str, link: Mapping[str, str]) -> _Told:
        """Return all that the page asks of the database, in one way to a thread and back."""
        seen = self.services.avi_pages.of(viewer=self.owner, name=name, version=version or None)
        shown = [pipeline for pipeline in seen.release.spec.pipelines if not pipeline.hidden]
        linked = [PipelineForm.linked(seen.release, pipeline, link) for pipeline in shown]
        forms = self.with_proposals_soon(linked)
        return _Told(seen, forms, self.server_now(name), self.pool_now())

    async def _readme(self, release: ReleaseView, *, title: str) -> Markup:
        spec = release.spec
        return await self.context.file_threads(readme_page, spec.readme, title=title, cut=spec.readme_cut)


class PipelinePage(FormPage):
    """One pipeline's form: fresh, filled from another job, or with what was wrong in it."""

    @override
    async def get(self, name: str, pipeline: str) -> None:
        again = self.get_query_argument("again", "")
        if again:
            await self._show(await self._again(name, pipeline, again))
            return
        release = await self.release(name, self.get_query_argument("version", ""))
        await self._show(PipelineForm.linked(release, pipeline_of(release, pipeline), link_of(self)))

    @override
    async def post(self, name: str, pipeline: str) -> None:
        sent = self.sent()
        release = await self.release(name, sent.get("version"))
        form = PipelineForm.sent(release, pipeline_of(release, pipeline), sent).checked()
        if not form.valid:
            self.set_status(BadParameter.status_code)
            await self._show(form)
            return
        if await self.in_thread(self.services.answers.is_only, viewer=self.owner, avi=name):
            await self._answer(form)
            return
        if sent.get("anyway") != "true" and (offer := await self._offer(form, release)) is not None:
            await self._show(replace(form, offer=offer))
            return
        try:
            job = await self.in_thread(
                self.services.jobs.submit,
                owner=self.require(SUBMIT).name,
                groups=self.groups,
                request=form.submission(),
                release=release,
            )
        except GavipError as error:
            self.set_status(error.status_code)
            await self._show(form.refused(error))
            return
        self.go(f"jobs/{job.id}")

    async def _answer(self, form: PipelineForm) -> None:
        """Lead to a product of just these values, or tell which there are; nothing is run."""
        asked, profile = form.submission(), self.require(READ_PRODUCTS)
        found: AnswerView = await self.looking_whole(
            self.services.answers.ask,
            viewer=profile.name,
            groups=self.groups,
            avi=form.avi,
            ask=AnswerAsk(pipeline=form.pipeline.name, version=form.version, parameters=asked.parameters),
        )
        if found.answer and found.answer.product:
            self.go(f"products/{found.answer.product}")
            return
        await self._show(form, answer=found)

    async def _offer(self, form: PipelineForm, release: ReleaseView) -> Offer | None:
        """Return what the asker ran before of just this, or a product of it; None also while they have other files looked at."""
        try:
            parameters = check_parameters(form.pipeline.parameters, form.submission().parameters)
        except ParameterProblem:
            return None
        try:
            found: Offer | None = await self.looking_whole(
                self.services.offers.offer,
                owner=self.owner,
                groups=self.groups,
                release=release,
                pipeline=form.pipeline,
                parameters=parameters,
                products=READ_PRODUCTS in self.require().scopes,
            )
        except NoRoom:
            return None
        return found

    async def _again(self, avi: str, pipeline: str, again_of: str) -> PipelineForm:
        if not is_product(again_of):
            version, memory_mb = (self.get_query_argument(name, "") for name in ("version", "memory_mb"))
            return await self.in_thread(self._again_of_job, avi, pipeline, again_of, version, memory_mb)
        profile = self.require(READ_PRODUCTS)
        found: ProductAgainView = await self.looking_whole(
            self.services.again_products.look, viewer=profile.name, groups=profile.groups, product=again_of
        )
        if (found.avi, found.pipeline) != (avi, pipeline):
            raise NotFound(f"{again_of[:40]} was made by another pipeline, or what made it is not known.")
        release = await self.release(avi, self.get_query_argument("version", "") or found.version)
        taken = {one.parameter: one.yours for one in found.inputs}
        return PipelineForm.fresh(
            release,
            pipeline_of(release, pipeline),
            values={**found.parameters, **taken},
            again_of=again_of,
        )

    def _again_of_job(
        self, avi: str, pipeline: str, job_id: str, version: str, suggested: str
    ) -> PipelineForm:
        job = self.services.jobs.get(owner=self.owner, job=job_id)
        if (job.avi, job.pipeline) != (avi, pipeline):
            raise NotFound(f"{job_id} was a job of another pipeline.")
        release = self.release_now(avi, version or job.version)
        # A link may suggest another amount: what could start at once, or what would have been enough.
        memory = job.memory_mb if job.memory_source == "user" else None
        if suggested.isdecimal() and len(suggested) <= LONGEST_MEMORY:
            memory = int(suggested)
        return PipelineForm.fresh(
            release,
            pipeline_of(release, pipeline),
            values=job.parameters,
            memory_mb=memory,
            again_of=job.id,
            again_with_more_memory=job.again_with_more_memory,
        )

    async def _show(self, form: PipelineForm, *, answer: AnswerView | None = None) -> None:
        form, told = await self.in_thread(self._with_surroundings, form)
        self.render_page("pipeline.html", form=await self.with_files(form), answer=answer, **told)

    def _with_surroundings(self, form: PipelineForm) -> tuple[PipelineForm, dict[str, Any]]:
        """Return all that the page asks of the database, in one way to a thread and back."""
        told = {
            "avi_title": self.services.releases.title(viewer=self.owner, name=form.avi),
            "pool": self.pool_now(),
            "answers_only": self.services.answers.is_only(viewer=self.owner, avi=form.avi),
        }
        return self.with_proposals_soon([form])[0], told


class ChooseFilePage(PipelinePage):
    """A file is chosen for a field of a form, folder by folder; every button carries what else was typed."""

    @override
    async def get(self, name: str, pipeline: str) -> None:
        pipeline_of(await self.release(name, None), pipeline)
        self.go(f"avis/{name}/pipelines/{pipeline}")

    @override
    async def post(self, name: str, pipeline: str) -> None:
        sent = self.sent()
        release = await self.release(name, sent.get("version"))
        form = PipelineForm.sent(release, pipeline_of(release, pipeline), sent)
        field = form.file_field(sent.get("choose", ""))
        if "file" in sent:
            await self._show(form.with_file(field.spec.name, sent["file"]))
        elif "leave" in sent:
            await self._show(replace(form, chosen=field.spec.name))
        else:
            await self._choose(form, field, sent)

    async def _choose(self, form: PipelineForm, field: Field, sent: dict[str, str]) -> None:
        text = sent.get("find", "").strip() if "look" in sent else ""
        with self.context.reads.one(self.require(READ_FILES)):
            folder = await self._folder(sent.get("folder", field.text.rpartition("/")[0]))
            found = await self._find(text) if text else None
        self.render_page(
            "pipeline_file.html",
            form=form,
            field=field,
            folder=folder,
            above=above(folder.path),
            found=found,
            text=text,
        )

    async def _folder(self, path: str) -> FolderView:
        """Return a folder, or the top where there is none."""
        look = partial(self.services.files.folder, owner=self.owner, limit=MOST_FOLDERS)
        try:
            found: FolderView = await self.context.file_threads(look, path=path)
        except GavipError:
            found = await self.context.file_threads(look, path="")
        return found

    async def _find(self, text: str) -> FoundView:
        found: FoundView = await self.context.file_threads(
            self.services.files.find, owner=self.owner, path="", text=text
        )
        return found


class MemorySentence(FormPage):
    """The proposal of memory for values that are being typed, as a sentence; its MB, if any, in a header."""

    @override
    async def get(self, name: str, pipeline: str) -> None:
        release = await self.release(name, self.get_query_argument("version", ""))
        given = {key: self.get_query_argument(key) for key in self.request.query_arguments}
        form = PipelineForm.sent(release, pipeline_of(release, pipeline), given)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        proposal = (await self.in_thread(self.with_proposal, form)).proposal
        self.set_header(PROPOSED, proposal.placeholder)
        self.finish(plain(proposal.sentence))


def form_routes(avi: str) -> list[tuple[str, type[Any], dict[str, Any]]]:
    """Return their addresses, below that of an AVI."""
    pipeline = f"{avi}/pipelines/({_PIPELINE})"
    return [
        (avi, AviPage, {}),
        (pipeline, PipelinePage, {}),
        (f"{pipeline}/file", ChooseFilePage, {}),
        (f"{pipeline}/memory", MemorySentence, {}),
    ]
