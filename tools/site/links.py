"""Every link within the finished pages, followed: to a file that is there, and to a place that is on it."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Reader(HTMLParser):
    """What a page links to and shows, the places on it that can be linked to, and its pictures without words."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.silent: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.places |= {given[name] for name in ("id", "name") if given.get(name)}
        self.links |= {given[name] for name in ("href", "src") if given.get(name)}
        if tag == "img" and not (given.get("alt") or "").strip():
            self.silent.append(given.get("src") or "")


def pages(folder: Path) -> dict[Path, Reader]:
    """All pages of the site."""
    return {page: Reader(page) for page in sorted(folder.rglob("*.html")) if "_static" not in page.parts}


def broken(folder: Path) -> list[str]:
    """Links within the site that lead nowhere, as "page → link"."""
    known = pages(folder)
    return [f"{page.relative_to(folder)} → {link}" for page, read in known.items() for link in sorted(read.links)
            if not _leads(page, link, known)]


def _leads(page: Path, link: str, known: dict[Path, Reader]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target.is_dir():
        target /= "index.html"
    if target.suffix != ".html" or not parts.fragment:
        return target.is_file()
    return target in known and unquote(parts.fragment) in known[target].places


def silent(folder: Path) -> list[str]:
    """Pictures without words for those who cannot see them."""
    return [f"{page.relative_to(folder)}: {source}" for page, read in pages(folder).items() for source in read.silent]
