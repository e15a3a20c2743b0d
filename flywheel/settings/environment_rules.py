"""Rules between the settings of an environment."""

import ipaddress
from collections.abc import Iterator

from flywheel.settings.rules import Broken, Rule, Values, unique

RESERVED_ADDRESSES = 5
"""In each subnet. Source: Amazon VPC User Guide, "Subnet CIDR blocks"."""
ADDRESSES_FOR_JOBS = 16
"""In each zone, for training, processing and Spark jobs and for endpoint instances."""


def _network_has_room(values: Values) -> Iterator[Broken]:
    network = ipaddress.ip_network(values("network", "cidr"))
    zones = values.get("network", "max_azs", default=2)
    endpoints = len(values.get("network", "interface_endpoints", default=()))
    needed = RESERVED_ADDRESSES + endpoints + ADDRESSES_FOR_JOBS
    parts = 1 << (zones - 1).bit_length()
    if network.num_addresses // parts < needed:
        size = 32 - (needed * parts - 1).bit_length()
        yield Broken(
            ("network", "cidr"),
            f"each of {zones} zones must have {needed} addresses: {endpoints} for interface "
            f"endpoints, {ADDRESSES_FOR_JOBS} for jobs, {RESERVED_ADDRESSES} that AWS keeps",
            f"A /{size} is large enough.",
        )


ENVIRONMENT_RULES: tuple[Rule, ...] = (
    _network_has_room,
    unique("network", "interface_endpoints"),
    unique("review", "blocking"),
)
