"""`make prices`: the table again, from the AWS Price List API.

What the API does not answer keeps its price and is said: the names that it uses for what is sold
differ from service to service, and change.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flywheel.errors import UserError
from flywheel.review.costs.prices import PRICES_FILE, read_prices

API_REGION = "us-east-1"
"""The Price List API answers in a few regions only, for all. Source: AWS Billing User Guide."""
_INSTANCE = re.compile(r"(?:^|-)Host:(?P<type>ml\.[a-z0-9-]+\.[a-z0-9]+)$")


@dataclass(frozen=True)
class Offer:
    """How the Price List API calls a price of the table.

    Attributes:
        service: its ServiceCode.
        usage: what its usagetype ends in.
        units: how many of the API's units the table's unit is.
    """

    service: str
    usage: str
    units: float = 1.0


OFFERS = {
    "api-gateway-rest": Offer("AmazonApiGateway", "ApiGatewayRequest", 1e6),
    "athena": Offer("AmazonAthena", "DataScannedInTB"),
    "cloudwatch-alarm": Offer("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "cloudwatch-dashboard": Offer("AmazonCloudWatch", "DashboardsUsageHour"),
    "cloudwatch-logs": Offer("AmazonCloudWatch", "DataProcessing-Bytes"),
    "emr-serverless-memory": Offer("ElasticMapReduce", "EMR-SERVERLESS-MemoryGBHours"),
    "emr-serverless-vcpu": Offer("ElasticMapReduce", "EMR-SERVERLESS-vCPUHours"),
    "kms-key": Offer("awskms", "KMS-Keys"),
    "nat-gateway": Offer("AmazonEC2", "NatGateway-Hours"),
    "s3-put": Offer("AmazonS3", "Requests-Tier1", 1000),
    "s3-storage": Offer("AmazonS3", "TimedStorage-ByteHrs"),
    "sagemaker-endpoint-data": Offer("AmazonSageMaker", "Host:Data-Bytes-In"),
    "step-functions": Offer("AmazonStates", "StateTransition", 1000),
    "vpc-endpoint": Offer("AmazonVPC", "VpcEndpoint-Hours"),
}


def refresh(
    pricing: Any,
    *,
    region: str,
    today: str,
    say: Callable[[str], None],
    file: Path = PRICES_FILE,
) -> None:
    """Write the table again with the prices of a region.

    Args:
        pricing: boto3's client of the Price List API, in `API_REGION`.
        region: Whose prices.
        today: The date that the table gets.
        say: Told what changed, and what the API does not have.
        file: The table.

    Raises:
        UserError: the API cannot be asked, or has nothing for this region.
    """
    table = json.loads(file.read_text(encoding="utf-8"))
    known = read_prices(file)
    try:
        offered = {
            code: dict(_prices(pricing, code, region))
            for code in sorted({offer.service for offer in OFFERS.values()})
        }
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"AWS's Price List API cannot be asked: {error} Log in to an account (`aws sso login`) "
            "whose role may do pricing:GetProducts. The table stays as it is."
        ) from error
    instances = {
        match["type"]: price
        for usage, price in offered["AmazonSageMaker"].items()
        if (match := _INSTANCE.search(usage))
    }
    if not instances:
        raise UserError(
            f"AWS's Price List API has no SageMaker prices for {region}; is it a region? The table "
            "stays as it is."
        )
    for name, offer in OFFERS.items():
        found = [p for usage, p in offered[offer.service].items() if _is_of(usage, offer.usage)]
        if not found:
            say(f"{name}: not offered as {offer.usage}; ${known.of(name):g} is kept")
            continue
        price = round(max(found) * offer.units, 8)
        if price != known.of(name):
            say(f"{name}: ${price:g} instead of ${known.of(name):g} a {known.unit(name)}")
        table["services"][name]["price"] = price
    table |= {
        "date": today,
        "region": region,
        "source": "AWS Price List API",
        "instances": dict(sorted(instances.items())),
        "estimated": {k: v for k, v in table["estimated"].items() if k not in instances},
    }
    file.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    read_prices.cache_clear()
    say(f"{len(instances)} instance types and {len(OFFERS)} services of {region}.")


def _prices(pricing: Any, service: str, region: str) -> Iterator[tuple[str, float]]:
    """usagetype → US dollars on demand; of tiers the dearest, which the first units cost."""
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode=service,
        Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
    )
    for page in pages:
        for text in page["PriceList"]:
            product = json.loads(text)
            usage = product["product"]["attributes"].get("usagetype", "")
            amounts = [
                float(dimension["pricePerUnit"].get("USD", 0))
                for term in product.get("terms", {}).get("OnDemand", {}).values()
                for dimension in term["priceDimensions"].values()
            ]
            if usage and amounts:
                yield usage, max(amounts)


def _is_of(usage: str, ending: str) -> bool:
    """Whether a usagetype is `ending`, alone or after the region's short name: EUW1-KMS-Keys."""
    return usage == ending or usage.endswith(f"-{ending}")
