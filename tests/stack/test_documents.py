"""Documents on the deployed stack: what an agent writes is there for people; a long text comes and goes by links of the real bucket."""

import urllib.request

from tests.stack.test_runs import Shop, ended, shop

__all__ = ["shop"]


def test_what_an_agent_writes_is_a_document_with_its_revision(shop: Shop) -> None:
    card = shop.card(1)
    run = shop.until(shop.start(card), ended)
    assert run["status"] == "completed", run
    written = run["resultData"]["documents"][0]
    status, document = shop("GET", f"/documents/{written['id']}")
    assert status == 200, document
    assert (document["title"], document["type"], document["version"]) == (written["title"], "prd", 1)
    assert "receipt" in document["content"]
    (revision,) = document["revisions"]
    assert (revision["changeType"], revision["newVersion"], revision["createdBy"]["name"]) == ("created", 1, "PRD Agent")
    listed = shop("GET", f"/projects/{shop.project}/docs")[1]["documents"]
    assert [one["content"] for one in listed if one["id"] == written["id"]] == [document["content"]]

    # a person changes it, and the agent writes its next version
    assert shop("PUT", f"/documents/{written['id']}", {"content": "Only this.\n"})[1]["version"] == 2
    assert shop("GET", f"/projects/{shop.project}/docs/prd")[1]["content"] == "Only this.\n"
    again = shop.until(shop.start(card), ended)
    assert again["status"] == "completed", again
    document = shop("GET", f"/documents/{written['id']}")[1]
    assert document["version"] == 3
    assert [one["createdBy"]["name"] for one in document["revisions"]] == ["PRD Agent", "Ada", "PRD Agent"]
    assert "-Only this." in document["revisions"][0]["diffData"]["hunks"][0]["lines"]


def test_a_long_text_comes_and_goes_by_links(shop: Shop) -> None:
    text = "Ein Satz über Größe.\n" * 260_000  # 6 MB
    raw = text.encode()
    _, begun = shop("POST", f"/projects/{shop.project}/docs/uploads", {"size": len(raw)})
    request = urllib.request.Request(begun["uploadUrl"], data=raw, method=begun["method"], headers=begun["headers"])
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    body = {"type": "custom", "title": "Long", "contentUploadId": begun["contentUploadId"]}
    status, document = shop("POST", f"/projects/{shop.project}/docs", body)
    assert (status, document["content"], document["contentSize"]) == (201, "", len(raw)), document
    with urllib.request.urlopen(document["contentUrl"], timeout=30) as answer:
        assert answer.read() == raw
