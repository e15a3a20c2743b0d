"""Pictures: digits one by one, views of a photograph of coins, scenes laid together of textures.

Source: scikit-learn's digits (UCI), scikit-image's coins.png (Brooklyn Museum, no known copyright
restrictions) and brick.png, grass.png, gravel.png (CC0).
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import numpy as np
from PIL import Image

from flywheel.samples.files import MONTHS, File, csv_body, deal, json_lines, package_folder
from flywheel.samples.tables import digit_pixels

SEED = 2013
DIGITS_A_MONTH, DIGIT_SIZE = 150, 28
VIEWS_A_MONTH = 60
VIEW_WIDTH, VIEW_HEIGHT = 96, 72
SCENES_A_MONTH, SCENE_SIZE = 40, 80
TEXTURES = ("brick", "grass", "gravel")

COINS = (
    *((22, 35, 67, 74), (81, 39, 120, 74), (132, 28, 179, 74), (192, 30, 240, 73)),
    *((255, 34, 297, 72), (305, 16, 365, 72), (25, 104, 67, 145), (84, 108, 122, 145)),
    *((134, 110, 173, 145), (186, 105, 226, 144), (245, 95, 296, 144), (317, 106, 356, 145)),
    *((26, 179, 63, 217), (80, 175, 124, 217), (135, 179, 174, 217), (189, 170, 237, 217)),
    *((251, 172, 297, 217), (315, 156, 380, 218), (18, 233, 75, 288), (93, 245, 136, 287)),
    *((144, 236, 201, 288), (220, 240, 269, 288), (276, 239, 326, 289), (336, 248, 382, 289)),
)
"""Left, top, right and bottom of the 24 coins: their outlines by scikit-image's watershed, checked
by eye on the photograph."""
STRIPS = ((5, 152), (150, 224), (225, 300))
"""Top and bottom of what each month shows of the photograph: no coin is in two months."""


def digits() -> Iterator[File]:
    """Digits as pictures; enlarged, as the small residual networks want 28×28 pixels."""
    for month, part in deal(digit_pixels()[: DIGITS_A_MONTH * len(MONTHS)]):
        labels = [(f"digit-{number:04d}.png", digit) for number, (_, digit) in enumerate(part)]
        yield f"images/month={month}/labels.csv", csv_body(("file", "digit"), labels)
        for (name, _), (pixels, _) in zip(labels, part, strict=True):
            paper = 255 - np.array(pixels, np.uint8).reshape(8, 8) * 15  # (8, 8), dark on light
            picture = Image.fromarray(paper).resize(
                (DIGIT_SIZE, DIGIT_SIZE), Image.Resampling.BICUBIC
            )
            yield f"images/month={month}/{name}", _png(picture.convert("RGB"))


def coins() -> Iterator[File]:
    """Views of the photograph, each with a coin at least, and the coins' boxes in pixels."""
    photograph = _photograph("coins")
    drawn = random.Random(SEED)  # noqa: S311  not a secret
    for month, (top, bottom) in zip(MONTHS, STRIPS, strict=True):
        views: list[tuple[str, Image.Image, list[list[int]]]] = []
        while len(views) < VIEWS_A_MONTH:
            left = drawn.randint(0, photograph.width - VIEW_WIDTH)
            upper = drawn.randint(top, bottom - VIEW_HEIGHT)
            boxes = _coins_in(left, upper)
            if boxes:
                name = f"view-{len(views):04d}.png"
                view = photograph.crop((left, upper, left + VIEW_WIDTH, upper + VIEW_HEIGHT))
                views.append((name, view, boxes))
        lines = ({"file": name, "boxes": boxes} for name, _, boxes in views)
        yield f"images/month={month}/boxes.jsonl", json_lines(lines)
        for name, view, _ in views:
            yield f"images/month={month}/{name}", _png(view.convert("RGB"))


def _coins_in(left: int, upper: int) -> list[list[int]]:
    """The coins of a view as left, top, right, bottom; none where a coin is neither in nor out."""
    boxes = []
    for coin_left, coin_top, coin_right, coin_bottom in COINS:
        box = [
            max(coin_left - left, 0),
            max(coin_top - upper, 0),
            min(coin_right - left, VIEW_WIDTH),
            min(coin_bottom - upper, VIEW_HEIGHT),
        ]
        seen = max(box[2] - box[0], 0) * max(box[3] - box[1], 0)
        share = seen / ((coin_right - coin_left) * (coin_bottom - coin_top))
        if share > 0.7:
            boxes.append(box)
        elif share > 0.05:
            return []
    return boxes


def textures() -> Iterator[File]:
    """Scenes of three surfaces with their masks.

    Generated: where which surface lies; each pixel belongs to the nearest of three points. Real:
    the surfaces, of which each month shows another part of the photograph.
    """
    drawn = np.random.default_rng(SEED)
    photographs = [np.asarray(_photograph(name)) for name in TEXTURES]  # each (512, 512)
    rows, columns = np.mgrid[0:SCENE_SIZE, 0:SCENE_SIZE]
    for number, month in enumerate(MONTHS):
        height = photographs[0].shape[0] // len(MONTHS)
        for scene in range(SCENES_A_MONTH):
            points = drawn.integers(0, SCENE_SIZE, (len(TEXTURES), 2))
            distances = [(rows - y) ** 2 + (columns - x) ** 2 for y, x in points]
            mask = np.argmin(distances, axis=0).astype(np.uint8)  # (80, 80), number of the texture
            patches = []
            for photograph in photographs:
                y = number * height + drawn.integers(0, height - SCENE_SIZE)
                x = drawn.integers(0, photograph.shape[1] - SCENE_SIZE)
                patches.append(photograph[y : y + SCENE_SIZE, x : x + SCENE_SIZE])
            picture = np.choose(mask, patches).astype(np.uint8)
            name = f"images/month={month}/scene-{scene:04d}"
            yield f"{name}.png", _png(Image.fromarray(mask))
            yield f"{name}.jpg", _jpeg(Image.fromarray(picture).convert("RGB"))


def _photograph(name: str) -> Image.Image:
    return Image.open(package_folder("skimage") / "data" / f"{name}.png").convert("L")


def _png(picture: Image.Image) -> bytes:
    body = io.BytesIO()
    picture.save(body, "PNG")
    return body.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=90)
    return body.getvalue()
