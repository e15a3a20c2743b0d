"""Answers to requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flywheel.standins.codecs import json_lines
from flywheel.standins.codecs.requests import JSON
from flywheel.standins.codecs.responses import write_predictions
from flywheel.standins.contract import Request, Response
from flywheel.standins.ip_insights.events import read_request
from flywheel.standins.ip_insights.network import Network
from flywheel.standins.job import split_content_type

ACCEPTS = (JSON, json_lines.CONTENT_TYPE)


class Scores:
    """`{"dot_product": 0.0}` a pair, and the vectors where Accept has `verbose=True`."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def __call__(self, request: Request) -> Response:
        events = read_request(request)
        entities = self._network.encode_entities(events.entities)
        addresses = self._network.encode_addresses(events.addresses)
        rows: list[Mapping[str, Any]] = [
            {"dot_product": score} for score in (entities * addresses).sum(1)
        ]
        if _is_verbose(request.accept):
            rows = [
                {**row, "entity_embedding": entity, "ip_embedding": address}
                for row, entity, address in zip(rows, entities, addresses, strict=True)
            ]
        return write_predictions(rows, request.accept, accepts=ACCEPTS)


def _is_verbose(accept: str | None) -> bool:
    _, parameters = split_content_type(accept or "")
    return parameters.get("verbose", "").lower() == "true"
