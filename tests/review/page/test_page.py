"""What the page says, and what it never does."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from flywheel.review import Environment, review
from flywheel.review.page import as_html
from flywheel.review.verdict import PropertyChange, Review
from tests.review.page.conftest import Page
from tests.review.page.examples import CHECKS, COSTS, QUOTAS, many
from tests.review.planting import grant, put
from tests.review.plants import PLANTS
from tests.review.world import STRANGER, judge, statement, templates

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Reader(HTMLParser):
    """A page's elements and texts; complains where they are not closed as they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.update(name for name, _ in attrs)
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def said(verdict: Review) -> str:
    """All words of a verdict's page."""
    return Reader(as_html(verdict)).text


@pytest.mark.parametrize("name", ["careless", "compared", "fresh"])
def test_the_page_is_whole_and_points_to_nothing_outside_of_itself(
    name: str, request: pytest.FixtureRequest
) -> None:
    page: Page = request.getfixturevalue(name)
    reader = Reader(page.html)
    assert [each for each, count in Counter(reader.ids).items() if count > 1] == []
    assert [each for each in reader.links if each[1:] not in reader.ids] == []
    assert not re.search(r"url\(\s*['\"]?(?!#)", page.html)
    assert set(re.findall(r"https?://[^\s\"'<&]+", page.html)) <= {"http://www.w3.org/2000/svg"}


def test_the_page_forbids_itself_everything_but_its_own_style(careless: Page) -> None:
    reader = Reader(careless.html)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert f'http-equiv="Content-Security-Policy" content="{policy}' in careless.html
    assert reader.tags["script"] == 0
    assert [each for each in reader.attributes if each.startswith("on")] == []


def test_what_stands_in_a_template_is_shown_as_text_wherever_it_stands() -> None:
    evil = "</style></details><script>alert(1)</script><img src=x onerror=alert(2)>"
    before = templates()
    before["Serving"]["Resources"]["Rights"]["Metadata"] = {"path": f"Serving/{evil}"}
    after = templates()
    after["Serving"]["Resources"]["Rights"]["Metadata"] = {"path": f"Serving/{evil}"}
    put("Serving.Group.Properties.ModelPackageGroupDescription", evil)(after)
    put("Lake.Raw.Properties.Tags", [{"Key": evil, "Value": evil}])(after)
    grant(
        statement("s3:GetObject", f"arn:aws:s3:::x/{evil}", Condition={"StringLike": {evil: evil}})
    )(after)
    verdict = judge(after, before).model_copy(
        update={
            "costs": COSTS.model_copy(
                update={"prices": COSTS.prices.model_copy(update={"source": evil})}
            ),
            "quotas": QUOTAS.model_copy(update={"source": evil}),
            "checks": CHECKS.model_copy(
                update={"packs": (CHECKS.packs[0].model_copy(update={"name": evil}),)}
            ),
            "against": evil,
        }
    )
    html = as_html(verdict)
    reader = Reader(html)
    assert reader.tags["script"] == reader.tags["img"] == 0
    assert html.count("<style>") == html.count("</style>") == 1
    assert reader.text.count("<script>alert(1)</script>") > 5


def test_the_same_verdict_gives_the_same_bytes(careless: Page) -> None:
    assert as_html(careless.verdict, careless.pictures) == careless.html


def test_the_verdict_stands_on_top_with_what_blocks_it_and_its_numbers(careless: Page) -> None:
    text = Reader(careless.html).text
    top = text[text.index("Infrastructure review") : text.index("What stands out")]
    assert (
        "dev against main Blocked By 3 findings: check failed, data lost and outsider admitted."
        in top
    )
    assert "replaced, 1 lost, 2 widenings, +$150.50 a month at rest" in top
    assert "1 new from outside" in top
    assert "1 quota too small 1 failed check" in top


@pytest.mark.parametrize(
    ("level", "blocked", "kind", "answer"),
    [
        ("danger", True, "update", "Blocked"),
        ("danger", False, "update", "May merge, after a decision"),
        ("look", False, "update", "May merge, after a look"),
        ("routine", False, "update", "May merge"),
        ("nothing", False, "update", "May merge: nothing changes"),
        ("look", False, "comparison", "They differ: look at these"),
    ],
)
def test_each_level_has_its_answer(level: str, blocked: bool, kind: str, answer: str) -> None:
    verdict = Review.model_validate(
        {"environment": "prod", "against": "main", "kind": kind, "level": level, "blocked": blocked}
    )
    assert f"<title>{answer}: prod against main</title>" in as_html(verdict)


def test_what_was_not_looked_at_is_said() -> None:
    assert "Not part of this review: costs, quotas and checks." in said(judge(templates()))
    whole = judge(templates()).model_copy(
        update={"costs": COSTS, "quotas": QUOTAS, "checks": CHECKS}
    )
    assert "Not part of" not in said(whole)


def test_what_does_not_change_is_not_shown() -> None:
    after = templates()
    put("Lake.Log.Properties.RetentionInDays", 30)(after)
    text = said(judge(after))
    changes = text[text.index("Resources by stack") : text.index("Who may do what Nobody")]
    assert "Lake/ Log" in changes
    assert "RetentionInDays 365 30" in changes
    assert "Raw" not in changes
    assert "Serving" not in changes


