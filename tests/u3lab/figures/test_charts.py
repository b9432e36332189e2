"""Figures and pixels: colours mean what they say, every figure has words, nothing is left behind, slips are told."""

import base64
import io
import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation
from PIL import Image

from tests.helpers import refuses
from u3lab import figures, pixels
from u3lab.figures import canvas, collage, given
from u3lab.figures.matrices import heatmap


def picture(height=40, width=40, seed=0):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def opened(png):
    return Image.open(io.BytesIO(png))


@pytest.fixture
def sheets(monkeypatch):
    """The sheets that charts are drawn on, as they are when the chart is finished."""
    drawn = []
    monkeypatch.setattr(canvas, "levels", lambda sheet: drawn.append(sheet) or np.full((8, 8, 3), 255, np.uint8))
    return drawn


def labels(axis):
    """Place on an axis → the word that stands there."""
    return {round(tick): label.get_text() for tick, label in
            zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)}


def legend(sheet):
    """Name in the legend → the colour beside it."""
    (box,) = sheet.legends
    colours = [(key.get_facecolor() if isinstance(key, Rectangle) else key.get_color()) for key in box.legend_handles]
    return {text.get_text(): to_hex(colour) for text, colour in zip(box.get_texts(), colours, strict=True)}


def places_of(texts):
    """Words → where they stand, (x, y)."""
    return {text.get_text(): tuple(text.xy if isinstance(text, Annotation) else text.get_position()) for text in texts}


# ---- maps and their colours

@pytest.mark.parametrize("shape", [(9, 7), (1, 9, 7), (5, 9, 7), (1, 1, 9, 7), (1, 64, 9, 7)])
@pytest.mark.parametrize("signed", [False, True])
def test_heat_has_one_colour_for_each_pixel_of_the_map(shape, signed):
    coloured = pixels.heat(torch.randn(shape), signed=signed)
    assert coloured.shape == (1, 3, 9, 7)
    assert coloured.dtype == torch.float32 and 0 <= coloured.min() and coloured.max() <= 1


@pytest.mark.parametrize("signed, colour", [(False, (0.0, 0.0, 0.0)), (True, (1.0, 1.0, 1.0))])
def test_a_zero_map_has_the_colour_of_zero(signed, colour):
    coloured = pixels.heat(torch.zeros(1, 3, 4, 4), signed=signed)
    assert torch.allclose(coloured, torch.tensor(colour).view(1, 3, 1, 1).expand_as(coloured), atol=0.02)
    map = torch.zeros(1, 3, 4, 4)
    assert torch.equal(pixels.signed_rgb(map), torch.full((1, 3, 4, 4), 0.5))
    map[0, 0, 0, 0], map[0, 2, 1, 1] = 2.0, -2.0
    shown = pixels.signed_rgb(map)
    assert shown[0, :, 0, 0].tolist() == [1.0, 0.5, 0.5] and shown[0, :, 1, 1].tolist() == [0.5, 0.5, 0.0]


def test_signed_colours_tell_the_sign():
    negative, zero, positive = pixels.heat(torch.tensor([[-1.0, 0.0, 1.0], [-0.5, 0.0, 0.5]]),
                                           signed=True)[0].unbind(-1)
    assert torch.equal(zero, torch.ones(3, 2)), "zero is exactly white"
    assert (negative[2] > negative[0]).all() and (positive[0] > positive[2]).all(), "blue below, vermilion above"
    assert negative.sum(0)[0] < negative.sum(0)[1] < 3 and positive.sum(0)[0] < positive.sum(0)[1] < 3


def test_signed_and_unsigned_differ_for_people_who_see_no_red_or_green():
    strong = pixels.heat(torch.tensor([[-0.6, 0.6]]), signed=True, scale=1.0)[0, :, 0]
    assert (strong[2, 0] - strong[2, 1]).abs() > 0.4, "the blue channel alone separates the signs"


def test_channels_are_summed_with_sign_and_maximised_without():
    two = torch.tensor([[[1.0, -3.0]], [[-1.0, 1.0]]])
    assert torch.equal(pixels.heat(two, signed=True), pixels.heat(torch.tensor([[0.0, -2.0]]), signed=True))
    assert torch.equal(pixels.heat(two), pixels.heat(torch.tensor([[1.0, 3.0]])))


def test_unsigned_colours_grow_lighter_with_the_magnitude():
    light = pixels.heat(torch.linspace(0, 1, 50)[None])[0, :, 0].T @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert (light.diff() > 0).all()


