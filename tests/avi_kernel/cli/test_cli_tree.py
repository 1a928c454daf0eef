"""The tree of commands is the API document: nothing missing, and what is made by hand is written down here."""

import json
from collections.abc import Iterator

import click
import pytest

from avi_kernel import openapi
from avi_kernel.cli import main, operations, plugins
from avi_kernel.cli.special import special_operations
from gavip_hub.handlers.openapi import document
from gavip_hub.handlers.routes import API_HANDLERS
from tests.support.small_api import SmallApi, small_api
from tests.support.star_api import STAR_HANDLERS, Comets, Exploded

BY_HAND = {
    "admin": "the platform's files on this machine",
    "avi check": "a folder of this machine",
    "avi new": "a folder of this machine",
    "avi templates": "what came with the command",
    "avi update": "a folder of this machine",
    "completion": "this machine's shell",
    "data cp": "files of this machine",
    "demo": "a platform of this machine",
    "dev": "an AVI on this machine",
    "git-credential": "hidden: git's question for a token",
    "login": "a token for this machine",
    "logout": "a token of this machine",
    "part": "a platform of this machine",
    "quickstart": "a working copy on this machine",
    "up": "a platform of this machine",
}
"""Commands that no operation stands behind, and what they are about."""
MORE_THAN_THEIR_OPERATION = {"job.submit", "job.log", "image.download"}
"""They wait and follow, which takes several requests; or load what came into this machine's engine."""
NO_COMMANDS = {"openapi.get", "device.begin", "device.collect"}
"""Operations for people that are no commands: the document is read before there is any, and `login` asks the others."""


@pytest.fixture
def stars(home) -> Iterator[SmallApi]:
    with small_api(STAR_HANDLERS) as api:
        api.answers = {"GET /stars": [{"name": "Vega"}], "POST /stars": {"name": "Vega"}}
        yield api


def commands_of(made: dict) -> dict[str, click.Command]:
    """Return `job submit` -> command, of a whole document."""
    found = {}
    for group in openapi.group_summaries(made):
        command = operations.command(made, group)
        if isinstance(command, click.Group):
            found |= {f"{group} {name}": one for name, one in command.commands.items()}
        else:
            found[group] = command
    return found


REAL = document(API_HANDLERS, version="1")
REAL_COMMANDS = commands_of(REAL)


def wanted(made: dict) -> set[str]:
    """Return the ids of all operations of a document that are a person's, found without the command's own code."""
    return {
        what["operationId"]
        for methods in made["paths"].values()
        for what in methods.values()
        if what["security"] in ([], [{"person": []}])
    }


def test_every_operation_of_the_platform_has_its_command():
    made = {f"{one.group}.{one.name}" for one in openapi.operations(REAL)}
    asked = {
        openapi.singular(tag) + "." + name
        for tag, _, name in (one.partition(".") for one in wanted(REAL) - NO_COMMANDS)
    }
    assert made == asked
    assert len(REAL_COMMANDS) == len(asked)
    assert openapi.beyond_us(REAL) == []


def test_what_is_made_by_hand_is_written_down_here():
    joined = {
        f"{group} {name}" for group, target in main._JOINED.items() for name in plugins.attribute(target)
    }
    assert {*main._OWN, *main._HIDDEN, *plugins.commands(), *joined} == set(BY_HAND)
    assert set(special_operations()) == MORE_THAN_THEIR_OPERATION


@pytest.mark.parametrize("name", REAL_COMMANDS)
def test_every_command_and_every_parameter_has_help_and_a_type(name):
    command = REAL_COMMANDS[name]
    assert command.help
    assert len(command.help) > 5
    for parameter in command.params:
        assert isinstance(parameter.type, click.ParamType)
        assert parameter.help, parameter.name
        # A sentence of its own, not the name once more.
        assert parameter.help.lower() not in {parameter.name, parameter.name.replace("_", " ")}, (
            parameter.name
        )


@pytest.mark.parametrize("name", REAL_COMMANDS)
def test_every_parameter_of_an_operation_is_one_of_its_command(name):
    operation = next(
        one for one in openapi.operations(REAL) if name in {f"{one.group} {one.name}", one.group}
    )
    names = {parameter.name for parameter in REAL_COMMANDS[name].params}
    asked = {each["name"] for each in operation.what["parameters"]}
    body = openapi.Schemas(REAL).body_of(operation.what).get("properties", {})
    assert asked | set(body) <= names


def test_an_operation_is_a_command_with_types_choices_and_help(types, stars):
    shown = types("--url", stars.url, "star", "make", "--help").output
    assert "Make a star." in shown
    assert "NAME" in shown
    assert "What it is called." in shown
    assert "[red|blue]" in shown
    assert "<=x<=30" in shown
    assert "--variable / --no-variable" in shown
    assert "NAME=VALUE" in shown


def test_values_travel_as_their_types(types, stars):
    arguments = (
        "Vega",
        "--colour",
        "blue",
        "--magnitude",
        "0.03",
        "--variable",
        "-l",
        "of=Lyra",
        "--planets",
        "a",
    )
    assert types("--url", stars.url, "star", "make", *arguments).exit_code == 0
    assert json.loads(stars.bodies[-1]) == {
        "name": "Vega",
        "colour": "blue",
        "magnitude": 0.03,
        "variable": True,
        "labels": {"of": "Lyra"},
        "planets": ["a"],
    }


def test_a_value_that_the_document_excludes_is_refused_before_it_is_sent(types, stars):
    ran = types("--url", stars.url, "star", "list", "--limit", "21")
    assert ran.exit_code == 2
    assert "1<=x<=20" in ran.output
    assert stars.asked == ["GET /openapi.json"]


def test_a_new_operation_is_a_command_at_once(types, stars):
    assert types("--url", stars.url, "star", "list").exit_code == 0
    stars.handlers = (*STAR_HANDLERS, Exploded)
    stars.answers["POST /stars/s1/explosion"] = {"name": "nova"}
    ran = types("--url", stars.url, "star", "explode", "s1", "nova")
    assert ran.exit_code == 0
    assert ran.stdout.split() == ["name", "nova"]
    assert "explode" in types("--url", stars.url, "star", "--help").output


def test_a_new_group_is_a_command_at_once(types, stars):
    stars.answers["GET /comets"] = [{"name": "Halley"}]
    assert types("--url", stars.url, "star", "list").exit_code == 0
    stars.handlers = (*STAR_HANDLERS, Comets)
    assert "Halley" in types("--url", stars.url, "comet").stdout
    assert "comet" in types("--url", stars.url, "--help").output


def test_a_group_of_the_platform_joins_an_installed_one_of_its_name(types, stars):
    added = {"get": {"operationId": "admin.people", "summary": "List people", "responses": {}}}
    stars.changes = {"paths": {**stars.document()["paths"], "/people": added}}
    stars.answers["GET /people"] = [{"name": "ann"}]
    types("--url", stars.url, "star", "list")
    assert "ann" in types("--url", stars.url, "admin", "people").output
    assert "password" in types("--url", stars.url, "admin", "--help").output


def test_names_without_a_dot_and_none_at_all_are_commands_too():
    paths = {
        "/moons": {"get": {"operationId": "list_moons", "tags": ["moons"]}},
        "/moons/{moon}": {"get": {}},
    }
    assert set(commands_of({"paths": paths})) == {"moon list-moons", "api get-moons-moon"}
