"""The prose in English: its numbers are the engine's, its links lead somewhere, its reading time is right."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pytest

import upriver as ur
from upriver.explain.expression import Expression

PROSE = Path(ur.__file__).parent / "i18n" / "en"
NAMES = json.loads((Path(ur.__file__).parent / "web" / "figures.json").read_text(encoding="utf-8"))
FILES = ("lesson", "slides", "questions", "glossary")
WORDS_A_MINUTE = 200
HOSTS = ("github.com/karpathy/", "www.3blue1brown.com/", "cs231n.github.io/", "doi.org/")


@dataclass
class Block:
    """A piece of a section: ``text``, or what stands between ``:::kind name`` and ``:::``."""

    kind: str
    name: str
    body: str = ""


@dataclass
class Document:
    text: str
    front: dict[str, str]
    sections: dict[str, list[Block]] = field(default_factory=dict)

    def blocks(self, kind: str) -> list[Block]:
        return [b for section in self.sections.values() for b in section if b.kind == kind]


def read(name: str) -> Document:
    """A file by the grammar of the blocks, strictly: what it does not know is an error."""
    text = (PROSE / f"{name}.md").read_text(encoding="utf-8")
    found = re.match(r"---\n(.*?)\n---\n", text, re.S)
    assert found, f"{name}: front matter"
    document = Document(text, dict(line.split(": ", 1) for line in found[1].splitlines()))
    section = document.sections.setdefault("", [])
    inside: Block | None = None
    for line in text[found.end() :].splitlines():
        if line == ":::":
            assert inside, f"{name}: a block ends that did not begin"
            inside = None
        elif line.startswith(":::"):
            assert inside is None, f"{name}: a block in a block: {line}"
            opened = re.fullmatch(r":::([a-z]+)(?: (\S+))?", line)
            assert opened, line
            inside = Block(opened[1], opened[2] or "")
            section.append(inside)
        elif inside is not None:
            inside.body += line + "\n"
        elif line.startswith("## "):
            heading = re.fullmatch(r"## .+ \{#([a-z-]+)\}", line)
            assert heading, f"{name}: a heading without an id: {line}"
            assert heading[1] not in document.sections, f"{name}: {heading[1]} twice"
            section = document.sections.setdefault(heading[1], [])
        else:
            if not section or section[-1].kind != "text":
                section.append(Block("text", ""))
            section[-1].body += line + "\n"
    assert inside is None, f"{name}: {inside} is not closed"
    return document


DOCUMENTS = {name: read(name) for name in FILES}


def gradient(source: str, name: str, values: dict[str, object]) -> tuple[float, float]:
    """The value of an expression and its derivative by one name, by the engine."""
    expression = Expression(source, values)
    result = expression.result()
    result.backward()
    return result.item(), expression.leaves[name].grad.item()


def said(x: float, digits: int = 10) -> str:
    """A number as the prose writes it: a true minus, and no rounding noise."""
    return f"{x:.{digits}g}".replace("-", "−")


def links(text: str) -> list[str]:
    """The targets of all links; one may hold parentheses, if they are balanced."""
    found = []
    for start in (m.end() for m in re.finditer(r"\]\(", text)):
        end, depth = start, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        found.append(text[start : end - 1])
    return found


def words(text: str) -> int:
    """Words as they are read: a link is its text, a formula one word, marks are none."""
    for target in links(text):
        text = text.replace(f"]({target})", "]")
    text = re.sub(r"\$\$?[^$]+\$\$?", "X", text)
    text = re.sub(r"\{#[^}]*\}|^- \[[x ]\]|^:::.*$|^---$", "", text, flags=re.M)
    return len(re.findall(r"\w[\w'’.,%−-]*", text))


# Blocks


def test_the_lesson_has_its_ten_sections_and_its_blocks() -> None:
    lesson = DOCUMENTS["lesson"]
    assert list(lesson.sections) == [
        *("", "forward", "blame", "chain", "graph", "worked", "flow", "remedies", "update", "why", "takeaways"),
    ]
    assert [b.name for b in lesson.blocks("check")] == ["local-derivatives", "meaning", "vanishing"]
    assert [b.name for b in lesson.blocks("think")] == ["relu", "compose"]
    assert {b.name for b in lesson.blocks("predict")} == {"worked-dw", "paths-dw", "neuron-dw", "update-w"}
    assert [b.name for b in lesson.blocks("aside")] == ["history"]
    [takeaways] = lesson.blocks("takeaways")
    assert len(re.findall(r"^- ", takeaways.body, re.M)) == 5
    assert lesson.sections[""][1].name == "worked", "the first screen is the worked example"


@pytest.mark.parametrize("name", FILES)
def test_blocks_are_of_a_known_kind_and_name(name: str) -> None:
    kinds = {"text", "figure", "check", "think", "predict", "takeaways", "aside", "further", "notes", "run"}
    for section, blocks in DOCUMENTS[name].sections.items():
        for block in blocks:
            assert block.kind in kinds, (section, block.kind)
            if block.kind in ("figure", "predict", "run"):
                assert block.name in NAMES[block.kind.replace("figure", "figures")], (section, block)
                assert block.body.strip(), f"{section}: {block.kind} {block.name} says nothing"
            if block.kind == "think" or block.kind == "predict":
                question, answer = block.body.split("\n---\n")
                assert question.strip()
                assert answer.strip()


def test_every_figure_and_every_task_is_placed() -> None:
    placed = {b.name for name in ("lesson", "slides") for b in DOCUMENTS[name].blocks("figure")}
    assert placed == set(NAMES["figures"])
    assert {b.name for b in DOCUMENTS["lesson"].blocks("predict")} == set(NAMES["predict"])
    assert {b.name for b in DOCUMENTS["questions"].blocks("run")} == set(NAMES["run"])


@pytest.mark.parametrize("check", DOCUMENTS["lesson"].blocks("check"), ids=lambda b: b.name)
def test_each_answer_of_a_check_is_explained_and_each_wrong_one_has_something_to_try(check: Block) -> None:
    answers = re.findall(r"^- \[([x ])\] ([^|\n]+) \| ([^|\n]+)$", check.body, re.M)
    assert len(answers) == len(re.findall(r"^- ", check.body, re.M)) == 4
    assert [mark for mark, _, _ in answers].count("x") == 1
    for mark, answer, why in answers:
        assert "](" not in answer, "no link inside a choice"
        assert mark == "x" or "](#/lab?" in why, why


def test_slides_are_eight_and_short_and_their_notes_give_the_time() -> None:
    slides = DOCUMENTS["slides"]
    sections = {name: blocks for name, blocks in slides.sections.items() if name}
    assert len(sections) == 8
    for name, blocks in sections.items():
        assert sum(words(b.body) for b in blocks if b.kind == "text") <= 40, name
        assert [b.kind for b in blocks if b.kind != "text"] == ["figure", "notes"], name
    assert sum(int(b.name) for b in slides.blocks("notes")) == int(slides.front["minutes"])


# Links


@pytest.mark.parametrize("name", FILES)
def test_links_lead_somewhere(name: str) -> None:
    for target in links(DOCUMENTS[name].text):
        if found := re.fullmatch(r"#/glossary/([a-z-]+)", target):
            assert found[1] in DOCUMENTS["glossary"].sections, target
        elif target.startswith("#/lab?"):
            given = dict(part.split("=", 1) for part in target[len("#/lab?") :].split("&"))
            assert "+" not in target, "a plus sign is written %2B"
            assert math.isfinite(Expression(unquote(given.pop("e")), given).result().item()), target
        elif target.startswith("https://"):
            assert target.startswith(tuple(f"https://{host}" for host in HOSTS)), target
        else:
            assert target in ("#/playground", "#/words", "#/steering", "#/lab"), target


def test_each_term_of_the_glossary_points_into_the_lesson() -> None:
    glossary, lesson = DOCUMENTS["glossary"], DOCUMENTS["lesson"]
    assert len(glossary.sections) >= 45
    for term, blocks in glossary.sections.items():
        if not term:
            continue
        [entry] = blocks
        definition, see = entry.body.strip().split("\nsee: ")
        assert 1 <= len(re.findall(r"[.?!](?:\s|$)", definition)) <= 3, definition
        document, section = see.split("#")
        assert document == "lesson", term
        assert section in lesson.sections, term


def test_terms_are_sorted() -> None:
    titles = re.findall(r"^## (.+?) \{", DOCUMENTS["glossary"].text, re.M)
    assert titles == sorted(titles, key=str.casefold)


# Time


@pytest.mark.parametrize("name", ["lesson", "questions", "glossary"])
def test_the_reading_time_is_right(name: str) -> None:
    """Read once, from top to bottom: of a check's wrong answers the explanation is not read."""
    body = re.sub(r"\A---\n.*?\n---\n", "", DOCUMENTS[name].text, flags=re.S)
    body = re.sub(r"^(- \[ \] [^|\n]*)\|.*$", r"\1", body, flags=re.M)
    assert round(words(body) / WORDS_A_MINUTE) == int(DOCUMENTS[name].front["minutes"])


