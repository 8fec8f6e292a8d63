"""`/asyncapi.json` is made from the types, whole, and served. What it says of messages is held to the stories
of `tests/test_conversations.py`.
"""

import json
from typing import Any, get_args

import pytest

from handlers.asyncapi import document
from server.model.commands import OPERATIONS
from server.model.device_messages import DeviceMessage
from server.model.messages import ClientMessage, ServerMessage
from tests.api.client import Client
from tests.api.test_document import references

DOCUMENT = document()


def names(kinds: object) -> set[str]:
    return {kind.__name__ for kind in get_args(kinds)}


def told(operation: str) -> set[str]:
    return {one["$ref"].rpartition("/")[2] for one in DOCUMENT["operations"][operation]["messages"]}


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_every_message_of_each_socket_is_in_the_document_and_no_other() -> None:
    assert told("boardTells") == names(ClientMessage)
    assert told("boardIsTold") == names(ServerMessage)
    assert told("deviceTells") == names(DeviceMessage)
    assert told("deviceIsTold") == {"Stored", "CommandMessage", "ErrorMessage"}


def test_every_operation_has_the_schema_of_its_args() -> None:
    args = DOCUMENT["components"]["messages"]["Mutate"]["x-operations"]
    assert args.keys() == OPERATIONS.keys()
    assert resolved(args["task.move"]["$ref"])["properties"].keys() == {"task", "column", "after", "position"}


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        assert resolved(reference)


@pytest.mark.gen_test
async def test_the_document_is_served(client: Client) -> None:
    served = await client.get("/asyncapi.json")
    assert (served.status, served.body) == (200, json.loads(json.dumps(DOCUMENT)))
