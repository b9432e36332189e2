"""Your own films: videos, animated GIFs, or folders of frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image, ImageSequence
from torch import Tensor

from u3lab import images
from u3lab.checks import SIDE, is_a, place, room, whole
from u3lab.errors import U3Error

FPS, RATE = 16, 8000  # frames of a film, samples of a sound, a second

VIDEOS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ogv")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
SILENCE = 1e-3  # of the loudest that a file can hold


class Films(NamedTuple):
    """``clips`` (N,T,3,S,S) in [0,1]; ``sounds`` (N, RATE·T/16) in [−1,1], None where they were not asked for."""

    clips: Tensor
    sounds: Tensor | None


def folder(path: str | os.PathLike[str], *, length: int = 8, size: int = 64, sound: bool = False) -> Films:
    """Clips out of films of your own, each the central square of T frames in a row; what is left at the end is dropped.

    Parameters
    ----------
    path
        A video, an animated GIF, a folder of them, a folder of pictures (the frames of one film, in the order of their
        names) or a folder of such folders. Of videos 16 frames a second are taken, of everything else each frame.
    length, size
        T from 2 on, S from 16 up.
    sound
        Also give what is heard meanwhile, mixed to one channel of RATE samples a second; of videos only.

    Raises
    ------
    U3Error
        Nothing there that can be read; a film shorter than T frames; a silent film, where sound is asked for; more
        frames than there is room for. Videos need the package av (PyAV); without it there is a word about that.
    """
    path = place("path", path, "a video or of a folder of videos or frames")
    length, size = whole("length", length, 2), whole("size", size, 16, SIDE)
    is_a("sound", sound, bool, "give True or False")
    clips: list[Tensor] = []
    heard: list[Tensor] = []
    for film in _films(path):
        frames: list[Tensor] = []
        for frame in _frames(film, size):
            frames.append(frame)
            room(f"{film.name!r}", size, size, len(frames) + length * len(clips))
        if len(frames) < length:
            raise U3Error(f"{film.name!r} has {len(frames)} frames; a clip of length = {length} needs more, so give a "
                          "longer film or a smaller length")
        count = len(frames) // length
        clips += torch.cat(frames[: count * length]).unflatten(0, (count, length))
        if sound:
            heard += _sound(film, count, round(RATE * length / FPS))
    return Films(torch.stack(clips), torch.stack(heard) if sound else None)


def _films(path: Path) -> list[Path]:
    """The files and folders of frames that are a film each."""
    try:
        if path.is_file():
            return [path]
        inside = sorted(path.iterdir())
    except (OSError, ValueError) as error:
        raise U3Error(f"{str(path)!r} cannot be opened ({type(error).__name__}); give the name of a video or of a "
                      "folder of videos or frames") from None
    if any(one.suffix.lower() in PICTURES for one in inside):
        return [path]
    found = [one for one in inside if one.suffix.lower() in (*VIDEOS, ".gif")
             or (one.is_dir() and any(frame.suffix.lower() in PICTURES for frame in one.iterdir()))]
    if not found:
        raise U3Error(f"in {str(path)!r} is no video ({', '.join(VIDEOS)}, .gif) or picture; give a folder with some")
    return found


def _frames(film: Path, size: int) -> Iterator[Tensor]:
    """The frames of one film, (1,3,S,S) each."""
    if film.is_dir():
        for one in sorted(film.iterdir()):
            if one.suffix.lower() in PICTURES:
                yield images.load(one, size=size)
    elif film.suffix.lower() in VIDEOS:
        yield from _of_video(film, size)
    else:
        try:
            with Image.open(film) as animation:
                for frame in ImageSequence.Iterator(animation):
                    yield images.load(frame.convert("RGB"), size=size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise error if isinstance(error, U3Error) else _unreadable(film) from None


def _of_video(film: Path, size: int) -> Iterator[Tensor]:
    """What is seen at each sixteenth of a second: the latest frame then."""
    with _opened(film) as video:
        if not video.streams.video:
            raise _unreadable(film)
        count, latest, start = 0, None, 0.0
        for frame in video.decode(video=0):
            time = frame.time or 0.0
            start = time if latest is None else start
            while latest is not None and count / FPS < time - start:
                yield latest
                count += 1
            latest = images.load(frame.to_ndarray(format="rgb24"), size=size)
        if latest is not None:
            yield latest


def _sound(film: Path, count: int, samples: int) -> Tensor:
    """What is heard during ``count`` clips, (count,samples)."""
    if film.is_dir() or film.suffix.lower() not in VIDEOS:
        raise U3Error(f"{film.name!r} has no sound; give a video that has some, or leave sound out")
    import av

    with _opened(film) as video:
        if not video.streams.audio:
            raise U3Error(f"{film.name!r} has no sound; give a video that has some, or leave sound out")
        mono = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        parts = [part.to_ndarray()[0] for frame in (*video.decode(audio=0), None) for part in mono.resample(frame)]
    heard = torch.from_numpy(np.concatenate(parts or [np.zeros(0, np.float32)])).clamp(-1, 1)
    if not len(heard) or heard.abs().max() < SILENCE:
        raise U3Error(f"the sound of {film.name!r} is silent; give a video with something to hear, or leave sound out")
    heard = torch.nn.functional.pad(heard, (0, max(0, count * samples - len(heard))))
    return heard[: count * samples].view(count, samples)


@contextmanager
def _opened(film: Path) -> Iterator[Any]:
    """A video that is being read; all of PyAV's errors become one sentence."""
    try:
        import av
    except ImportError:
        raise U3Error(f"reading {film.name!r} needs av: pip install av; or give a folder of frames") from None
    try:
        with av.open(str(film)) as video:
            yield video
    except av.FFmpegError:
        raise _unreadable(film) from None


def _unreadable(film: Path) -> U3Error:
    return U3Error(f"{film.name!r} cannot be read as a film; give a video, an animated GIF, or a folder of frames")
