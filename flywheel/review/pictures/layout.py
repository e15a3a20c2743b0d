"""Where on the paper the things of a picture go: ELK decides, in Node, in a child process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel.errors import UserError
from flywheel.review.pictures.drawing import Arrow, Box, Drawing, Frame
from flywheel.review.pictures.order import upwards
from flywheel.review.pictures.sizes import HEADER, Lines, label_lines, label_size, measure

_SCRIPT = Path(__file__).with_name("layout.mjs")
_ENGINE = Path(__file__).parents[3] / "node_modules" / "elkjs"
_TIMEOUT_SECONDS = 120
_SPACING = {
    "elk.spacing.nodeNode": "18",
    "elk.spacing.edgeNode": "14",
    "elk.spacing.edgeEdge": "9",
    "elk.layered.spacing.nodeNodeBetweenLayers": "34",
    "elk.layered.spacing.edgeNodeBetweenLayers": "13",
    "elk.layered.spacing.edgeEdgeBetweenLayers": "9",
}
_OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "DOWN",
    "elk.hierarchyHandling": "INCLUDE_CHILDREN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.layered.cycleBreaking.strategy": "DEPTH_FIRST",
    "elk.layered.compaction.postCompaction.strategy": "EDGE_LENGTH",
    "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
    "elk.json.shapeCoords": "ROOT",
    "elk.json.edgeCoords": "ROOT",
    "elk.layered.edgeLabels.centerLabelPlacementStrategy": "SPACE_EFFICIENT_LAYER",
    "elk.padding": "[top=12,left=12,bottom=12,right=12]",
    **_SPACING,
}


@dataclass(frozen=True)
class Place:
    """A rectangle on the paper."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """An arrow's corners, and where its label goes."""

    arrow: Arrow
    points: tuple[tuple[float, float], ...]
    label: Place | None


@dataclass(frozen=True)
class Layout:
    """A drawing with the place of everything."""

    drawing: Drawing
    width: float
    height: float
    boxes: tuple[tuple[Box, Lines, Place], ...]
    frames: tuple[tuple[Frame, Place], ...]
    lines: tuple[Line, ...]


def find_engine() -> str:
    """Node, where it and the engine are installed.

    Raises:
        UserError: one of them is not.
    """
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=folders)
    if node is None or not _ENGINE.is_dir():
        raise UserError("The pictures need Node and elkjs, which are not there. Run `make setup`.")
    return node


def lay_out(drawings: Sequence[Drawing], words: Mapping[str, str]) -> list[Layout]:
    """Lay out all pictures of a review.

    Args:
        drawings: The pictures.
        words: The word of every mark.

    Raises:
        UserError: the engine is not installed, or it failed.
    """
    if not drawings:
        return []
    measured = [{box.id: measure(box, dict(words)) for box in each.boxes} for each in drawings]
    graphs = [_graph(each, lines) for each, lines in zip(drawings, measured, strict=True)]
    placed = _run(graphs)
    return [
        _placed(drawing, lines, graph)
        for drawing, lines, graph in zip(drawings, measured, placed, strict=True)
    ]


def _graph(drawing: Drawing, lines: Mapping[str, Lines]) -> dict[str, Any]:
    """The drawing as ELK's JSON."""
    padding = {"elk.padding": f"[top={HEADER},left=14,bottom=14,right=14]"}
    root: dict[str, Any] = {
        "id": "root",
        "layoutOptions": _OPTIONS,
        "children": [],
    }
    nodes = {"": root}
    for frame in drawing.frames:
        nodes[frame.id] = {
            "id": f"frame {frame.id}",
            "layoutOptions": {**_SPACING, **padding},
            "children": [],
        }
    for frame in drawing.frames:
        nodes[frame.parent]["children"].append(nodes[frame.id])
    for box in drawing.boxes:
        size = {"width": lines[box.id].width, "height": lines[box.id].height}
        nodes[box.frame]["children"].append({"id": f"box {box.id}", **size})
    upward = upwards(drawing)
    root["edges"] = [
        _edge(number, arrow, goes_up=arrow in upward) for number, arrow in enumerate(drawing.arrows)
    ]
    return root


def _edge(number: int, arrow: Arrow, *, goes_up: bool) -> dict[str, Any]:
    """An arrow; one that goes up is turned around, so that ELK does not lead it round the rest."""
    ends = (arrow.target, arrow.source) if goes_up else (arrow.source, arrow.target)
    edge: dict[str, Any] = {
        "id": f"arrow {number}",
        "sources": [f"box {ends[0]}"],
        "targets": [f"box {ends[1]}"],
    }
    if arrow.label:
        width, height = label_size(label_lines(arrow.label))
        edge["labels"] = [{"text": arrow.label, "width": width, "height": height}]
    return edge


def _run(graphs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Have the graphs placed by the engine."""
    node = find_engine()
    try:
        done = subprocess.run(
            [node, str(_SCRIPT)],
            input=json.dumps(graphs).encode(),
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
        placed: list[dict[str, Any]] = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        says = error.stderr.decode(errors="replace").strip().splitlines()[-1:] or [
            "no reason given"
        ]
        raise UserError(
            f"The pictures could not be laid out ({says[0]}). Run `make setup` again; "
            "the review itself does not depend on them."
        ) from error
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise UserError(
            f"The pictures could not be laid out ({error.__class__.__name__}); "
            "the review itself does not depend on them."
        ) from error
    return placed


def _placed(drawing: Drawing, lines: Mapping[str, Lines], graph: Mapping[str, Any]) -> Layout:
    places: dict[str, Place] = {}
    waiting = [graph]
    while waiting:
        node = waiting.pop()
        places[node["id"]] = _place(node)
        waiting += node.get("children", ())
    edges = {edge["id"]: edge for edge in graph["edges"]}
    upward = upwards(drawing)
    return Layout(
        drawing,
        graph["width"],
        graph["height"],
        tuple((box, lines[box.id], places[f"box {box.id}"]) for box in drawing.boxes),
        tuple((frame, places[f"frame {frame.id}"]) for frame in drawing.frames),
        tuple(
            _line(arrow, edges[f"arrow {number}"], goes_up=arrow in upward)
            for number, arrow in enumerate(drawing.arrows)
        ),
    )


def _line(arrow: Arrow, edge: Mapping[str, Any], *, goes_up: bool) -> Line:
    points = tuple(
        (point["x"], point["y"])
        for section in edge.get("sections", ())
        for point in (section["startPoint"], *section.get("bendPoints", ()), section["endPoint"])
    )
    labels = edge.get("labels") or ()
    return Line(arrow, points[::-1] if goes_up else points, _place(labels[0]) if labels else None)


def _place(node: Mapping[str, Any]) -> Place:
    return Place(node.get("x", 0), node.get("y", 0), node["width"], node["height"])