def test_a_replaced_resource_says_what_is_lost_and_what_goes_with_it() -> None:
    after = templates()
    put("Lake.Named.Properties.BucketName", "other")(after)
    text = said(judge(after))
    assert "the old one is deleted, and with it its objects and all their versions" in text
    assert "BucketName replaces flywheel-prod-named other" in text


def test_long_values_show_where_they_differ() -> None:
    after, before = templates(), templates()
    long = "x" * 400
    put("Lake.Spark.Properties.Name", f"{long}old{long}")(before)
    put("Lake.Spark.Properties.Name", f"{long}new{long}")(after)
    html = as_html(judge(after, before))
    assert f"<del>old</del>{'x' * 40}<span" in html
    assert f"{'x' * 40}<ins>new</ins>" in html
    assert "x" * 60 not in html


def test_rights_are_told_in_words_and_widenings_are_marked() -> None:
    after = templates()
    grant(statement(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::elsewhere/*"))(after)
    trust = "Serving.Role.Properties.AssumeRolePolicyDocument.Statement.0.Principal"
    put(trust, {"AWS": STRANGER})(after)
    text = said(judge(after))
    rights = text[text.index("Who may do what wider") :]
    assert "+ new may read and write s3:GetObject s3:PutObject S3 elsewhere/ * always" in rights
    assert "+ new IAM root in account 999999999999 may take on the role" in rights
    assert "who may take it on" in rights
    assert "− gone sagemaker.amazonaws.com may take on the role" in rights
    assert "new IAM root in account 999999999999 Serving/ Role sts:AssumeRole" in rights


def test_a_wildcard_stands_with_its_reason_or_with_its_lack_of_one(fresh: Page) -> None:
    reasons = {reason for each in fresh.verdict.wildcards for reason in each.reasons}
    text = Reader(fresh.html).text
    assert reasons
    assert all(" ".join(reason.split()) in text for reason in reasons)
    after = templates()
    grant(statement("sns:Publish", "*"))(after)
    assert "Resource::* Nobody has acknowledged it." in said(judge(after))


def test_costs_quotas_and_checks_are_shown_where_the_verdict_has_them(careless: Page) -> None:
    text = Reader(careless.html).text
    assert "At rest, a month $100.00 → $250.50 +$150.50" in text
    assert "AWS list prices (us-east-1), of 2026-07-30" in text
    assert "ml.m5.xlarge, 2 instances Serving/Config at rest, a month 1,460 hours $0.0000" in text
    assert "review.costs.training_minutes 5 one training job" in text
    assert "1 quota is too small" in text
    assert "ml.g5.xlarge for endpoint usage sagemaker, L-1 – 16 0 Serving, twice" in text
    assert "AwsSolutions: 1 open finding AwsSolutions-S1 Lake/ Raw The bucket has no" in text
    assert "AWS offers no resource for this action. components/role.py:12" in text


def test_code_is_shown_as_the_difference_of_its_files_and_only_once(careless: Page) -> None:
    html = careless.html
    assert html.count('<span class="out">-    max_depth: int\n</span>') == 1
    assert html.count('<span class="in">+    max_levels: int\n</span>') == 1


def test_forty_workloads_are_shown_as_one_where_they_change_alike() -> None:
    before, after = many(templates(), 40), many(templates(), 40)
    for number in range(40):
        put(f"W{number}Lake.Log.Properties.RetentionInDays", 30 if number != 7 else 7)(after)
        put(f"W{number}Serving.Role.Properties.MaxSessionDuration", 7200)(after)
    verdict = judge(after, before)
    html = as_html(verdict)
    text = Reader(html).text
    assert len(verdict.stacks) == 80
    assert text.count("the same in 38 other workloads") >= 1
    assert text.count("RetentionInDays 365 30") == 1
    assert text.count("RetentionInDays 365 7") == 1
    assert "W0Lake and 38 like it" in text
    assert len(html) < 250_000


def test_every_plant_has_a_page(tmp_path: Path) -> None:
    for plant in PLANTS:
        after = templates()
        plant.change(after)
        text = Reader(as_html(judge(after))).text.replace("/ ", "/")
        for _, path in plant.findings:
            assert path in text


def test_an_environment_beside_another_is_not_told_as_a_change(
    dev: Environment, prod: Environment
) -> None:
    text = said(review(dev, prod, against="dev"))
    assert "What differs" in text
    assert "What changes" not in text
    assert "prod beside dev" in text
    assert " replaced" not in text[: text.index("Resources by stack")]


def test_a_value_of_any_shape_is_shown() -> None:
    verdict = judge(templates())
    for before, after in (
        (None, {"a": [1, None]}), ([], ["may do this"]), ("", "x"), (["a b"], ["c d", "e f"]),
        ({"k": "v" * 500}, None), (True, False), ("same start a", "same start b"),
    ):  # fmt: skip
        change = PropertyChange(path="P", before=before, after=after)
        page = verdict.model_copy(
            update={
                "stacks": (
                    verdict.stacks[0].model_copy(update={"settings": (change,)})
                    if verdict.stacks
                    else _stack(change),
                )
            }
        )
        assert "The stack itself" in said(page)


def _stack(change: PropertyChange) -> object:
    from flywheel.review.verdict import StackChange

    return StackChange(stack="Lake", name="prod-Lake", action="changed", settings=(change,))
