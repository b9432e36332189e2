"""What a notebook shows: the box of an exercise, its hints in steps and its solution; and quizzes by radio buttons."""

import base64
import html
import inspect
from typing import Any

from u3course.course import catalogue, page, reports, state
from u3course.course.definitions import Question
from u3course.course.page import Live, Shown

_opened: dict[str, int] = {}  # how many hints of an exercise this kernel has shown

# ipywidgets gives each option one line; ours are sentences, and go on below.
OPTIONS = ("<style>.u3-options .widget-radio-box label{display:flex;height:auto;line-height:1.4;white-space:normal;"
           "padding:.15em 0}.u3-options .widget-radio-box input{flex:none;order:-1;height:1.4em;margin:0 .5em 0 0}"
           "</style>")


def exercise(exercise_id: str) -> Live:
    """The task as a box, with a button for one hint more and one for the solution.

    Raises U3Error if there is no exercise of that id.
    """
    import ipywidgets as w

    task = catalogue.find(exercise_id)
    facts = (f"{task.minutes} minutes · {task.difficulty} · {task.points} point{'s' if task.points != 1 else ''} · "
             f"{task.id}")
    body = (f"<b>Exercise. {page.words(task.title)}</b> <small>({facts})</small><br>{page.words(task.goal)}"
            f"{page.verbatim(task.signature)}")
    shown = Shown(page.box("blue", body), f"Exercise. {task.title} ({facts})\n{task.goal}\n{task.signature}")
    buttons = {"Hint": hint, "Solution": solution}
    below = {name: w.HTML() for name in buttons}

    def press(button: w.Button) -> None:
        below[button.description].value = buttons[button.description](exercise_id).html

    row = [w.Button(description=name, tooltip=f"{name} of exercise {task.id}") for name in buttons]
    for button in row:
        button.on_click(press)
    return Live(w.VBox([w.HTML(shown.html), w.HBox(row), *below.values()]), shown)


def hint(exercise_id: str) -> Shown:
    """All hints opened so far, and one more at each call.

    Raises U3Error if there is no exercise of that id.
    """
    task = catalogue.find(exercise_id)
    count = _opened[task.id] = min(_opened.get(task.id, 0) + 1, len(task.hints))
    numbered = [(f"hint {n} of {len(task.hints)}", text) for n, text in enumerate(task.hints[:count], 1)]
    body = "<br>".join(f"<b>{number}</b>: {page.words(text)}" for number, text in numbered)
    if count == len(task.hints):
        body += "<br>There is no further hint; the solution is next."
    return Shown(page.box("blue", body, status=True), "\n".join(f"{number}: {text}" for number, text in numbered))


def solution(exercise_id: str) -> Shown:
    """The library's own source of what the exercise asks for.

    Raises U3Error if there is no exercise of that id.
    """
    task = catalogue.find(exercise_id)
    functions = (task.reference, *task.helpers)
    sources = [inspect.getsource(function) for function in functions]
    names = ", ".join(f"{function.__module__}.{function.__qualname__}" for function in functions)
    body = f"<b>The library's own:</b> <code>{names}</code>{page.python(chr(10).join(sources))}"
    return Shown(page.box("blue", body, status=True), "\n".join([f"# {names}", *sources]).rstrip())


def quiz(quiz_id: str) -> Live:
    """The quiz of a chapter, "6", or its Deep Quiz, "6-deep": an iconic picture, and what is it?

    Nothing is chosen at first. A question that was answered rightly counts as done in ``course.progress``.

    Raises U3Error if there is no such quiz.
    """
    import ipywidgets as w

    asked = catalogue.questions(quiz_id)
    keys = catalogue.keys(quiz_id, asked)
    boxes = [_widgets(question, n, key) for n, (question, key) in enumerate(zip(asked, keys, strict=True))]
    parts = [part for box in boxes for part in box]
    if not any(question.picture for question in asked):
        return Live(w.VBox(parts), _static(asked))
    # One row for a picture, its options and their explanation: twenty riddles are a long page as it is.
    beside = w.Layout(grid_template_columns="14em max-content minmax(12em, 1fr)", grid_gap="12px 16px",
                      align_items="center", width="auto")
    return Live(w.GridBox(parts, layout=beside), _static(asked))


def _widgets(question: Question, n: int, key: str) -> list[Any]:
    import ipywidgets as w

    why = w.HTML()
    choice = w.RadioButtons(options=question.options, value=None, tooltip=f"Options of question {n + 1}",
                            layout=w.Layout(width="auto", max_width="52em")).add_class("u3-options")

    def chosen(change: dict) -> None:
        if choice.index is not None:
            why.value = _explained(question, choice.index, key)

    choice.observe(chosen, names="value")
    return [w.HTML((OPTIONS if n == 0 else "") + _asked(question, n)), choice, why]


def _explained(question: Question, k: int, key: str) -> str:
    """The box under a question for option k; the right one is noted as done."""
    right = k == question.answer
    body = f"<b>{'✓ yes' if right else '△ no'}.</b> {page.words(question.why[k])}"
    if question.picture and not reports.graded():  # a Deep Quiz: how many can tell what it is?
        state.record_first(key, k)
    if right and not reports.graded() and (note := state.record("questions", key)):
        body += f"<br>{html.escape(note)}"
    return page.box("green" if right else "amber", body, status=True)


def _asked(question: Question, n: int) -> str:
    head = f"<b>Question {n + 1}.</b> {page.words(question.text)}"
    if not question.picture:
        return head
    kind = "png" if question.picture.startswith(b"\x89PNG") else "jpeg"
    data = base64.b64encode(question.picture).decode()
    return (f'{head}<br><img src="data:image/{kind};base64,{data}" alt="{html.escape(question.alt)}" '
            'style="max-width:100%">')


def _static(asked: tuple[Question, ...]) -> Shown:
    """Questions and options without the answers."""
    pages, lines = [], []
    for n, question in enumerate(asked):
        options = "".join(f"<li>{page.words(option)}</li>" for option in question.options)
        pages.append(f"<p>{_asked(question, n)}</p><ul>{options}</ul>")
        alt = [f"[{question.alt}]"] if question.picture else []
        lines += [f"Question {n + 1}. {question.text}", *alt, *(f"  - {option}" for option in question.options)]
    return Shown("".join(pages), "\n".join(lines))