def test_one_outlier_does_not_darken_the_rest_and_a_sparse_map_is_seen():
    map = torch.ones(40, 40)
    map[0, 0] = 1e6
    assert torch.equal(pixels.heat(map), pixels.heat(torch.ones(40, 40)))
    spot = torch.zeros(40, 40)
    spot[3, 3] = 1e-12
    assert pixels.heat(spot)[0, :, 3, 3].sum() > 2


def test_a_common_scale_makes_maps_comparable():
    weak, strong = torch.full((4, 4), 0.25), torch.full((4, 4), 0.5)
    assert torch.equal(pixels.heat(weak), pixels.heat(strong))
    assert pixels.heat(weak, scale=1.0).sum() < pixels.heat(strong, scale=1.0).sum()


def test_overlay_stretches_the_map_bilinearly_over_the_grey_picture():
    image, map = picture(), torch.zeros(1, 8, 2, 2)
    map[..., 0, 0] = 1
    over = pixels.overlay(image, map)
    assert over.shape == (1, 3, 40, 40)
    grey = (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True).expand_as(image)
    assert torch.allclose(over[..., 31:, 31:], grey[..., 31:, 31:], atol=1e-6), "no attribution, only the picture"
    assert torch.allclose(pixels.overlay(image, map, opacity=0), grey, atol=1e-6)
    stretched = torch.nn.functional.interpolate(map[:, :1], (40, 40), mode="bilinear", align_corners=False)
    assert torch.allclose(pixels.overlay(image, map, opacity=1), pixels.overlay(image, stretched, opacity=1), atol=1e-6)


def test_maps_with_a_graph_and_strided_maps_are_taken_and_left_alone():
    map = torch.randn(4, 6, requires_grad=True)
    before = map.detach().clone()
    assert torch.equal(pixels.heat(map.T), pixels.heat(before.T.contiguous()))
    assert torch.equal(map, before) and not pixels.heat(map).requires_grad


# ---- bytes

@pytest.mark.parametrize("layout", ["1chw", "chw", "hwc", "channels_last"])
def test_png_is_exact_to_eight_bits(layout):
    levels = torch.randint(0, 256, (3, 20, 30), generator=torch.Generator().manual_seed(1))
    image = {"1chw": lambda x: x[None], "chw": lambda x: x, "hwc": lambda x: x.permute(1, 2, 0),
             "channels_last": lambda x: x[None].contiguous(memory_format=torch.channels_last)}[layout](levels / 255)
    assert np.array_equal(np.asarray(opened(pixels.png(image))), levels.permute(1, 2, 0).numpy())


def test_png_rounds_and_keeps_grey_grey_and_jpeg_is_smaller():
    ramp, noise = torch.linspace(0, 1, 64).expand(1, 3, 64, 64).contiguous(), picture(128, 128)
    found = np.asarray(opened(pixels.jpeg(ramp)), dtype=float) / 255
    assert np.abs(found - ramp[0].permute(1, 2, 0).numpy()).max() < 0.03
    assert len(pixels.jpeg(noise)) < len(pixels.png(noise)) / 2
    grey = torch.tensor([[0.0, 0.499 / 255, 0.501 / 255, 1.0]])
    for image in (grey, grey[None, None]):
        found = opened(pixels.png(image))
        assert found.mode == "L" and np.asarray(found).tolist() == [[0, 0, 1, 255]]


# ---- slips