# Numbers

SQUARE = ("(w*x - y)**2", "w", {"w": 2, "x": 3, "y": 10})


def stepped(rate: float, source: str = SQUARE[0], **values: float) -> tuple[float, float, float]:
    """w after one step of gradient descent, and the loss and the gradient there."""
    values = values or dict(SQUARE[2])
    w = ur.tensor(float(values["w"]), dtype=ur.float64, requires_grad=True)
    w.grad = ur.tensor(gradient(source, "w", values)[1], dtype=ur.float64)
    ur.optim.SGD([w], lr=rate).step()
    return w.item(), *gradient(source, "w", {**values, "w": w.item()})


def in_prose(name: str, *fragments: str) -> None:
    for fragment in fragments:
        assert fragment in DOCUMENTS[name].text, fragment


def test_numbers_of_the_worked_example() -> None:
    w, x, y = (ur.tensor(float(v), dtype=ur.float64) for v in SQUARE[2].values())
    product, difference = (w * x).item(), (w * x - y).item()
    loss, slope = gradient(*SQUARE)
    in_prose("lesson", f"| $w \\cdot x$ | {said(product)} |", f"| $w \\cdot x - y$ | {said(difference)} |")
    in_prose("lesson", f"| $L$ | {said(loss)} |", f"= {slope:g}$. It is negative", f"by {-slope:g} for each unit")
    nudge = _nudged(0.1)
    in_prose("lesson", f"= {nudge[0]:g}$. Measured, the loss goes from {loss:g} to {nudge[1]:g}, a change of")
    in_prose("lesson", f"a change of {said(nudge[2])}.", f"The missing {nudge[2] - nudge[0]:.2g} comes")
    in_prose("lesson", f"the gradient is {gradient(SQUARE[0], 'w', {'w': 4, 'x': 3, 'y': 10})[1]:g} and lowering")
    assert gradient(SQUARE[0], "w", {"w": 10 / 3, "x": 3, "y": 10})[1] == pytest.approx(0, abs=1e-12)
    in_prose("lesson", f"Here the best $w$ is 10/3, only {10 / 3 - 2:.2f} away")


