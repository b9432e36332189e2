"""The box of an exercise, its hints in steps, and its solution."""

from __future__ import annotations

import inspect

from u3course.course import catalogue, page
from u3course.course.page import Live, Shown

_opened: dict[str, int] = {}  # how many hints of an exercise this kernel has shown


def exercise(exercise_id: str) -> Live:
    """The task as a box, with a button for one hint more and one for the solution.

    Raises:
        U3Error: If there is no exercise of that id.
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

    Raises:
        U3Error: If there is no exercise of that id.
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

    Raises:
        U3Error: If there is no exercise of that id.
    """
    task = catalogue.find(exercise_id)
    functions = (task.reference, *task.helpers)
    sources = [inspect.getsource(function) for function in functions]
    names = ", ".join(f"{function.__module__}.{function.__qualname__}" for function in functions)
    body = f"<b>The library's own:</b> <code>{names}</code>{page.python(chr(10).join(sources))}"
    return Shown(page.box("blue", body, status=True), "\n".join([f"# {names}", *sources]).rstrip())
