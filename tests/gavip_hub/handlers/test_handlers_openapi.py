import re

import pytest

from gavip_hub.handlers.openapi import API, document
from gavip_hub.handlers.operations import BYTES, METHODS, ApiHandler, operations_of
from gavip_hub.handlers.routes import API_HANDLERS, all_routes

CONTRACT = """
GET /openapi.json  GET /avi.schema.json  GET /health  GET /health/live  GET /me  GET /avis  GET /avis/{avi}  GET /avis/{avi}/releases
GET /avis/{avi}/releases/{version}  POST /avis/{avi}/releases/{version}  POST /avis/{avi}/releases
POST /avis/{avi}/favourite  DELETE /avis/{avi}/favourite
GET /avis/{avi}/releases/{version}/check  POST /avis/{avi}/releases/{version}/check  POST /avis/{avi}/releases/{version}/build
GET /projects  POST /projects  GET /projects/{avi}  POST /projects/{avi}  POST /projects/{avi}/releases  POST /projects/{avi}/members
DELETE /projects/{avi}/members  GET /projects/{avi}/import  POST /projects/{avi}/import  GET /projects/{avi}/mirror  POST /projects/{avi}/mirror  DELETE /projects/{avi}/mirror  POST /pushes/self/check  POST /pushes/self/take  GET /avis/{avi}/grants  POST /avis/{avi}/grants
DELETE /avis/{avi}/grants  POST /device  POST /device/token  GET /data  GET /data/content  GET /data/preview  GET /data/digest  DELETE /data  GET /data/found  GET /data/zip  POST /data/folders
POST /data/moves  POST /data/copies  GET /data/bin  DELETE /data/bin  POST /data/bin/{deleted}  DELETE /data/bin/{deleted}  GET /data/uploads  POST /data/uploads  POST /data/uploads/{upload}
DELETE /data/uploads/{upload}  POST /data/uploads/{upload}/finish  GET /servers  POST /servers  DELETE /servers/{server}
GET /servers/{server}/wait  POST /servers/{server}/keep  POST /servers/self/presence
GET /jobs  POST /jobs  GET /jobs/{id}  POST /jobs/{id}/start  POST /jobs/{id}/cancel  DELETE /jobs/{id}
GET /jobs/{id}/provenance  GET /jobs/{id}/prov  GET /jobs/{id}/crate  GET /jobs/{id}/crate/files  GET /jobs/{id}/inputs  GET /jobs/{id}/again
POST /jobs/{id}/again  GET /jobs/{id}/comparison
GET /jobs/{id}/events  GET /jobs/{id}/log  GET /jobs/{id}/results  GET /jobs/{id}/results/{result}  GET /jobs/{id}/results/{result}/preview
GET /images  GET /images/{image}  POST /images/{image}  GET /images/{image}/archive
GET /packages  GET /templates  POST /templates  GET /templates/{template}  POST /templates/{template}
GET /products  POST /products  GET /products/{product}  POST /products/{product}  DELETE /products/{product}
GET /products/{product}/files  GET /products/{product}/content  GET /products/{product}/zip  GET /products/{product}/shares  POST /products/{product}/shares
DELETE /products/{product}/shares/{share}
GET /products/{product}/prov  GET /products/{product}/crate  GET /products/{product}/crate/files
GET /products/{product}/again  POST /products/{product}/again  POST /avis/{avi}/answers
GET /pools  GET /policy  POST /policy  GET /jobs/{id}/wait  GET /jobs/{id}/usage  GET /events  GET /attempts/self  POST /attempts/self/progress  POST /attempts/self/outcome
"""

NO_BODY = {
    *("/jobs/{id}/start", "/jobs/{id}/cancel"),
    *("/servers/{server}/keep", "/data/uploads/{upload}/finish"),
    "/avis/{avi}/releases/{version}/check",
    "/avis/{avi}/releases/{version}/build",
    "/images/{image}",
    "/data/bin/{deleted}",
    "/avis/{avi}/favourite",
}
MADE_FIRST = {"/images/{image}/archive"}
"""Files that 202 is answered for until they are made."""
OF_BYTES = {"/data/uploads/{upload}"}
PROGRESS = "/attempts/self/progress"


