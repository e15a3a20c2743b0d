"""The comment on a pull request."""

import zipfile
from pathlib import Path

from markdown_it import MarkdownIt

from flywheel.review.markdown import MAX_CHARACTERS, as_markdown
from tests.review.page.examples import CHECKS, COSTS, QUOTAS, many
from tests.review.planting import grant, put
from tests.review.plants import PLANTS
from tests.review.world import NEW_HASH, OLD_HASH, judge, statement, templates


def test_the_gravest_comes_first_and_says_that_it_blocks() -> None:
    after = templates()
    put("Lake.Log.Properties.RetentionInDays", 30)(after)
    del after["Lake"]["Resources"]["Scratch"]
    lines = as_markdown(judge(after)).splitlines()
    assert lines[0] == "## prod against main"
    assert lines[2] == "🔴 **Blocked.** This needs a decision."
    assert lines[4] == "**0 replaced, 1 lost, 0 widenings**"
    assert lines[6].startswith("- 🔴 `Lake/Scratch`: AWS::S3::Bucket: It is deleted")
    assert lines[6].endswith("*(blocks)*")
    assert lines[7].startswith("- 🟡 `Lake/Log`: AWS::Logs::LogGroup: Its log is kept for 30 days")


def test_a_property_is_shown_before_and_after() -> None:
    after = templates()
    put("Lake.Named.Properties.BucketName", "other")(after)
    text = as_markdown(judge(after))
    assert "`BucketName`: `flywheel-prod-named` → `other` **(replaces)**" in text


def test_code_is_shown_as_a_diff_that_no_fence_in_it_can_close(tmp_path: Path) -> None:
    for digest, text in ((OLD_HASH, "a\n"), (NEW_HASH, "```\n")):
        with zipfile.ZipFile(tmp_path / digest, "w") as archive:
            archive.writestr("train.py", text)
    after = templates()
    put("Serving.Code.Properties.Code.S3Key", f"{NEW_HASH}.zip")(after)
    text = as_markdown(judge(after, assets=tmp_path))
    fences = [each for each in MarkdownIt().parse(text) if each.type == "fence"]
    assert [(each.info, each.content) for each in fences] == [("diff", "@@ -1 +1 @@\n-a\n+```\n")]


def test_what_stands_in_a_template_is_never_taken_for_markup() -> None:
    after = templates()
    evil = "</details><script>alert(1)</script> @everyone"
    put("Serving.Group.Properties.ModelPackageGroupDescription", evil)(after)
    grant(statement("s3:GetObject", f"arn:aws:s3:::x/{evil}"))(after)
    html = MarkdownIt("commonmark", {"html": True}).render(as_markdown(judge(after)))
    assert "<script>" not in html
    assert "@&#8203;everyone" in as_markdown(judge(after))
    assert html.count("<details>") == html.count("</details>")


def test_a_comment_is_never_longer_than_github_takes() -> None:
    after = templates()
    grant(
        *(statement("s3:GetObject", f"arn:aws:s3:::bucket-{n}/{'x' * 90}/*") for n in range(900))
    )(after)
    text = as_markdown(judge(after))
    assert len(text) <= MAX_CHARACTERS
    assert "too long for a comment" in text


def test_what_must_be_said_is_said_even_where_the_rest_is_too_long() -> None:
    after = templates()
    grant(
        *(statement("s3:GetObject", f"arn:aws:s3:::bucket-{n}/{'x' * 90}/*") for n in range(900))
    )(after)
    del after["Lake"]["Resources"]["Scratch"]
    verdict = judge(after).model_copy(update={"costs": COSTS, "quotas": QUOTAS, "checks": CHECKS})
    text = as_markdown(verdict)
    assert len(text) <= MAX_CHARACTERS
    assert text.index("`Lake/Scratch`") < text.index("### What it costs")
    assert text.count("<details>") == text.count("</details>")
    assert "the page and the JSON have all of it" in text.splitlines()[-1]


def test_costs_stand_before_and_after_and_name_the_stacks_that_differ() -> None:
    text = as_markdown(judge(templates()).model_copy(update={"costs": COSTS}))
    assert "| at rest, a month | $100.00 | $250.50 | +$150.50 |" in text
    assert "| each retraining | $0.18 | $0.18 | the same |" in text
    assert "- `Serving`: $80.00 → $230.50 (+$150.50)" in text
    assert "`Lake`: $20" not in text
    assert "+$150.50 a month at rest" in text.splitlines()[4]


def test_what_many_workloads_cost_alike_is_said_once() -> None:
    before, after = many(templates(), 14), many(templates(), 14)
    [serving] = [each for each in COSTS.stacks if each.stack == "Serving"]
    stacks = [serving.model_copy(update={"stack": f"W{number}Serving"}) for number in range(14)]
    costs = COSTS.model_copy(update={"stacks": tuple(stacks)})
    text = as_markdown(judge(after, before).model_copy(update={"costs": costs}))
    assert "- `W0Serving`: $80.00 → $230.50 (+$150.50), as in 13 other workloads\n" in text
    assert "`W1Serving`" not in text


def test_only_quotas_that_are_too_small_are_named_with_their_remedy() -> None:
    text = as_markdown(judge(templates()).model_copy(update={"quotas": QUOTAS}))
    assert "- 🟡 `ml.g5.xlarge for endpoint usage` (sagemaker): 16 needed, 0 allowed. Ask" in text
    assert "VPCs per Region" not in text
    assert "- 1 quota is large enough" in text


def test_each_rule_pack_is_a_line_and_what_is_open_is_named() -> None:
    text = as_markdown(judge(templates()).model_copy(update={"checks": CHECKS}))
    assert "- 🔴 AwsSolutions 3.0.2: 1 open, 4 acknowledged" in text
    assert "  - `Lake/Raw`: AwsSolutions-S1, The bucket has no access log." in text
    assert "- ✅ cfn-lint 1.58.0: 0 open, 0 acknowledged" in text


def test_what_is_said_of_many_workloads_is_said_once() -> None:
    before, after = many(templates(), 14), many(templates(), 14)
    for number in range(14):
        put(f"W{number}Serving.Role.Properties.MaxSessionDuration", 7200)(after)
        put(f"W{number}Lake.Log.Properties.RetentionInDays", 30)(after)
    text = as_markdown(judge(after, before))
    assert text.count("Its log is kept for 30 days") == 1
    assert "*(and in 13 other workloads)*" in text
    assert text.count("MaxSessionDuration`: *nothing*") == 1
    assert "the same in 13 other workloads" in text


def test_every_plant_can_be_written_down() -> None:
    for plant in PLANTS:
        after = templates()
        plant.change(after)
        verdict = judge(after)
        text = as_markdown(verdict)
        assert text.count("<details>") == text.count("</details>")
        for _, path in plant.findings:
            assert path in text