@pytest.mark.parametrize("make, words", [
    (lambda: pixels.png(torch.rand(2, 3, 8, 8)), "take images"),
    (lambda: pixels.png(torch.rand(1, 4, 8, 8)), r"\(1, 4, 8, 8\)"),
    (lambda: pixels.png(torch.rand(8)), "shape"),
    (lambda: pixels.png(torch.rand(1, 3, 0, 8)), "shape"),
    (lambda: pixels.png(torch.full((1, 3, 8, 8), math.nan)), "NaN"),
    (lambda: pixels.jpeg(torch.rand(1, 3, 8, 8) * 255), r"\[0,1\]"),
    (lambda: pixels.jpeg(torch.rand(1, 3, 8, 8) - 0.5), r"\[0,1\]"),
    (lambda: pixels.jpeg(torch.zeros(3, 8, 8, dtype=torch.uint8)), "uint8"),
    (lambda: pixels.jpeg(picture(), quality=100), "quality"),
    (lambda: pixels.heat(torch.rand(2, 1, 8, 8)), "one map"),
    (lambda: pixels.heat(torch.rand(0, 8)), "one map"),
    (lambda: pixels.heat(torch.full((8, 8), math.inf)), "infinite"),
    (lambda: pixels.heat(torch.rand(8, 8), scale=0.0), "scale"),
    (lambda: pixels.signed_rgb(torch.rand(1, 64, 8, 8)), "64"),
    (lambda: pixels.overlay(picture(), torch.rand(8, 8), opacity=2), "opacity"),
    (lambda: pixels.overlay(picture() * 3, torch.rand(8, 8)), r"\[0,1\]"),
    (lambda: figures.grid([], alt="x"), "no pictures"),
    (lambda: figures.grid([picture(), picture() * 2], alt="x"), "picture 1 of the grid"),
    (lambda: figures.grid([picture()] * 3, titles=["a", "b"], alt="x"), "2 titles for 3 pictures"),
    (lambda: figures.grid([picture()] * 3, rows=["a", "b"], alt="x"), "2 rows"),
    (lambda: figures.grid([picture()] * 4, rows=["a", "b"], columns=4, alt="x"), "4 columns"),
    (lambda: figures.grid([picture()] * 90, columns=90, alt="x"), "fewer columns"),
    (lambda: figures.curves({}, "x", "y", alt="x"), "no curves"),
    (lambda: figures.curves({"a": ([1, 2], [1, 2, 3])}, "x", "y", alt="x"), "'a'"),
    (lambda: figures.curves({"a": "text"}, "x", "y", alt="x"), "holds no numbers"),
    (lambda: figures.answered([picture()[0]] * 3, [True]), "3 pictures, 1 marks and 1 words"),
    (lambda: figures.points({}, "x", "y", alt="x"), "no points"),
    (lambda: figures.points({"a": (1, 0.5, 0.6, 0.7)}, "x", "y", alt="x"), "low ≤ value ≤ high"),
    (lambda: figures.points({"a": (1, 0.5)}, "x", "y", alt="x"), "four finite numbers"),
    (lambda: figures.points({"a": (0, 1, 1, 1)}, "x", "y", xscale="log", alt="x"), "above 0 on a logarithmic"),
    (lambda: figures.bars({}, "x", alt="x"), "no bars"),
    (lambda: figures.bars({"net": {}}, "x", alt="x"), "no bars"),
    (lambda: figures.bars({"a": (0.5, 0.6, 0.7)}, "x", alt="x"), "low ≤ value ≤ high"),
    (lambda: figures.bars({"a": math.nan}, "x", alt="x"), "finite"),
    (lambda: figures.table([[0.1, 0.2]], ["a"], ["x"], alt="x"), "1 rows and 1 columns"),
    (lambda: figures.table([[math.nan]], ["a"], ["x"], alt="x"), "finite"),
    (lambda: figures.table(torch.zeros(0, 1), [], ["x"], alt="x"), "at least one"),
    (lambda: figures.classes(["a", "b"], torch.zeros(1, 3)), "2 classes"),
    (lambda: figures.classes(["a", "b"], torch.tensor([math.nan, 0.0]), top=1), "NaN"),
    (lambda: figures.classes(["a", "b"], torch.zeros(1, 2), top=5), "top = 5; give a whole number from 1 to 2"),
])
def test_a_slip_is_told(make, words):
    refuses(make, says=words)


# ---- figures

