"""user import: the result of each row, the codes' file, and a second run of the same file."""

import json
import stat
from pathlib import Path
from typing import cast

import pytest

from tests.support.command_line import Run
from tests.support.stub_data import USER, page
from tests.support.stub_exchange import Answer, Request, Stub, refusal

CLASS = """email,name,credit,group
ann,Ann Ames,100,9b
bob@example.com,,,9b
cleo,,5,
"""


@pytest.fixture
def accounts(stub: Stub) -> dict[str, int]:
    """The stub's accounts by e-mail: the stub creates them, finds them, and refuses cleo's."""
    made: dict[str, int] = {}

    def create(request: Request) -> Answer:
        email = str(cast("dict[str, object]", request.body)["email"])
        if email == "cleo":
            return refusal(422, "LIMIT_EXCEEDED", "too much")
        if email in made:
            return refusal(409, "EMAIL_TAKEN")
        made[email] = len(made) + 1
        user = {**USER, "id": made[email], "email": email}
        return Answer(201, {"user": user, "code": f"CODE-{made[email]}"})

    def find(request: Request) -> Answer:
        found = [name for name in made if request.query["q"] in name]
        return Answer(body=page(*({**USER, "id": made[name], "email": name} for name in found)))

    stub.on("POST", "/v1/users", create)
    stub.on("GET", "/v1/users", find)
    stub.on("POST", "/v1/groups", Answer(201, {"id": 1, "name": "9b", "memberCount": 0}))
    for number in (1, 2):
        first = refusal(404, "GROUP_NOT_FOUND")
        stub.on("PUT", f"/v1/groups/9b/members/{number}", first, Answer(204))
    return made


def test_each_row_is_reported_and_may_come_again(
    run: Run, stub: Stub, tmp_path: Path, accounts: dict[str, int]
) -> None:
    """Rows are CREATED with a code, REFUSED, or on a repeat EXISTS. A missing group is created."""
    file = tmp_path / "class.csv"
    file.write_text(CLASS, encoding="utf-8")
    reports = []
    for _ in range(2):
        ran = run("user", "import", str(file), "-o", "json")
        assert (ran.code, json.loads(ran.err)["error"]["code"]) == (1, "LIMIT_EXCEEDED")
        reports.append([(one["email"], one["status"], one["code"]) for one in json.loads(ran.out)])
    refused = ("cleo", "REFUSED", None)
    assert reports == [
        [("ann", "CREATED", "CODE-1"), ("bob@example.com", "CREATED", "CODE-2"), refused],
        [("ann", "EXISTS", None), ("bob@example.com", "EXISTS", None), refused],
    ]
    assert accounts == {"ann": 1, "bob@example.com": 2}
    bodies = [request.body for request in stub.sent("POST", "/v1/users")[:3]]
    assert bodies == [
        {"email": "ann", "fullName": "Ann Ames", "credit": "100", "group": "9b"},
        {"email": "bob@example.com", "group": "9b"},
        {"email": "cleo", "credit": "5"},
    ]
    assert len(stub.sent("POST", "/v1/groups")) == 2  # the stub never has this group


@pytest.mark.usefixtures("accounts")
def test_codes_go_to_a_file_of_their_own(run: Run, tmp_path: Path) -> None:
    """Codes go to a new file of mode 0600 in the chosen format, and are not printed then."""
    file, codes = tmp_path / "class.json", tmp_path / "codes.txt"
    file.write_text(json.dumps([{"email": "ann"}]), encoding="utf-8")
    words = ("user", "import", str(file), "--codes", str(codes), "--format", "{email}: {code}")
    ran = run(*words)
    assert (ran.code, "CODE-1" in ran.out + ran.err) == (0, False)
    assert codes.read_text(encoding="utf-8") == "ann: CODE-1\n"
    assert stat.S_IMODE(codes.stat().st_mode) == 0o600
    again = run(*words)
    assert (again.code, "the codes need a new file" in again.err) == (2, True)
    assert codes.read_text(encoding="utf-8") == "ann: CODE-1\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,credit\nann,5c\n", "account 1: credit 5c is no number of dollars"),
        ("email\nann\nANN\n", "account 2: ANN is in it twice"),
        ("email,class\nann,9b\n", "'class' is no field of an account"),
        ("email,credit\n,5\n", "account 1 has no email"),
        ("email\n", "holds no account"),
    ],
)
def test_a_file_that_is_refused_makes_nothing(run: Run, stub: Stub, text: str, said: str) -> None:
    """An invalid file is refused with its line before any account is created."""
    ran = run("user", "import", "-", stdin=text)
    assert (ran.code, said in ran.err, stub.requests) == (2, True, [])
