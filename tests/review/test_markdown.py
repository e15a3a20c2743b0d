"""The comment on a pull request."""

import zipfile
from pathlib import Path

from markdown_it import MarkdownIt

from flywheel.review.markdown import MAX_CHARACTERS, as_markdown
from tests.review.plants import PLANTS, grant, put
from tests.review.world import NEW_HASH, OLD_HASH, judge, statement, templates


def test_the_gravest_comes_first_and_says_that_it_blocks() -> None:
    after = templates()
    put("Lake.Log.Properties.RetentionInDays", 30)(after)
    del after["Lake"]["Resources"]["Scratch"]
    lines = as_markdown(judge(after)).splitlines()
    assert lines[0] == "## prod against main"
    assert lines[2] == "🔴 **Blocked.** This needs a decision."
    assert lines[4].startswith("- 🔴 `Lake/Scratch`: AWS::S3::Bucket: It is deleted")
    assert lines[4].endswith("*(blocks)*")
    assert lines[5].startswith("- 🟡 `Lake/Log`: AWS::Logs::LogGroup: Its log is kept for 30 days")


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


def test_every_plant_can_be_written_down() -> None:
    for plant in PLANTS:
        after = templates()
        plant.change(after)
        verdict = judge(after)
        text = as_markdown(verdict)
        assert text.count("<details>") == text.count("</details>")
        for _, path in plant.findings:
            assert path in text
