"""The picture of the pipeline: what `show` draws is what the definition says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from running_aws import REPOSITORY, ConfigWriter
from typed_command import typed

from pipeline.definition.build import get_pipeline
from pipeline.drawing.graph import Graph, read_graph
from pipeline.drawing.layout import Place
from pipeline.drawing.mermaid import mermaid
from pipeline.drawing.svg import place, svg

EXAMPLE = Path(__file__).parents[1] / "definition.json"
SVG = "{http://www.w3.org/2000/svg}"
STAMPED = {
    "registration": {"stamp_candidate": True},
    "infrastructure": {"stamp_role": "arn:aws:iam::123456789012:role/stamp"},
}


def printed(*arguments: str) -> str:
    done = typed(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shown() -> str:
    return printed("show")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("drawn") / "pipeline.svg"
    printed("show", "--output", str(file))
    return file.read_text(encoding="utf-8")


def arrows(text: str) -> set[tuple[str, str, str, str]]:
    """Of Mermaid text: from, kind of arrow, label, to."""
    return set(re.findall(r'^    (\w+) (-->|==>|-\.->)\|"(.*)"\| (\w+)$', text, re.MULTILINE))


@pytest.mark.integration
def test_each_arrow_is_what_a_step_reads_or_the_branch_it_is_in(shown: str) -> None:
    assert arrows(shown) == {
        ("PrepareDataset", "-->", "dataset", "EvaluateModel"),
        ("EvaluateModel", "-->", "evaluation.json", "QualityGate"),
        ("EvaluateModel", "-->", "evaluation.json", "GateNotPassed"),
        ("EvaluateModel", "-->", "evaluation.json", "RegisterModel"),
        ("EvaluateModel", "-->", "evaluation.json", "GateFailed"),
        ("QualityGate", "==>", "yes", "RegisterModel"),
        ("GateNotPassed", "==>", "yes", "GateFailed"),
    }
    assert 'QualityGate{{"<b>Quality gate</b><br>Condition"}}' in shown


@pytest.mark.integration
def test_stamped_candidates_have_their_steps_and_what_waits_for_them(
    write_config: ConfigWriter,
) -> None:
    definition = get_pipeline(write_config(**STAMPED)).definition()
    assert_drawn_whole(definition)
    assert_nothing_covers_another(read_graph(definition))
    drawn = arrows(mermaid(read_graph(definition)))
    assert len(drawn) == 11
    assert {arrow for arrow in drawn if "Stamp" in arrow[0] + arrow[3]} == {
        ("QualityGate", "==>", "yes", "StampApproved"),
        ("RegisterModel", "-.->", "then", "StampApproved"),
        ("GateNotPassed", "==>", "yes", "StampRejected"),
        ("StampRejected", "-.->", "then", "GateFailed"),
    }


def test_every_reference_in_the_definition_is_drawn_and_nothing_else() -> None:
    assert_drawn_whole(EXAMPLE.read_text())
    assert_nothing_covers_another(read_graph(EXAMPLE.read_text()))


def assert_drawn_whole(definition: str) -> None:
    """Counted in another way than `show` does it: by the text of each step."""
    expected = set()
    for step, condition in steps(json.loads(definition)["Steps"], None):
        own = json.dumps({**step, "Arguments": without_branches(step["Arguments"])})
        expected |= {(name, step["Name"]) for name in re.findall(r'"Steps\.(\w+)\.', own)}
        expected |= {(name, step["Name"]) for name in step.get("DependsOn", [])}
        expected |= {(condition, step["Name"])} if condition else set()
    graph = read_graph(definition)
    assert {(one, other) for one, _, _, other in arrows(mermaid(graph))} == expected
    drawn = Xml.fromstring(svg(graph, "p"))
    assert texts(drawn, "title") == sorted(node.title for node in graph.nodes)
    assert texts(drawn, "type") == sorted(node.type for node in graph.nodes)
    assert texts(drawn, "label") == sorted(edge.label for edge in graph.edges)
    curves = [path for path in drawn.iter(f"{SVG}path") if "marker-end" in path.attrib]
    assert len(curves) == len(graph.edges)


def steps(
    listed: list[dict[str, Any]], condition: str | None
) -> Iterator[tuple[dict[str, Any], str | None]]:
    for step in listed:
        yield step, condition
        for branch in ("IfSteps", "ElseSteps"):
            yield from steps(step["Arguments"].get(branch, []), step["Name"])


def without_branches(arguments: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if k not in ("IfSteps", "ElseSteps")}


def test_the_other_branch_is_labelled_no_and_odd_names_are_only_text() -> None:
    fail = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    register = {"Name": "Go", "Type": "RegisterModel", "Arguments": {}, "DisplayName": 'a "<b>" #1'}
    choice = {"Conditions": [], "IfSteps": [register], "ElseSteps": [fail]}
    graph = read_graph(
        json.dumps({"Steps": [{"Name": "Choice", "Type": "Condition", "Arguments": choice}]})
    )
    text = mermaid(graph)
    assert arrows(text) == {("Choice", "==>", "yes", "Go"), ("Choice", "==>", "no", "Stop")}
    assert 'Go(["<b>a #quot;#lt;b#gt;#quot; #35;1</b><br>RegisterModel"])' in text
    titles = [t.text for t in Xml.fromstring(svg(graph, "odd")).iter(f"{SVG}text")]
    assert 'a "<b>" #1' in titles


def assert_nothing_covers_another(graph: Graph) -> None:
    layout = place(graph)
    places = [*layout.nodes.values(), *(line.label for line in layout.lines)]
    assert len(places) == len(graph.nodes) + len(graph.edges)
    assert not [pair for pair in combinations(places, 2) if pair[0].overlaps(pair[1])]
    whole = Place(layout.width / 2, layout.height / 2, layout.width, layout.height)
    for one in places:
        assert whole.left <= one.left < one.right <= whole.right
        assert whole.top <= one.top < one.bottom <= whole.bottom
    for line in layout.lines:
        assert line.points[0][1] < line.points[-1][1], "an arrow that points up"


def texts(picture: Xml.Element, kind: str) -> list[str]:
    found = [t.text or "" for t in picture.iter(f"{SVG}text") if t.get("class") == kind]
    return sorted(found)


@pytest.mark.integration
def test_the_picture_needs_nothing_from_anywhere(picture: str) -> None:
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert "prefers-color-scheme: dark" in picture
    assert "<script" not in picture


@pytest.mark.integration
def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "pipeline.svg"
    command = [sys.executable, "pipeline_definition.py", "show", "--output", str(file)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: --output {file}: No such file or directory\n"


@pytest.mark.integration
def test_the_kept_picture_is_what_the_command_draws(picture: str) -> None:
    """After a change: python pipeline_definition.py show --output docs/pipeline.svg"""
    assert (REPOSITORY / "docs" / "pipeline.svg").read_text(encoding="utf-8") == picture


@pytest.mark.integration
def test_the_readme_s_flow_is_what_the_command_draws(shown: str) -> None:
    """After a change: python pipeline_definition.py show, between README's ```mermaid fences."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^```mermaid\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE) == [shown]


def test_a_graph_of_one_step_is_drawn_too() -> None:
    step = {"Name": "Alone", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}
    graph: Graph = read_graph(json.dumps({"Steps": [step]}))
    assert mermaid(graph).splitlines()[1] == '    Alone(["<b>Alone</b><br>Fail"])'
    assert texts(Xml.fromstring(svg(graph, "alone")), "title") == ["Alone"]
