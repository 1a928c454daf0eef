"""What git runs before and after it takes a push: tells the service, and prints what the service says.

Run by its path, by a Python that knows nothing of the platform: it starts in a few milliseconds.
"""

import http.client
import json
import os
import sys
from typing import Any
from urllib.parse import urlsplit

URL, SECRET = "GAVIP_PUSH_URL", "GAVIP_PUSH_SECRET"
SECONDS = 300
OK = 200


def main() -> int:
    """Return 0 where the push goes on."""
    updates = [
        dict(zip(("old", "new", "name"), line.rstrip("\n").split(" ", 2), strict=True)) for line in sys.stdin
    ]
    told: dict[str, Any] = {"updates": updates}
    if folder := os.environ.get("GIT_QUARANTINE_PATH"):
        told["pushed"] = os.path.basename(folder)  # noqa: PTH119 - pathlib takes longer than all the rest
    answer = asked(sys.argv[1], told)
    for line in answer["lines"]:
        print(line, file=sys.stderr)  # noqa: T201 - git sends it to who pushes
    return 0 if answer["is_taken"] else 1


def asked(stage: str, told: dict[str, Any]) -> Any:
    """Return the service's answer, or why there is none."""
    url = urlsplit(os.environ[URL])
    connection = http.client.HTTPConnection(url.netloc, timeout=SECONDS)
    headers = {"Authorization": f"Bearer {os.environ[SECRET]}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"{url.path}/{stage}", json.dumps(told), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {
            "is_taken": False,
            "lines": [f"The platform does not answer ({error}): push again in a minute."],
        }
    return body if answer.status == OK else {"is_taken": False, "lines": [body.get("message", "refused")]}


if __name__ == "__main__":
    sys.exit(main())
