"""What schemathesis is told beyond the description: who asks, and what JSON Schema cannot say of a valid request."""

import itertools
import os

import requests
import schemathesis

# Each key has a quota; together they have enough for a run.
KEYS = os.environ["CONTRACT_KEYS"].split(",")
# Somebody is always in this room.
ROOM = os.environ["CONTRACT_ROOM"]
API = os.environ["CONTRACT_API"]

asked = itertools.count()
made = itertools.count()


@schemathesis.auth(refresh_interval=None)
class OneOfTheKeys:
    def get(self, case, context):
        return KEYS[next(asked) % len(KEYS)]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context, case, kwargs):
    number = next(made)
    case.headers = case.headers or {}
    # Addresses have quotas too: each request comes from another one.
    case.headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    # A key stands for one request. That a second one with the same key is refused is tested beside the server.
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and 1 <= len(key) <= 255:
        case.headers["Idempotency-Key"] = f"request-{number}"
    # Nobody meets in a room that was only set up: schemathesis would take that for a room that got lost.
    if number % 2 == 0 or case.path.endswith("/captions"):
        into_the_live_room(case)


def into_the_live_room(case):
    """Valid names of rooms and seats seldom are those of somebody: every other request gets such."""
    parameters = case.path_parameters or {}
    is_valid = case.meta is None or case.meta.generation.mode.is_positive
    if not is_valid or "participants" not in case.path and not case.path.endswith(("/end", "/captions")):
        return
    people = requests.get(
        f"{API}/rooms/{ROOM}/participants",
        headers={"Authorization": f"Bearer {KEYS[next(asked) % len(KEYS)]}", "X-Forwarded-For": "10.255.0.1"},
        timeout=10,
    )
    if not people.ok:
        return
    parameters["room"] = ROOM
    if case.path.endswith("/captions") and isinstance(case.body, dict):
        # Who speaks is in the room, too.
        case.body.pop("speaker", None)
    if "participant" in parameters:
        parameters["participant"] = people.json()["items"][0]["participant"]


@schemathesis.hook
def filter_body(context, body):
    """Lengths in bytes: JSON Schema counts characters, and cannot count an object at all."""
    if not isinstance(body, dict):
        return True
    ids = [body.get("external_id"), body.get("subject")]
    are_short = all(not isinstance(text, str) or len(text) > 64 or len(text.encode(errors="replace")) <= 64 for text in ids)
    return are_short and len(str(body.get("metadata")).encode(errors="replace")) <= 200
