"""A user's own network: made by a function in a file of theirs, filled with their weights, tried once.

    net = made("my_module:make", "weights.safetensors")

An error inside that code is no fault of the audit: it is raised as it is, with one sentence added.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor, nn

from u3lab.audit.cases import at_once
from u3lab.checks import place, shown
from u3lab.errors import U3Error
from u3lab.nets import Classifier, ready, wrap
from u3lab.training.loop import fingerprint

WANTED = "a tensor of scores (1,K), or of maps of them, is wanted"
TWICE = 16  # pictures that are asked about a second time; a dropout of one score is alike twice for half of them
ENOUGH, SPREAD = 8, 0.25  # so many pictures, and so wide a range of their scores, tell probabilities from logits

STATES, PREFIXES = ("state_dict", "model_state_dict", "model"), ("module.", "model.", "net.", "_orig_mod.")
"""Where a training script keeps a state_dict, and what it puts before its names."""


@contextmanager
def inside(what: str, *, called: bool = False, more: str = "") -> Iterator[None]:
    """Add a sentence to what is raised in here that says whose code it is, and ``more``.

    ``called`` adds it only to what was raised while a torch module was called: the rest is not the user's.
    """
    try:
        yield
    except U3Error:
        raise
    except Exception as error:
        theirs = not called or any(frame.name == "_call_impl" for frame in traceback.extract_tb(error.__traceback__))
        if theirs and not getattr(error, "__notes__", None):
            error.add_note(f"This error arose inside {what}, and is shown as it was raised; the audit ends here.{more}")
        raise


def made(where: str, weights: str = "-") -> nn.Module:
    """Make a network in evaluation mode.

    Args:
        where: "my_module:make": a module that can be imported, or a file in this folder; and a function that is called
            without arguments and returns a torch module.
        weights: A file of its state_dict, safetensors or what torch.save wrote; "-" for none.

    Raises:
        U3Error: No such module or function, no torch module, weights that do not fit. What the code itself raises is
            passed on.
    """
    name, _, function = where.rpartition(":")
    if not name or not function:
        raise U3Error(f"{where!r} names no function; give module:function, such as my_module:make")
    module = _imported(name.removesuffix(".py"))
    if not callable(make := getattr(module, function, None)):
        raise U3Error(f"{name} has no function {function!r}; write one that returns your network")
    with inside(where):
        net = make()
    if not isinstance(net, nn.Module):
        raise U3Error(f"{where} returned {shown(net)}; a torch module is wanted")
    if weights != "-":
        _fill(net, place("weights", weights, "a file of weights"), where)
    return net.eval()


def _imported(name: str) -> object:
    file = Path(name.replace(".", "/") + ".py") if "/" not in name else Path(f"{name}.py")
    if not file.is_file():
        if "/" in name or importlib.util.find_spec(name.partition(".")[0]) is None:
            raise U3Error(f"there is no {file} here, and no module {name!r} is installed; give the name of your file")
        with inside(name):
            return importlib.import_module(name)
    sys.path.append(str(file.resolve().parent))  # for what it imports from beside it
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    with inside(str(file)):
        spec.loader.exec_module(module)
    return module


def _fill(net: nn.Module, file: Path, where: str) -> None:
    if not file.is_file():
        raise U3Error(f"there is no file {file}; give the weights of your network, or - for none")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            weights = load_file(file)
        else:
            weights = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # the parsers raise nearly anything on a broken file
        told = getattr(error, "strerror", None) or (
            "a whole module is in it" if "Unsupported" in str(error) else type(error).__name__)
        raise U3Error(f"{file} cannot be read as weights ({told}); give a state_dict, as safetensors or as torch.save "
                      "writes it") from None
    for name in STATES:
        weights = weights[name] if isinstance(weights, dict) and isinstance(weights.get(name), dict) else weights
    if isinstance(weights, dict) and not set(weights) & set(net.state_dict()):
        for prefix in PREFIXES:  # of what held the network while it learnt
            weights = {key.removeprefix(prefix): value for key, value in weights.items()}
    try:
        net.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        told = " ".join(str(error).split())
        raise U3Error(f"the weights in {file.name} do not fit {where}: {told[:200]}") from None


def asked(net: nn.Module, image: Tensor, where: str) -> object:
    """What the network answers about one picture, without a graph; ``where`` is what messages call it."""
    axes, kinds = ready(net).axes, {2: "pictures", 3: "volumes"}
    size = (f" It was given {tuple(image.shape)}; if it takes another size, give --size or --window, if other "
            f"channels, let {where} return nets.wrap(network, channels=…).")
    kind = next((p.dtype for p in net.parameters() if p.is_floating_point()), image.dtype)
    given = image if isinstance(net, Classifier) else image.to(kind)
    with inside(where, more=size), torch.no_grad():
        try:
            return net(given)
        except Exception as error:
            if isinstance(error, U3Error):
                raise
            if axes != image.ndim - 2:
                raise U3Error(f"{where} has convolutions for {kinds[axes]}, and what was read are "
                              f"{kinds[image.ndim - 2]}, {tuple(image.shape[1:])}; give a folder of "
                              f"{kinds[axes]}") from error
            if _without_channels(net, given):
                raise U3Error(f"{where} takes pictures {tuple(given.mean(1).shape)}, without an axis of channels; let "
                              "it return a module that gives the network x.mean(1)") from error
            raise


def weights_of(net: nn.Module) -> list[Tensor]:
    """All numbers of a network, to tell it from others; U3Error if they are of 8 bits."""
    if any(".quantized" in type(part).__module__ for part in net.modules()):
        raise U3Error("the network is quantised (int8), and an audit asks for slopes, of which it has none; "
                      "give the one that it was made from")
    return [one for one in net.state_dict().values() if isinstance(one, Tensor)]


def fingerprint_of(net: nn.Module) -> str:
    """What tells a network's weights from others."""
    return fingerprint([torch.empty(0), *weights_of(net)]).split()[-1]


