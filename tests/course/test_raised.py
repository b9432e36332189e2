"""What an answer raises is said in a sentence, true of the code; what is not known is called by its type."""

import pytest
import torch

from tests.course.cells import cell
from u3course import course


def said(line: str, **names: object) -> str:
    """The report on an answer of one line to an exercise of two arguments, p (6,) and a function."""
    report = course.check("6-guided", cell(f"def rule(p, through):\n    {line}", **names))
    assert report.state == "not yet" and len(report.message.splitlines()) <= 7
    return report.message


STUB, EMPTY = cell("def my_gate(p):\n    return ..."), cell("def my_gate(p):\n    p + 1")
SENTENCES = {
    "return through(oops)": "`oops` is not known: it is no argument of your function, and no cell that ran has defined",
    "return throug(p)": "`throug` is not known: did you mean `through`?",
    "return relu(through(p))": "`relu` is not known: write `F.relu`",
    "return through(clamp(p, 0))": "`clamp` is not known: write `torch.clamp`",
    "return np.maximum(p, 0)": "`np` is not known: run the cell with the imports, or write `import numpy as np`",
    "return my_step(p)": "`my_step` is not known: it is the answer to another exercise; run its cell first",
    "p = p.clip(q); q = 0": "`q` is used before it has a value",
    "return my_gate(p) * p": "your answer calls `my_gate`, which is still the stub `...`: write that one first",
    "return my_gate(p)": "your answer calls `my_gate`, which is still the stub `...`: write that one first",
    "return through(p) * ...": "there is still a `...` in your answer",
    "return my_none(p).relu()": "there is nothing, None, before `.relu`",
    "return through(p).relu": "your function returns the function `relu` itself; brackets call it: `relu()`",
    "return p.relu * 2": "`p.relu` is the method itself; brackets call it: `p.relu()`",
    "return p.relu.abs()": "`p.relu` is the method itself; brackets call it: `p.relu()`",
    "return through(p).rellu()": "a Tensor has no `.rellu`: did you mean `.relu`?",
    "return F.rellu(p)": "`torch.nn.functional` has no `.rellu`: did you mean `.relu`?",
    "return [p].relu()": "a list has no `.relu`: tensors have one: `torch.stack`",
    "return p.item().relu()": "your code raised RuntimeError",
    "return p + p[:4]": "two tensors do not fit together: axis 0 is 6 long in one and 4 in the other",
    "return p[None] @ p[None]": "matrices of (1, 6) and (1, 6) have no product",
    "return p.view(2, 3) @ p.double().view(3, 2)": "two dtypes meet where one alone is wanted",
    "return F.conv2d(p.view(1, 1, 2, 3), p.view(6, 1))": "`conv2d` takes pictures (B,C,H,W)",
    "return p[7]": "there is no place 7 on axis 0: it has 6, counted from 0",
    "return p.sum(1)": "there is no axis 1: the last one is 0",
    "return torch.autograd.grad(p.sum(), p)[0]": "nothing that the loss is made of asks for a gradient",
    "return through(p) if p > 0 else 0 * p": "a tensor of many truths is no single one",
    "return 1 - (p > 0)": "masks know no minus",
    "return 2(through(p))": "something that is no function stands before brackets; is a `*` missing?",
    "return F.softmax()": "`softmax` has to be told 'input' as well",
    "raise AttributeError('so it is')": "your code raised AttributeError",
    "raise NameError('so it is')": "your code raised NameError",
}


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence(line: str):
    message = said(line, my_gate=STUB, my_none=EMPTY)
    assert message.startswith(SENTENCES[line])


def test_a_name_that_is_not_known_shows_its_line_and_no_numbers():
    assert said("return oops").splitlines()[1:] == [
        "your cell, line 2, in rule", "    return oops", "NameError: name 'oops' is not defined"]


@pytest.mark.parametrize("head", ["p", "p, through, more", "", "*, p, through"])
def test_other_arguments_than_it_gets(head: str):
    report = course.check("6-guided", cell(f"def rule({head}):\n    return 0"))
    assert report.message == f"your function is called with 2 arguments, `p`, `through`; yours takes `({head})`"


def test_a_stub_is_one_only_if_it_does_nothing_else():
    assert course.check("6-guided", cell("def rule(p, through):\n    return ...")).state == "not tried yet"
    assert "calls" not in said("return my_gate(p) * oops", my_gate=lambda p: p[...])
    assert torch.equal(EMPTY.__globals__["torch"].ones(1), torch.ones(1))