def _nudged(by: float) -> tuple[float, float, float]:
    w = ur.tensor(2.0, dtype=ur.float64, requires_grad=True)
    n = ur.nudge(lambda: (w * 3 - 10) ** 2, w, by=by)
    return n.first_order, n.after, round(n.measured, 10)


def test_numbers_of_the_other_tasks() -> None:
    neuron = {"w1": 2, "x1": 1, "w2": -1, "x2": 3, "b": 4, "y": 5}
    source = "(relu(w1*x1 + w2*x2 + b) - y)**2"
    assert gradient(source, "w1", neuron) == (4, -4)
    assert Expression("relu(w1*x1 + w2*x2 + b) + 0*y", {**neuron, "x2": 7}).result().item() == 0
    in_prose("lesson", "$$L = (\\hat{y} - y)^2 = (3 - 5)^2 = 4$$", "Change $x_2$ to 7: the sum turns negative")
    loss, slope = gradient("(relu(w*x + b) - y)**2", "w", {"w": 0.5, "x": 4, "b": 1, "y": 5})
    in_prose("lesson", f"Together $dL/dw = {slope:g}$", f"$(3 - 5)^2 = {loss:g}$")
    assert gradient("(relu(w*x + b) - y)**2", "b", {"w": 0.5, "x": 4, "b": 1, "y": 5})[1] == -4
    _, both = gradient("(w*x)*(w + 1)", "w", {"w": 2, "x": 3})
    _, first = gradient("(w*x)*(v + 1)", "v", {"w": 2, "v": 2, "x": 3})
    _, second = gradient("(w*x)*(v + 1)", "w", {"w": 2, "v": 2, "x": 3})
    in_prose("lesson", f"$dL/dw = {first:g} + {second:g} = {both:g}$")
    _, chain = gradient("b*(a*t)", "t", {"a": 0.5, "b": 30, "t": 1})
    in_prose("lesson", f"$0.5 \\times 30 = {chain:g}$ km/h")
    in_prose("slides", f"30 × 0.5 = {chain:g} km/h")


