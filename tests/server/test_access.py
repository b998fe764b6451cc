"""Who may do what."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from touchline.errors import ConfigError
from touchline.server.access.accounts import add_user
from touchline.server.access.logins import LoginLimiter
from touchline.server.app import create_app
from touchline.server.serving import refuse_open_door

ID = "0123456789abcdef0123456789abcdef"

PUBLIC = {
    ("GET", "/"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/openapi.json"),
    ("POST", "/v1/session"),
    ("OPTIONS", "/v1/uploads"),
}
"""What everybody may ask."""


def routes(client: Any) -> Iterator[tuple[str, str]]:
    for path, operations in client.app.openapi()["paths"].items():
        for method in operations:
            yield method.upper(), path


def call(client: Any, method: str, path: str) -> Any:
    filled = re.sub(r"\{(number|index)\}", "1", path).replace("{name}", "demo.mp4")
    filled = re.sub(r"\{\w+\}", ID, filled)
    return client.request(method, filled, headers={"Content-Length": "0"})


def test_every_route_but_the_public_ones_wants_credentials(people: dict[str, Any]) -> None:
    """Routes are enumerated, so that a new one cannot be forgotten."""
    nobody = people["nobody"]
    answers = {(m, p): call(nobody, m, p).status_code for m, p in routes(nobody)}
    open_doors = {route for route, status in answers.items() if status != 401}
    assert open_doors == PUBLIC - {("GET", "/openapi.json")}


def test_viewers_change_nothing(people: dict[str, Any]) -> None:
    viewer = people["viewer"]
    own = {("POST", "/v1/tokens"), ("DELETE", "/v1/tokens/{token_id}"), ("DELETE", "/v1/session")}
    own.add(("POST", "/v1/matches/{match_id}/presence"))  # where they look themselves
    for method, path in routes(viewer):
        if method not in ("GET", "HEAD", "OPTIONS") and (method, path) not in own | PUBLIC:
            assert call(viewer, method, path).status_code == 403, (method, path)


@pytest.mark.parametrize("path", ["/v1/users", "/v1/audit"])
def test_only_admins_see_users_and_audit(people: dict[str, Any], path: str) -> None:
    assert people["editor"].get(path).status_code == 403
    assert people["admin"].get(path).status_code == 200


def test_a_wrong_token_is_refused_even_where_none_is_needed(client: Any) -> None:
    assert client.get("/v1/matches").status_code == 200
    for wrong in ("Bearer nonsense", "Basic bm9ib2R5OnRs", "Basic %%%", "Bearer "):
        answer = client.get("/v1/matches", headers={"Authorization": wrong})
        assert answer.status_code in (200, 401)
    for wrong in ("Basic é", "Bearer é", "Basic \xff\xfe", "é"):
        answer = client.get("/v1/matches", headers={"Authorization": wrong.encode("latin-1")})
        assert answer.status_code == (200 if wrong == "é" else 401), wrong
    assert client.get("/v1/matches", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_token_serves_as_the_password_of_basic_authentication(people: dict[str, Any]) -> None:
    secret = people["viewer"].headers["Authorization"].partition(" ")[2]
    assert people["nobody"].get("/v1/matches", auth=("viewer", secret)).status_code == 200


def log_in(client: Any, name: str = "editor") -> dict[str, Any]:
    answer = client.post("/v1/session", json={"name": name, "password": f"the {name}s password"})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_logging_in_and_out(people: dict[str, Any]) -> None:
    browser = people["nobody"]
    session = log_in(browser)
    assert session["role"] == "editor"
    cookie = next(iter(browser.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert browser.get("/v1/matches").status_code == 200
    headers = {"X-CSRF-Token": session["csrf"]}
    assert browser.delete("/v1/session", headers=headers).status_code == 204
    browser.cookies.set("touchline_session", cookie.value)
    assert browser.get("/v1/matches").status_code == 401


def test_a_browser_cannot_be_made_to_act(people: dict[str, Any]) -> None:
    """CSRF: cookies alone change nothing, and other sites change nothing at all."""
    browser = people["nobody"]
    session = log_in(browser)
    token = {"X-CSRF-Token": session["csrf"]}
    put = {"content": b"x", "headers": {}}
    assert browser.put("/v1/uploads/a.mp4", **put).status_code == 403
    for foreign in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
    ):
        answer = browser.put("/v1/uploads/a.mp4", content=b"x", headers=token | foreign)
        assert answer.status_code == 403
    same = token | {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert browser.put("/v1/uploads/a.mp4", content=b"x", headers=same).status_code == 201


def test_a_foreign_page_cannot_use_a_server_without_passwords(client: Any) -> None:
    evil = {"Origin": "https://evil.example"}
    assert client.put("/v1/uploads/a.mp4", content=b"x", headers=evil).status_code == 403
    rebound = client.get("/v1/matches", headers={"Host": "evil.example"})
    assert rebound.status_code == 421


def test_a_foreign_page_logs_nobody_in(people: dict[str, Any]) -> None:
    answer = people["nobody"].post(
        "/v1/session",
        json={"name": "editor", "password": "the editors password"},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403 and not people["nobody"].cookies


def test_no_cross_origin_reading_is_allowed(client: Any) -> None:
    answer = client.get("/v1/matches", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_wrong_passwords_run_out_and_keep_nobody_else_out(
    make_client: Callable[..., Any],
) -> None:
    """Neither at the same address nor by telling which names there are; right ones never do."""
    client = make_client(rates={"logins_per_minute": 1})
    with client.services.database.write() as session:
        for name in ("admin", "editor"):
            add_user(session, name, f"the {name}s password", "admin", 1.0)
    for name in ("admin", "no-such-name"):
        wrong = {"name": name, "password": "not the password"}
        answers = [client.post("/v1/session", json=wrong) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [401, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
    for _ in range(3):
        log_in(client, "editor")
        client.cookies.clear()


def test_who_tries_many_names_is_stopped_but_those_who_are_known_there_are_not() -> None:
    limiter = LoginLimiter(per_minute=3)
    assert limiter.wait_seconds("ada", "here") == 0
    limiter.succeeded("ada", "here")
    waits = [limiter.wait_seconds(f"name{n}", "here") for n in range(40)]
    assert waits[:30] == [0] * 30 and all(wait > 0 for wait in waits[30:])
    assert limiter.wait_seconds("ada", "here") == 0
    assert limiter.wait_seconds("bob", "there") == 0


def test_one_name_from_many_addresses_is_stopped() -> None:
    limiter = LoginLimiter(per_minute=3)
    assert limiter.wait_seconds("ada", "home") == 0
    limiter.succeeded("ada", "home")
    waits = [limiter.wait_seconds("ada", f"address{n}") for n in range(70)]
    assert waits[:60] == [0] * 60 and all(wait > 0 for wait in waits[60:])
    assert limiter.wait_seconds("ada", "home") == 0


@pytest.mark.parametrize(
    "first, then", [(("bob", "here"), ("ada", "here")), (("ada", "there"), ("ada", "here"))]
)
def test_an_attempt_that_others_have_used_up_is_not_counted(
    first: tuple[str, str], then: tuple[str, str]
) -> None:
    """Neither by many names of an address nor by many addresses of a name."""
    limiter = LoginLimiter(per_minute=0.001)
    assert limiter.wait_seconds(*first) == 0
    assert limiter.wait_seconds(*then) > 0
    limiter.succeeded(*first)
    assert limiter.wait_seconds(*then) == 0


def test_addresses_of_ipv6_that_one_client_has_are_counted_together(
    make_services: Callable[..., Any],
) -> None:
    """For requests without a name, and for wrong passwords."""
    services = make_services(
        rates={"requests_per_second": 0.001, "burst": 2, "logins_per_minute": 1}
    )
    app = create_app(services)
    with services.database.write() as session:
        add_user(session, "admin", "the admins password", "admin", 1.0)
    clients = [
        TestClient(app, base_url="http://localhost", client=(address, 5))
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
    ]
    asked = [client.get("/v1/matches").status_code for client in clients]
    assert asked == [401, 401, 429, 401]
    wrong = {"name": "admin", "password": "not the password"}
    answers = [client.post("/v1/session", json=wrong).status_code for client in clients]
    assert answers == [401, 429, 429, 401]


def test_too_many_requests_are_told_to_wait(make_client: Callable[..., Any]) -> None:
    client = make_client(rates={"requests_per_second": 0.001, "burst": 5})
    answers = [client.get("/v1/matches") for _ in range(8)]
    assert [a.status_code for a in answers] == [200] * 5 + [429] * 3
    assert 900 < int(answers[-1].headers["Retry-After"]) <= 1001


def test_everything_carries_safety_headers(client: Any) -> None:
    for path in ("/", "/v1/matches", "/nothing", "/v1/matches/zzz"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"


def test_a_share_link_shows_one_match_for_a_while(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    """Scope and expiry of share links."""
    admin, guest = people["admin"], people["nobody"]
    shown, hidden = ready_match(admin.services), ready_match(admin.services)
    made = admin.post(f"/v1/matches/{shown}/shares", json={"scope": "view", "hours": 1}).json()
    share = {"X-Share-Token": made["secret"]}
    assert guest.get(f"/v1/matches/{shown}", headers=share).status_code == 200
    assert guest.get(f"/v1/matches/{shown}/video?share={made['secret']}").status_code == 200
    assert guest.get(f"/v1/matches/{shown}/events", headers=share).status_code == 200
    assert [m["id"] for m in guest.get("/v1/matches", headers=share).json()["items"]] == [shown]
    assert guest.get(f"/v1/matches/{hidden}", headers=share).status_code == 404
    assert guest.get(f"/v1/matches/{shown}/original", headers=share).status_code == 403
    assert guest.get(f"/v1/matches/{shown}/download", headers=share).status_code == 403
    for path in ("/v1/users", "/v1/settings", "/v1/models", "/v1/audit", f"/v1/jobs/{ID}"):
        assert guest.get(path, headers=share).status_code in (403, 404)
    event = {"time": 1, "label": "Goal"}
    assert guest.post(f"/v1/matches/{shown}/events", json=event, headers=share).status_code == 403
    assert admin.delete(f"/v1/shares/{made['id']}").status_code == 204
    assert guest.get(f"/v1/matches/{shown}", headers=share).status_code == 401


def test_a_download_link_lets_files_be_taken(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    admin = people["admin"]
    match = ready_match(admin.services)
    secret = admin.post(f"/v1/matches/{match}/shares", json={"scope": "download"}).json()["secret"]
    assert people["nobody"].get(f"/v1/matches/{match}/original?share={secret}").status_code == 200


def test_a_share_link_runs_out(people: dict[str, Any], ready_match: Callable[..., str]) -> None:
    from touchline.server.tables import ShareLinkRow

    admin = people["admin"]
    match = ready_match(admin.services)
    made = admin.post(f"/v1/matches/{match}/shares", json={}).json()
    with admin.services.database.write() as session:
        session.get_one(ShareLinkRow, made["id"]).expires_at = 1.0
    answer = people["nobody"].get(f"/v1/matches/{match}?share={made['secret']}")
    assert answer.status_code == 401


def test_progress_streams_want_credentials(people: dict[str, Any]) -> None:
    """A browser cannot send headers with them: its cookie or its link counts."""
    assert people["nobody"].get(f"/v1/jobs/{ID}/stream").status_code == 401


def person(people: dict[str, Any], name: str) -> Any:
    """The client of one who has logged in with a password."""
    client = people[name]
    del client.headers["Authorization"]
    client.headers["X-CSRF-Token"] = log_in(client, name)["csrf"]
    return client


def test_tokens_are_made_and_revoked(people: dict[str, Any]) -> None:
    editor, nobody = person(people, "editor"), people["nobody"]
    assert editor.post("/v1/tokens", json={"name": "x", "role": "admin"}).status_code == 403
    made = editor.post("/v1/tokens", json={"name": "script", "role": "viewer", "days": 1}).json()
    headers = {"Authorization": f"Bearer {made['secret']}"}
    assert nobody.get("/v1/matches", headers=headers).status_code == 200
    assert nobody.put("/v1/uploads/a.mp4", content=b"x", headers=headers).status_code == 403
    assert person(people, "viewer").delete(f"/v1/tokens/{made['id']}").status_code == 404
    listed = editor.get("/v1/tokens").json()["items"]
    assert all(token["secret"] is None for token in listed)
    assert editor.delete(f"/v1/tokens/{made['id']}").status_code == 204
    assert nobody.get("/v1/matches", headers=headers).status_code == 401


def test_a_token_manages_no_tokens(people: dict[str, Any]) -> None:
    """One that was stolen neither outlives its end nor ends others."""
    for name in ("viewer", "editor", "admin"):
        made = people[name].post("/v1/tokens", json={"name": "x", "role": "viewer"})
        assert (made.status_code, people[name].get("/v1/tokens").status_code) == (403, 403)
    admin = person(people, "admin")
    mine = admin.post("/v1/tokens", json={"name": "x", "role": "viewer"}).json()
    program = {"Authorization": f"Bearer {mine['secret']}"}
    admin.cookies.clear()
    assert admin.delete(f"/v1/tokens/{mine['id']}", headers=program).status_code == 403
    assert people["editor"].delete(f"/v1/tokens/{mine['id']}").status_code == 403


def test_a_changed_password_ends_tokens_and_sessions(people: dict[str, Any]) -> None:
    admin, editor, browser = people["admin"], people["editor"], people["nobody"]
    log_in(browser, "editor")
    users = admin.get("/v1/users").json()["items"]
    editor_id = next(user["id"] for user in users if user["name"] == "editor")
    changed = admin.patch(f"/v1/users/{editor_id}", json={"password": "another long password"})
    assert changed.status_code == 200
    assert editor.get("/v1/matches").status_code == 401
    assert browser.get("/v1/matches").status_code == 401
    assert people["viewer"].get("/v1/matches").status_code == 200


def test_a_link_that_a_program_makes_does_not_outlive_its_token(
    people: dict[str, Any], ready_match: Callable[..., str]
) -> None:
    from touchline.server.tables import TokenRow

    editor = people["editor"]
    match = ready_match(editor.services)
    ends = time.time() + 3600
    with editor.services.database.write() as session:
        session.query(TokenRow).update({"expires_at": ends})
    made = editor.post(f"/v1/matches/{match}/shares", json={"hours": 8760}).json()
    assert datetime.fromisoformat(made["expires_at"]).timestamp() == pytest.approx(ends, abs=1)


def test_users_are_managed_and_the_last_admin_stays(people: dict[str, Any]) -> None:
    admin = people["admin"]
    new = {"name": "ada", "password": "correct horse battery", "role": "editor"}
    ada = admin.post("/v1/users", json=new).json()
    assert admin.post("/v1/users", json=new).status_code == 422
    assert "password" not in str(ada) and "hash" not in str(ada)
    changed = admin.patch(f"/v1/users/{ada['id']}", json={"disabled": True})
    assert changed.json()["disabled"] is True
    login = {"name": "ada", "password": "correct horse battery"}
    assert people["nobody"].post("/v1/session", json=login).status_code == 401
    assert admin.delete(f"/v1/users/{ada['id']}").status_code == 204
    me = next(u for u in admin.get("/v1/users").json()["items"] if u["name"] == "admin")
    for last in (
        admin.delete(f"/v1/users/{me['id']}"),
        admin.patch(f"/v1/users/{me['id']}", json={"role": "viewer"}),
        admin.patch(f"/v1/users/{me['id']}", json={"disabled": True}),
    ):
        assert last.status_code == 422 and "last admin" in last.json()["detail"]


def test_what_was_done_is_written_down(people: dict[str, Any]) -> None:
    admin = people["admin"]
    people["editor"].put("/v1/uploads/a.mp4", content=b"x")
    log_in(people["nobody"], "viewer")
    lines = admin.get("/v1/audit?limit=1").json()
    assert lines["items"][0]["action"] == "log in" and lines["items"][0]["actor"] == "viewer"
    older = admin.get(f"/v1/audit?cursor={lines['next']}").json()["items"]
    assert older[0]["action"] == "upload begun" and older[0]["actor"] == "editor"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_nobody_reaches_a_server_without_a_password(
    make_services: Callable[..., Any], host: str
) -> None:
    """A server that others can reach does not start while nobody has a password."""
    with pytest.raises(ConfigError, match="nobody has a password"):
        refuse_open_door(make_services(host=host))


def test_a_first_admin_can_come_from_the_environment(make_services: Callable[..., Any]) -> None:
    services = make_services(host="0.0.0.0", admin_password="from the environment")
    refuse_open_door(services)
    refuse_open_door(services)


def test_passwords_have_a_least_length(make_services: Callable[..., Any]) -> None:
    with pytest.raises(ConfigError, match="10 to 200"):
        refuse_open_door(make_services(host="0.0.0.0", admin_password="short"))