FIGURES = {
    "grid": lambda **more: figures.grid([picture(), pixels.heat(torch.randn(7, 7))], titles=["picture", "map"], **more),
    "curves": lambda **more: figures.curves({"a": [1, 2, 3], "b": ([0, 1, 2], [3, 2, 1], [2, 1, 0], [4, 3, 2])},
                                            "iteration", "loss", **more),
    "points": lambda **more: figures.points({"a": (1, 0.5, 0.4, 0.6), "b": (9, -0.1, -0.2, 0.1)}, "weights", "gain",
                                            **more),
    "bars": lambda **more: figures.bars({"a": 0.5, "b": (0.4, 0.3, 0.6)}, "share", chance=0.25, **more),
    "groups": lambda **more: figures.bars({"one": {"a": 0.5, "b": -0.4}, "two": {"b": 0.2}}, "share", **more),
    "table": lambda **more: figures.table([[1.0, -0.2], [0.0, 0.5]], ["a", "b"], ["a long name", "y"], **more),
    "classes": lambda **more: figures.classes(["cat", "dog"], torch.tensor([[2.0, 0.0]]), top=2, **more),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_its_png_once_with_its_words(name):
    figure = FIGURES[name](alt=" What it\nshows. ")
    data, metadata = figure._repr_mimebundle_()
    kind = "image/jpeg" if name == "grid" else "image/png"
    assert set(data) == {kind, "text/plain"} and kind == f"image/{figure.format}"
    assert data["text/plain"] == figure.alt == "What it shows."
    assert base64.b64decode(data[kind]) == figure.data
    ink = {} if name in ("grid", "table") else {"line_art": True}  # what a dark page may turn light on dark
    assert metadata == {kind: {"alt": "What it shows.", **ink}}
    assert repr(figure) == f"Figure(alt='What it shows.', line_art={bool(ink)})"


@pytest.mark.parametrize("name", ["grid", "curves"])
def test_a_caption_stands_below_the_picture_which_stays_as_it_is(name):
    figure = FIGURES[name](alt="x")
    before, after = (np.asarray(opened(one.data).convert("RGB")).astype(int)
                     for one in (figure, figure.captioned("These are the words, " * 20)))
    high, wide = before.shape[:2]
    below = after[high:]
    assert abs(after[:high, :wide] - before).mean() < 1 and (below < 128).any() and (below[:, -3:] > 200).all()
    assert len(below) > 3 * len(np.asarray(opened(figure.captioned("Words.").data))[high:]) / 2  # in several lines


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_a_small_opaque_light_card(name):
    image = opened(FIGURES[name](alt="x").data)
    if name == "grid":
        assert image.mode == "RGB" and image.info["comment"] == b"x"
    else:
        assert image.mode == "P" and "transparency" not in image.info and image.info["Description"] == "x"
    corners = np.asarray(image.convert("RGB"))[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners >= 248).all()
    assert max(image.size) <= 900


@pytest.mark.parametrize("alt", ["", "  \n", None])
@pytest.mark.parametrize("name", [name for name in FIGURES if name != "classes"])
def test_a_figure_without_words_is_refused(name, alt):
    refuses(FIGURES[name], alt=alt, says="alt text")
    refuses(FIGURES[name], says="alt text")


def test_classes_describes_itself_and_keeps_namesakes_apart():
    close = torch.tensor([1.0, 1.0 + 1e-10], dtype=torch.float64)
    assert figures.classes(["a", "b"], close, top=1).alt.startswith("Most probable classes: b ")
    figure = figures.classes(["crane", "cat", "crane"], torch.tensor([2.0, -9.0, 2.0]), top=2)
    assert figure.alt in ("Most probable classes: crane 50 %, crane (2) 50 %.",
                          "Most probable classes: crane 50 %, crane (0) 50 %.")


def test_nothing_of_pyplot_is_left_and_the_notebooks_style_stays():
    import matplotlib
    from matplotlib import pyplot

    with matplotlib.rc_context():
        pyplot.style.use("dark_background")
        style = dict(matplotlib.rcParams)
        dark = {name: make(alt="x").data for name, make in FIGURES.items() if name != "grid"}
        assert dict(matplotlib.rcParams) == style
    assert dark == {name: FIGURES[name](alt="x").data for name in dark}
    assert pyplot.get_fignums() == []


def test_a_photo_grid_keeps_its_colours_and_stays_small():
    y, x = torch.meshgrid(torch.linspace(0, 1, 227), torch.linspace(0, 1, 227), indexing="ij")
    smooth = torch.stack([x, y, 1 - x])[None]
    figure = figures.grid([smooth] * 8, columns=4, alt="x")
    shown = np.asarray(opened(figure.data).convert("RGB"), dtype=float)
    cell = shown[14:14 + 210, 14:14 + 210] / 255
    wanted = torch.nn.functional.interpolate(smooth, (210, 210), mode="bilinear")[0].permute(1, 2, 0).numpy()
    blurred = [torch.nn.functional.avg_pool2d(torch.as_tensor(a, dtype=torch.float32).permute(2, 0, 1), 10) for a in
               (cell, wanted)]
    assert (blurred[0] - blurred[1]).abs().max() < 0.04
    assert len(figure.data) < 250_000


NAMES = ["cat", "dog", "cup", "spoon"]

# ---- charts read back: what stands at each place is what was given

def test_curves_bands_and_their_names_are_where_they_were_given(sheets):
    band = ([4.0, 2.0, 1.0], [1.0, 5.0, 2.0], [0.5, 3.0, 1.5], [2.5, 5.5, 4.0])
    figures.curves({"falling": [9, 4, 3], "with a band": band}, "steps", "loss", title="Two.", alt="x",
                   ticks=["none", "one", "two"])
    axes = sheets[0].axes[0]
    first, second = axes.lines
    assert first.get_xydata().tolist() == [[0, 9], [1, 4], [2, 3]]
    assert second.get_xydata().tolist() == [[x, y] for x, y, *_ in zip(*band, strict=True)]
    assert legend(sheets[0]) == {"falling": first.get_color(), "with a band": second.get_color()}
    (shaded,) = axes.collections
    outline = shaded.get_paths()[0].vertices
    for x, _, low, high in zip(*band, strict=True):
        found = outline[outline[:, 0] == x, 1]
        assert (found.min(), found.max()) == (low, high)
    assert to_hex(shaded.get_facecolor()[0]) == second.get_color()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")) == ("steps", "loss", "Two.")
    assert labels(axes.xaxis) == {0: "none", 1: "one", 2: "two"}
    assert not axes.xaxis_inverted() and not axes.yaxis_inverted()


def test_a_wrong_answer_differs_in_colour_frame_and_words():
    grey = torch.full((3, 32, 32), 0.5)
    figure = figures.answered([grey, grey], [True, False], ["hen", "cat"], width=400)
    assert figure.alt == "1 of 2 pictures have a right answer."
    image = np.asarray(opened(figures.answered([grey, grey], [True, False], width=200).data), float)
    blue, red = image[:, :100], image[:, 100:]
    assert (blue[..., 2] - blue[..., 0] > 90).mean() > 0.05 and (blue[..., 0] - blue[..., 2] > 90).mean() < 0.01
    assert (red[..., 0] - red[..., 2] > 90).mean() > 0.15  # the corner is part of it
    assert (red.min(-1) > 220).sum() > (blue.min(-1) > 220).sum() + 20  # a white cross in it
    assert (red[..., 2] - red[..., 0] > 90).mean() < 0.01


def test_a_picture_that_nothing_was_asked_about_has_neither_frame_nor_mark():
    grey = torch.full((3, 32, 32), 0.5)
    figure = figures.answered([grey, grey, grey], [None, True, False], rows=["seen", "right", "wrong"], width=200)
    assert figure.alt == "1 of 2 pictures have a right answer."
    image = np.asarray(opened(figure.data), float)
    first = image[: len(image) // 3 - 4]
    assert (abs(first[..., 0] - first[..., 2]) > 60).mean() < 0.001  # neither blue nor red
    assert (abs(image[len(image) // 3 :, :, 0] - image[len(image) // 3 :, :, 2]) > 60).mean() > 0.05


def test_points_their_intervals_and_names_are_where_they_were_given(sheets):
    values = {"few": (1.0, 0.5, 0.25, 0.75), "many": (10.0, -0.25, -0.5, 0.125)}
    figures.points(values, "weights", "gain", xscale="log", alt="x")
    axes = sheets[0].axes[0]
    assert places_of(axes.texts) == {name: (x, y) for name, (x, y, *_) in values.items()}
    ends = [tuple(map(float, segment.flatten())) for bars in axes.collections for segment in bars.get_segments()]
    assert ends == [(x, low, x, high) for x, _, low, high in values.values()]
    assert [word.get_horizontalalignment() for word in axes.texts] == ["left", "right"]  # none leaves the chart
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("weights", "gain", "log")
    assert any(set(line.get_ydata()) == {0} for line in axes.lines)
    figures.points({"a": (1.0, 0.5, 0.2, 0.7, 0.5, 2), "b": (1.1, 0.5, 0.5, 0.5), "c": (9, 0, 0, 0)}, "x", "y", alt="x")
    across, *_ = [bars.get_segments()[0].flatten().tolist() for bars in sheets[1].axes[0].collections]
    assert across == [0.5, 0.5, 2.0, 0.5]  # an interval of x, too
    assert [word.get_horizontalalignment() for word in sheets[1].axes[0].texts] == ["right", "left", "right"]


def test_bars_whiskers_chance_and_words_are_where_they_were_given(sheets):
    values = {"top": (0.5, 0.375, 0.875), "middle": 0.25, "least": (-0.375, -0.75, -0.25)}
    figures.bars(values, "share", chance=0.3125, alt="x")
    axes = sheets[0].axes[0]
    given = {name: value if isinstance(value, tuple) else (value,) * 3 for name, value in values.items()}
    assert labels(axes.yaxis) == dict(enumerate(values)) and axes.yaxis_inverted() and not axes.xaxis_inverted()
    bars = {labels(axes.yaxis)[round(bar.get_y() + bar.get_height() / 2)]: (bar.get_x(), bar.get_width())
            for bar in axes.patches}
    assert bars == {name: (0, value) for name, (value, *_) in given.items()}
    (whiskers,) = axes.collections
    ends = {labels(axes.yaxis)[round(low[1])]: (low[0], high[0]) for low, high in whiskers.get_segments()}
    assert ends == {name: (low, high) for name, (_, low, high) in given.items() if low < high}
    words = places_of(axes.texts)
    assert {word: labels(axes.yaxis)[round(y)] for word, (_, y) in words.items()} == {
        "0.50": "top", "0.25": "middle", "−0.38": "least"}
    assert [x for x, _ in words.values()] == [0.875, 0.25, -0.75], "beyond bar and whisker"
    assert [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [0.3125]
    assert list(legend(sheets[0])) == ["chance: 0.312"] and axes.get_xlabel() == "share"


@pytest.mark.parametrize("decimals, written", [(None, ["8", "132"]), (0, ["8", "132"]), (1, ["7.5", "132.3"])])
def test_bars_say_their_values_with_so_many_decimals(sheets, decimals, written):
    figures.bars({"a": 7.5, "b": 132.3465}, "share", decimals=decimals, alt="x")
    assert [words.get_text() for words in sheets[0].axes[0].texts] == written


def test_bars_of_groups_keep_to_their_names(sheets):
    groups = {"one": {"a": 0.5, "b": 0.375, "c": 0.125}, "two": {"c": 0.75, "a": 0.25}}
    figures.bars(groups, "share", alt="x")
    axes = sheets[0].axes[0]
    for members, bars in zip(groups.values(), axes.containers[::2], strict=True):  # every other one has the whiskers
        found = {labels(axes.yaxis)[round(bar.get_y() + bar.get_height() / 2)]: bar.get_width() for bar in bars}
        assert found == members and legend(sheets[0])[bars.get_label()] == to_hex(bars[0].get_facecolor())
    assert list(legend(sheets[0])) == list(groups)
    ordered = sorted((bar.get_y(), bars.get_label()) for bars in axes.containers[::2] for bar in bars)
    assert [label for _, label in ordered] == ["one", "two", "one", "one", "two"]
    middles = {round(bar.get_y() + bar.get_height() / 2, 6) for bars in axes.containers[::2] for bar in bars}
    assert middles == {-0.2, 0.2, 1, 1.8, 2.2}, "a bar alone stands beside its name"


def luminance(colour):
    return np.dot([0.2126, 0.7152, 0.0722],
                  [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def contrast(colour, other):
    """WCAG's contrast of two colours; parts of a picture have 3."""
    low, high = sorted(luminance(one) + 0.05 for one in (colour, other))
    return high / low


def test_whiskers_show_on_every_colour_of_bars(sheets):
    """With a halo where ink and bar are less than 3 to 1 apart, WCAG's contrast for parts of a picture."""
    for names in ([f"group {n}" for n in range(len(figures.COLOURS))], list(canvas.METHODS)):
        figures.bars({name: {"a": (0.5, 0.25, 0.75)} for name in names}, "share", alt="x")
        axes = sheets[-1].axes[0]
        for bars, whiskers in zip(axes.containers[::2], axes.containers[1::2], strict=True):
            close = contrast(bars[0].get_facecolor(), canvas.INK) < 3
            haloes = {bool(part.get_path_effects()) for part in (*whiskers.lines[1], *whiskers.lines[2])}
            assert haloes == {close}, to_hex(bars[0].get_facecolor())


@pytest.mark.parametrize("kind", ["curves", "points", "bars"])
def test_a_method_has_one_colour_in_every_chart(kind, sheets):
    """Wherever it stands, with whomever; others take what is left, and no two series of a chart look alike."""
    value = {"curves": [0.5, 0.75], "points": (1, 0.5, 0.25, 0.75), "bars": {"a": 0.5}}[kind]
    seen = {}
    for names in (["fine-tuning", "a new one", "parallel"], ["parallel", "chance", "random weights (3)", "another one"],
                  ["features, plain", "features, serial", "fine-tuning"], list("abcdefg"),
                  ["b", "random weights", "features"]):
        getattr(figures, kind)(dict.fromkeys(names, value), "x", *["y"] * (kind != "bars"), alt="x")
        drawn = [to_hex(one.lines[0].get_color()) for one in sheets[-1].axes[0].containers] if kind == "points" else [
            legend(sheets[-1])[name] for name in names]
        assert len(set(drawn)) == len(names) == len(drawn)
        for name, colour in zip(names, drawn, strict=True):
            seen.setdefault(name.partition(" (")[0].removesuffix(", plain"), set()).add(colour)
    assert {name: {colour} for name, colour in canvas.METHODS.items() if name in seen} == {
        name: colours for name, colours in seen.items() if name in canvas.METHODS}
    assert len(seen.keys() & canvas.METHODS.keys()) == 5


def test_colours_of_methods_show_on_the_card_and_differ_where_they_meet():
    """The card is as light on a dark page. What meets in a chart of more than one chapter is told apart by colour."""
    assert all(contrast(colour, canvas.CARD) >= 3 for colour in canvas.METHODS.values())
    for together in (("features", "last block", "fine-tuning", "serial", "parallel", "low rank", "scratch", "chance"),
                     ("squeezenet1_1", "efficientnet_lite0"), ("pixels", "network, not trained", "network, trained"),
                     ("edges (no network)", "guided", "LRP z⁺", "gradient", "Grad-CAM", "deconvnet", "mask"),
                     ("trained", "not trained", "guessing"), ("supervised", "random weights", "pixels", "chance")):
        assert len({canvas.METHODS[name] for name in together}) == len(together), together
    for same in (("features", "frozen features"), ("SqueezeNet", "squeezenet1_1"), ("random weights", "not trained")):
        assert len({canvas.METHODS[name] for name in same}) == 1


def test_own_results_have_the_colour_of_what_they_stand_beside():
    names = ["parallel", "parallel (yours)", "new", "new (yours)", "only (yours)"]
    parallel, its, new, news, only = canvas.colours(names)
    assert parallel == its == canvas.METHODS["parallel"] and new == news and len({parallel, new, only}) == 3
    assert canvas.colours(["Lite0 (yours)", "Lite0"]) == [canvas.METHODS["Lite0"]] * 2


def test_the_likeliest_classes_stand_on_top_with_their_probability(sheets):
    figures.classes(["cat", "dog", "hen", "cup"], torch.tensor([0.1, 0.6, 0.05, 0.25]).log(), top=3)
    axes = sheets[0].axes[0]
    assert labels(axes.yaxis) == {0: "dog", 1: "cup", 2: "cat"}
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([60, 25, 10])


@pytest.mark.parametrize("by_column, lightness", [
    (False, [[0, 1 / 3, 0.1], [1, 0.8, 0.2]]), (True, [[0, 0, 0], [1, 1, 1]])])
def test_a_table_has_each_number_in_its_cell_in_ink_that_can_be_read(sheets, by_column, lightness):
    values = [[0, 10, 3], [30, 24, 6]]
    figures.table(values, ["first", "second"], ["x", "y", "z"], by_column=by_column, alt="x")
    axes = sheets[0].axes[0]
    (image,) = axes.images
    assert np.asarray(image.get_array()) == pytest.approx(np.array(lightness)) and image.get_clim() == (0, 1)
    assert labels(axes.yaxis) == {0: "first", 1: "second"} and labels(axes.xaxis) == {0: "x", 1: "y", 2: "z"}
    assert axes.yaxis_inverted() and not axes.xaxis_inverted(), "the first row on top, the first column on the left"
    assert places_of(axes.texts) == {f"{value}": (column, row) for row, line in enumerate(values)
                                     for column, value in enumerate(line)}
    for text in axes.texts:
        column, row = text.get_position()
        paper = image.to_rgba(np.array(lightness))[row, column, :3] @ (0.2126, 0.7152, 0.0722)
        assert abs(paper - {"black": 0, "white": 1}[text.get_color()]) > 0.5


def test_a_heat_map_has_each_value_its_names_and_forks_in_place(sheets):
    values = torch.tensor([[1.0, 0.5, 0.2, -0.1], [0.4, 1.0, -0.3, 0.0], [0.1, 0.2, 1.0, 0.3], [-0.5, 0.0, 0.1, 1.0]])
    heatmap(values, NAMES, alt="x")
    axes = sheets[0].axes[0]
    wanted = pixels.heat(values.clamp(-0.5, 0.5), signed=True, scale=0.5)[0].permute(1, 2, 0)
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(wanted.numpy())
    assert labels(axes.xaxis) == labels(axes.yaxis) == dict(enumerate(NAMES))
    assert axes.yaxis_inverted() and not axes.xaxis_inverted()
    kinds = ["bird"] * 3 + ["beast"] * 3 + ["cup"] * 3
    paths = [(str(n), kind, "animal" if n < 6 else "thing", "all") for n, kind in enumerate(kinds)]
    heatmap(torch.eye(9), [str(n) for n in range(9)], paths=paths, alt="x")
    forks = places_of(sheets[1].axes[0].texts)
    assert {word: y for word, (_, y) in forks.items()} == {"bird": 1, "beast": 4, "cup": 7}


def test_logarithmic_axes_are_marked_with_plain_numbers(sheets):
    figures.curves({"a": ([1, 5, 500], [90, 20, 4])}, "n", "error", alt="x", xscale="log", yscale="log")
    axes = sheets[0].axes[0]
    sheets[0].canvas.draw()
    for axis, wanted in ((axes.xaxis, {"1", "2", "5", "500"}), (axes.yaxis, {"5", "20", "50"})):
        assert axis.get_scale() == "log" and wanted <= {label.get_text() for label in axis.get_ticklabels()}
    refuses(figures.curves, {"a": [1, 2]}, "n", "error", alt="x", xscale="loud", says="xscale")


# ---- the layout of a grid

def test_titles_are_wrapped_to_their_cells():
    page = collage.Page()
    for title in ("guided backprop with its sign", "electroencephalographically", "two\nlines of a title", "λ = 0.5"):
        wrapped = page.wrap(title, 90)
        assert page.width(wrapped) <= 90
        assert "".join(wrapped.split()) == "".join(title.split())


def test_a_grid_of_coloured_noise_is_a_figure_too():
    """It takes more than one byte a pixel."""
    noise = [(torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(seed)) > 0.5).float()
             for seed in range(4)]
    figure = figures.grid(noise, width=560, alt="Four squares of coloured noise.")
    assert len(figure.data) > 100_000


def test_words_and_pictures_of_a_grid_never_meet(monkeypatch):
    seen = {}

    def render(page, width, height, cells, words):
        seen.update(page=page, width=width, height=height, cells=cells, words=words)
        return np.zeros((height, width, 3), np.uint8)

    monkeypatch.setattr(collage.Page, "render", render)
    shades = [torch.full((1, 3, *size), n / 255) for n, size in enumerate([(30, 50), (60, 40)] * 3)]
    collage.draw(collage.Page(), shades, [f"a rather long title for cell {n}" for n in range(6)], 3,
                 ["a long label for the first row", "second"], 500)
    corners = {int(cell[0, 0, 0]): (x, y) for x, y, cell in seen["cells"]}
    assert sorted(corners, key=lambda n: corners[n][::-1]) == list(range(6)), "row after row, from left to right"
    for n, (x, y, cell) in enumerate(seen["cells"]):
        over = [text for across, below, text, *where in seen["words"] if where == ["center", "bottom"]
                and abs(across - x - cell.shape[1] / 2) < 1 and 0 <= y - below < 8]
        assert [text.split()[-1] for text in over] == [str(n)]
    beside = {text.split()[-1]: y for _, y, text, across, _ in seen["words"] if across == "right"}
    assert corners[0][1] < beside["row"] < corners[3][1] < beside["second"]
    boxes = [(x, y, x + p.shape[1], y + p.shape[0]) for x, y, p in seen["cells"]]
    for x, y, text, across, along in seen["words"]:
        w, h = seen["page"].width(text), seen["page"].height(text)
        left = x - (w / 2 if across == "center" else w)
        top = y - (h if along == "bottom" else h / 2)
        boxes.append((left, top, left + w, top + h))
    assert len(boxes) == 6 + 6 + 2
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0 and top >= 0 and right <= seen["width"] == 500 and bottom <= seen["height"]
        assert not any(left < r and x < right and top < b and y < bottom for x, y, r, b in boxes[:i])


def test_a_coarse_map_keeps_square_pixels():
    figure = figures.grid([torch.eye(2)], alt="x", width=128)
    shown = np.asarray(opened(figure.data).convert("L"))
    assert shown.shape == (128, 128)
    square = shown[14:114, 14:114] > 127
    assert square[:50, :50].all() and square[50:, 50:].all() and square.sum() == 5000


# ---- the heat map of a matrix

@pytest.mark.parametrize(("values", "names"), [
    (torch.eye(3), NAMES), (torch.eye(4) * float("nan"), NAMES), (torch.ones(1, 1), ["cat"])])
def test_slips_are_told(values, names):
    refuses(heatmap, values, names, alt="Nothing.", says="a heat map of shape")
    refuses(heatmap, torch.eye(4), NAMES, says="alt")


def test_what_rounds_to_zero_has_no_minus(sheets):
    figures.bars({"a": -0.0001, "b": -0.5}, "difference", alt="Two bars.")
    assert [text.get_text() for text in sheets[0].axes[0].texts] == ["0.00", "−0.50"]


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor, lambda values: [np.float64(v) for v in values],
                                  lambda values: torch.tensor(values, dtype=torch.float64)])
def test_numbers_keep_all_their_digits(form):
    """A list would become float32: years in seconds would be minutes apart, and shares near 1 the same."""
    values = [1.7e9 + 1, 1.7e9 + 2] if form is not torch.tensor else [2.0**23 + 1, 2.0**23 + 2]
    assert given.numbers("x", form(values)).tolist() == values
    assert given.bar("x", (1 - 1e-12, 1 - 2e-12, 1.0)) == (1 - 1e-12, 1 - 2e-12, 1.0)
    refuses(given.numbers, "x", [1j], says="holds no numbers")
    refuses(given.numbers, "x", torch.tensor([1j]), says="holds no numbers")
    refuses(given.numbers, "x", ["1"], says="holds no numbers")