def test_numbers_of_the_cake() -> None:
    cake = NAMES["figures"]["cake"]["asks"][0]["with"]
    slopes = {name: gradient(cake["expression"], name, cake["values"])[1] for name in cake["values"]}
    in_prose("lesson", f"Salt has the largest number, {slopes['salt']:.1f}", f"Sugar has {said(slopes['sugar'])}")
    assert max(slopes, key=lambda name: abs(slopes[name])) == "salt"
    assert len(slopes) == 5


def test_numbers_of_the_updates() -> None:
    for rate in (0.001, 0.01, 0.1, 0.12):
        w, loss, _ = stepped(rate)
        in_prose("lesson", f"| {rate:g} | {w:.10g} | {loss:.10g} |")
    w, loss, slope = stepped(0.01)
    in_prose("lesson", f"= {w:.10g}$. Minus a negative", f"$-24 \\times {w - 2:.10g} = {-24 * (w - 2):.10g}$")
    in_prose("lesson", f"falls from 16 to {loss:.10g}, by {16 - loss:.10g}.")
    in_prose("lesson", f"the true gradient is {said(slope)}, but stored is $-24 - {-slope:.10g} = {-24 + slope:.10g}$")
    leaf = Expression(SQUARE[0], SQUARE[2])
    leaf.result().backward()
    leaf.result().backward()
    for name in ("lesson", "questions"):
        in_prose(name, said(leaf.leaves["w"].grad.item()))
    curvature = _curvature()
    in_prose("lesson", f"here is {curvature:g}, and", f"$2/{curvature:g} \\approx {2 / curvature:.3f}$")
    in_prose("slides", f"2/{curvature:g}.")
    far = [abs(stepped(rate)[0] - 10 / 3) / (10 / 3 - 2) for rate in (0.1, 0.12)]
    assert far[0] < 1 < far[1], "0.1 still arrives, 0.12 flies off"


def _curvature() -> float:
    w = ur.tensor(2.0, dtype=ur.float64, requires_grad=True)
    [slope] = ur.grad((w * 3 - 10) ** 2, w, create_graph=True)
    return float(ur.grad(slope, w)[0].item())


def test_numbers_of_deep_stacks() -> None:
    _, best = gradient("sigmoid(z)", "z", {"z": 0})
    _, flat = gradient("sigmoid(z)", "z", {"z": 5})
    _, four = gradient("sigmoid(sigmoid(sigmoid(sigmoid(w))))", "w", {"w": 0})
    in_prose("lesson", f"at most {best:g}, in the middle", f"its slope is only {flat:.4f}", f"${best:g}^{{10}}$")
    in_prose("questions", f"already reduce the gradient to {four:.1g}")
    assert best**10 < 1e-6
    _, grown = gradient("*".join(["3"] * 20) + "*w", "w", {"w": 1})
    in_prose("lesson", f"arrives {int(grown):,} times as large")


def test_numbers_of_the_slides_neuron() -> None:
    source, values = "(w*x + b - y)**2", {"w": 1, "x": 2.1, "b": 0, "y": 4}
    loss, by_w = gradient(source, "w", values)
    _, by_b = gradient(source, "b", values)
    in_prose("slides", f"(2.1 - 4)^2 = {loss:.10g}$", f"\\times x = {by_w:.10g}$", f"\\times 1 = {by_b:.10g}$")
    leaves = [ur.tensor(float(values[name]), dtype=ur.float64, requires_grad=True) for name in ("w", "b")]
    for leaf, slope in zip(leaves, (by_w, by_b), strict=True):
        leaf.grad = ur.tensor(slope, dtype=ur.float64)
    ur.optim.SGD(leaves, lr=0.01).step()
    w, b = (leaf.item() for leaf in leaves)
    after = gradient(source, "w", {**values, "w": w, "b": b})[0]
    in_prose("slides", f"w becomes {w:.10g}, b becomes {b:.10g}, and the loss falls from {loss:.10g} to {after:.4f}")
    in_prose("slides", f"That is {loss - after:.4f} saved", f"promised {0.01 * (by_w**2 + by_b**2):.6f}")
    in_prose("slides", f"Those who say {said(by_b + 2.1)} have added 2.1")
