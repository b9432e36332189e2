"""Films of one's own: frames, animations and videos become clips, what cannot be read a sentence."""

import builtins
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.helpers import refuses
from u3lab.datasets import clips


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (40, 30), (level,) * 3)


@pytest.fixture()
def frames(tmp_path: Path) -> Path:
    """Two folders of frames: five that get lighter, and three dark ones."""
    for name, levels in (("lighter", (0, 50, 100, 150, 200)), ("dark", (0, 0, 0))):
        (tmp_path / name).mkdir()
        for n, level in enumerate(levels):
            grey(level).save(tmp_path / name / f"{n:02}.png")
    return tmp_path


def video(path: Path, *, rate: int = 30, seconds: float = 1.0, pitch: float | None = 440.0, loud: float = 0.5) -> Path:
    """A video whose brightness is its time; with a tone, if any."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as file:
        seen = file.add_stream("mpeg4", rate=rate)
        seen.width, seen.height, seen.pix_fmt, seen.bit_rate = 64, 48, "yuv420p", 4_000_000
        heard = file.add_stream("aac", rate=16000, layout="mono") if pitch else None
        for n in range(round(rate * seconds)):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (round(200 * n / rate / seconds),) * 3))
            frame.pts = n
            file.mux(seen.encode(frame))
        file.mux(seen.encode(None))
        if pitch:
            wave = loud * np.sin(2 * math.pi * pitch * np.arange(round(16000 * seconds)) / 16000)
            sound = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
            sound.sample_rate, sound.pts = 16000, 0
            file.mux(heard.encode(sound))
            file.mux(heard.encode(None))
    return path


def test_a_folder_of_frames_is_a_film(frames):
    found = clips.folder(frames / "lighter", length=2, size=16)
    assert found.clips.shape == (2, 2, 3, 16, 16) and found.sounds is None
    levels = found.clips.mean((2, 3, 4)) * 255
    torch.testing.assert_close(levels, torch.tensor([[0.0, 50.0], [100.0, 150.0]]))


def test_a_folder_of_folders_has_a_film_in_each(frames):
    assert clips.folder(frames, length=3, size=16).clips.shape == (2, 3, 3, 16, 16)
    refuses(clips.folder, frames, length=4, size=16, says="'dark' has 3 frames; a clip of length = 4")


def test_an_animation_is_a_film(tmp_path):
    grey(0).save(tmp_path / "a.gif", save_all=True, append_images=[grey(level) for level in (60, 120, 180)])
    for path in (tmp_path, tmp_path / "a.gif"):
        levels = clips.folder(path, length=4, size=16).clips.mean((2, 3, 4)) * 255
        torch.testing.assert_close(levels, torch.tensor([[0.0, 60.0, 120.0, 180.0]]), atol=3, rtol=0)


@pytest.mark.parametrize("rate", [30, 10])
def test_sixteen_frames_of_a_videos_second(tmp_path, rate):
    levels = clips.folder(video(tmp_path / "a.mp4", rate=rate), length=15, size=16).clips.mean((2, 3, 4))[0] * 255
    at = torch.floor(torch.arange(15) / clips.FPS * rate + 1e-6) / rate  # the latest frame of each time
    torch.testing.assert_close(levels, 200 * at, atol=8, rtol=0)


def test_the_sound_of_a_video(tmp_path):
    found = clips.folder(video(tmp_path / "a.mp4"), length=5, size=16, sound=True)
    assert found.sounds.shape == (3, 2500) and len(found.clips) == 3
    spectrum = torch.fft.rfft(found.sounds[1]).abs()
    assert abs(float(spectrum.argmax()) * clips.RATE / 2500 - 440) < 5
    assert 0.4 < found.sounds[1].abs().max() < 0.6


def test_silence_is_said(tmp_path, frames):
    quiet, none = video(tmp_path / "quiet.mp4", loud=0.0), video(tmp_path / "none.mp4", pitch=None)
    for path, said in ((quiet, "is silent"), (none, "has no sound"), (frames / "dark", "has no sound")):
        refuses(clips.folder, path, length=2, size=16, sound=True, says=said)


def test_what_cannot_be_read_is_said(tmp_path, frames, monkeypatch):
    (tmp_path / "text.gif").write_text("no picture")
    (tmp_path / "empty").mkdir()
    for path, said in ((tmp_path / "text.gif", "cannot be read"), (tmp_path / "empty", "is no video"),
                       (tmp_path / "absent", "cannot be opened")):
        refuses(clips.folder, path, says=said)
    (tmp_path / "text.mp4").write_text("no video")
    real = builtins.__import__

    def without(name, *more):
        if name == "av":
            raise ImportError
        return real(name, *more)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", without)
        refuses(clips.folder, tmp_path / "text.mp4", says="pip install av")


def test_a_broken_video_is_said(tmp_path):
    pytest.importorskip("av")
    (tmp_path / "text.mp4").write_text("no video" * 100)
    refuses(clips.folder, tmp_path / "text.mp4", says="cannot be read")