def _without_channels(net: nn.Module, image: Tensor) -> bool:
    """Whether a network without a convolution takes (B,H,W): of one with, that could be (C,H,W)."""
    if not any(isinstance(part, (nn.Conv2d, nn.Conv3d)) for part in net.modules()):
        with suppress(Exception):
            net(image.mean(1))
            return True
    return False


def sound(net: Classifier, images: Tensor) -> None:
    """Refuse a network whose answers to these pictures are probabilities already, or other ones the second time.

    Scores with a sigmoid each that lie in [0,1] are taken for probabilities, and several that sum to 1, if those of all
    pictures do.
    """
    some, low, high, off = images[: min(TWICE, at_once(images))], torch.inf, -torch.inf, 0.0
    with torch.no_grad():
        once, twice = net(some), net(some)
        alone = net.sigmoid or once.shape[1] == 1
        if not torch.allclose(once, twice, rtol=1e-3, atol=1e-4):
            raise U3Error(f"{net.name} answers differently about the same pictures when it is asked twice, by up to "
                          f"{(once - twice).abs().max():.2g}; something in it is random, such as F.dropout without "
                          "training=self.training: turn that off")
        for batch in images.split(at_once(images)):
            scores = net(batch)
            low, high = min(low, float(scores.min())), max(high, float(scores.max()))
            off = max(off, high - 1 if alone else float((scores.sum(1) - 1).abs().max()))
    if len(images) >= ENOUGH and low >= 0 and off < 1e-3 and high - low > SPREAD:
        what = "lie in [0,1]" if alone else "are 0 or more and sum to 1"
        raise U3Error(f"the answers of {net.name} look like probabilities, since for all {len(images)} pictures they "
                      f"{what}; return logits, what goes into its last sigmoid or softmax")


def wrapped(net: nn.Module, images: Tensor, where: str = "the network") -> Classifier:
    """The network as methods take it, tried on a grey picture of this size: its layers, and where its scores are.

    Raises:
        U3Error: As :func:`u3lab.nets.wrap`. What the network raises is passed on.
    """
    if isinstance(net, Classifier):
        return net
    answer = asked(net, images[:1], where)
    if isinstance(answer, Tensor) and answer.ndim not in (1, 2, images.ndim):
        raise U3Error(f"{where} answers one picture with {shown(answer)}; {WANTED}")
    return wrap(net, size=tuple(images.shape[2:]), channels=images.shape[1], name=where, pictures=False)


def tried(net: nn.Module, images: Tensor, positive: str, where: str = "the network") -> int | str:
    """Ask the network about the first picture, and return the class that stands for the label ``positive``.

    That is the class of this name or this number. A network with at most two scores whose classes have no names has
    the finding last. One for segmentation has (1,K,…) scores, K for each pixel.

    Raises:
        U3Error: An answer that is not (1,K) or (1,K,…) scores, or no class that the label could mean. What the network
            raises is passed on.
    """
    answer = asked(net, images[:1], where)
    if not isinstance(answer, Tensor) or answer.ndim not in (2, images.ndim) or len(answer) != 1:
        told = f"a dict of {', '.join(map(str, answer))}" if isinstance(answer, dict) else shown(answer)
        raise U3Error(f"{where} answers one picture with {told}; {WANTED}")
    classes, count = (net.classes if isinstance(net, Classifier) else ()), answer.shape[1]
    if positive in classes:
        return positive
    if positive.isdigit() and int(positive) < count:
        return int(positive)
    if count <= 2 and not classes:
        return count - 1
    raise U3Error(f"which of the {count} classes of {where} is {positive!r}? Give its number as the label, or a "
                  "Classifier with classes=")
