"""Who is seen at which internet address.

Generated: which addresses are seen is drawn at random. Real: the country that each one's network
belongs to. Source: maxminddb-geolite2's GeoLite2 City of July 2018, MaxMind, CC BY-SA 4.0.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address

import maxminddb  # type: ignore[import-not-found]  # only in the data's own environment

from flywheel.samples.files import File, csv_body, deal, package_folder

NUM_EVENTS = 24_000
MAX_SHARE = 0.05
"""Of one country; otherwise two of five addresses would be American."""
SEED = 2018


def events() -> Iterator[File]:
    """Pairs of a country and an address of one of its networks."""
    path = package_folder("_maxminddb_geolite2") / "GeoLite2-City.mmdb"
    drawn = random.Random(SEED)  # noqa: S311  not a secret
    seen: Counter[str] = Counter()
    pairs: list[tuple[str, str]] = []
    with maxminddb.open_database(path) as networks:
        while len(pairs) < NUM_EVENTS:
            address = str(IPv4Address(drawn.getrandbits(32)))
            found = networks.get(address)
            country = found.get("country") if isinstance(found, dict) else None
            code = country.get("iso_code") if isinstance(country, dict) else None
            if isinstance(code, str) and seen[code] < MAX_SHARE * NUM_EVENTS:
                seen[code] += 1
                pairs.append((code, address))
    drawn.shuffle(pairs)
    for month, part in deal(pairs):
        yield f"events/month={month}/events.csv", csv_body(("entity", "address"), part)