@pytest.fixture(scope="module")
def made():
    return document(API_HANDLERS, version="1")


def operations(made):
    return [(path, method, one) for path, methods in made["paths"].items() for method, one in methods.items()]


def references(value):
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_document_has_all_operations_of_the_contract(made):
    wanted = set(re.findall(r"(GET|POST|DELETE) (\S+)", CONTRACT))
    assert {(method.upper(), path) for path, method, _ in operations(made)} == wanted


def test_every_method_of_every_api_route_is_documented():
    served = [handler for pattern, handler, *_ in all_routes() if pattern.startswith(API)]
    assert set(served) == set(API_HANDLERS)
    for handler in served:
        assert issubclass(handler, ApiHandler)
        own = {name for name in METHODS if name in vars(handler)}
        assert own == {name for name, _ in operations_of(handler)}, handler


def test_every_operation_has_a_name_a_summary_and_an_answer_of_its_own(made):
    found = [one for _, _, one in operations(made)]
    assert len({one["operationId"] for one in found}) == len(found)
    for path, _, one in operations(made):
        assert re.fullmatch(r"[a-z]+\.[a-z]+", one["operationId"])
        assert one["summary"]
        success = [status for status in one["responses"] if status.startswith("2")]
        assert success == ["200", "202"] if path in MADE_FIRST else len(success) == 1
        answer = one["responses"][success[0]]
        assert answer["description"]
        assert success == ["204"] or answer["content"]


def test_every_write_with_a_body_has_its_schema(made):
    for path, method, one in operations(made):
        if path in NO_BODY:
            assert "requestBody" not in one
        elif path in OF_BYTES:
            assert "requestBody" not in one or list(one["requestBody"]["content"]) == [BYTES]
        elif method == "post":
            schema = one["requestBody"]["content"]["application/json"]["schema"]
            assert schema["$ref"].rpartition("/")[2] in made["components"]["schemas"]


def test_a_body_is_needed_unless_an_empty_one_says_enough(made):
    needed = {path: made["paths"][path]["post"]["requestBody"]["required"] for path in ("/jobs", PROGRESS)}
    assert needed == {"/jobs": True, PROGRESS: False}


def test_every_reference_leads_somewhere(made):
    known = {f"#/components/schemas/{name}" for name in made["components"]["schemas"]}
    assert set(references(made)) <= known


def test_parts_of_a_path_are_declared(made):
    for path, _, one in operations(made):
        declared = {p["name"] for p in one["parameters"] if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_every_parameter_and_every_field_that_people_give_has_a_meaning(made):
    bare = [
        f"{one['operationId']} {name}"
        for _, _, one in operations(made)
        if {"person": []} in one["security"]
        for name, what in [
            *((parameter["name"], parameter | parameter["schema"]) for parameter in one["parameters"]),
            *_fields(made, one).items(),
        ]
        if not (what.get("description") or any(each.get("description") for each in what.get("anyOf", [])))
    ]
    assert bare == []


def _fields(made, one):
    content = one.get("requestBody", {}).get("content", {}).get("application/json")
    name = content["schema"]["$ref"].rpartition("/")[2] if content else None
    return made["components"]["schemas"][name]["properties"] if name else {}


def test_only_health_the_document_itself_and_signing_in_need_no_sign_in(made):
    public = {path for path, _, one in operations(made) if not one["security"]}
    assert public == {
        "/health",
        "/health/live",
        "/openapi.json",
        "/avi.schema.json",
        "/device",
        "/device/token",
    }


def test_queries_show_their_limits_and_choices(made):
    asked = {p["name"]: p["schema"] for p in made["paths"]["/jobs"]["get"]["parameters"]}
    assert asked["limit"]["maximum"] == 200
    assert "COMPLETED" in str(asked["phase"])


async def test_it_is_served_with_a_tag_that_saves_the_second_time(service):
    async with service.client() as client:
        first = await client.get("/openapi.json")
        again = await client.get("/openapi.json", headers={"If-None-Match": first.headers["Etag"]})
    assert first.json()["openapi"] == "3.1.0"
    assert (again.status_code, again.content) == (304, b"")
