"""The embedded model: it quotes and asks. Deterministic, bounded, valid calls, and no line of its own."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.agents.catalogue import AGENTS, agent_named
from shared.agents.providers.context import render_context
from shared.agents.providers.embedded import tables
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.model import EmbeddedProvider
from shared.agents.providers.embedded.outputs import MAX_CARDS, outputs, plan, refusal, suits
from shared.agents.providers.embedded.reading import Piece, read
from shared.agents.providers.embedded.tables import LANGUAGES, entry, keys, recognize, say, table
from shared.agents.providers.port import (
    MAX_CALLS_PER_ANSWER,
    Finished,
    Message,
    Request,
    Text,
    TextDelta,
    ToolCall,
    ToolCallReady,
    ToolResult,
)
from shared.agents.providers.tokens import count_tokens, input_tokens
from shared.agents.tools import parse_arguments, specs
from tests.examples import examples
from tests.marked import marked

ROLES = [agent.name for agent in AGENTS]
MARKED = [card for name in ("marked_cards", "fresh_cards", "second_fresh_cards") for card in marked(name)]
CARDS = {
    card["name"]: {"id": "c1", "lane_number": 0}
    | {name: card[name] for name in ("title", "type", "description", "acceptance_criteria") if name in card}
    for card in MARKED
}
VAGUE = [card["name"] for card in MARKED if not card.get("explicit", True)]
INVOICES, CRASH, BARE = CARDS["invoice export"], CARDS["checkout 504"], CARDS["dark mode"]


@cache
def specs_of(names):
    return specs(list(names))


def answered(call: ToolCall, card: dict) -> str:
    return json.dumps(
        {"read_card": card, "list_documents": {"documents": []}, "read_siblings": {"cards": []}}.get(call.name, {"id": "x"})
    )


def run(role, card, *, tools=None, max_tokens=4000, documents=(), siblings=(), extra=None, answer=answered):
    """The whole conversation: [(text, calls, finished)] per turn."""
    agent = agent_named(role)
    names = agent.tools if tools is None and agent else tools or ()
    system = agent.system_prompt if agent else f"Agent: {role}\n"
    messages = [Message.user(render_context(card, documents, siblings, extra, {}))]
    turns = []
    for _ in range(80):
        request = Request("cadre-embedded-1", tuple(messages), system, specs_of(tuple(names)), max_tokens=max_tokens)
        events = list(EmbeddedProvider().stream(request))
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        calls = [event.call for event in events if isinstance(event, ToolCallReady)]
        finished = events[-1]
        assert isinstance(finished, Finished)
        assert finished.usage.input == input_tokens(request)
        assert finished.usage.output <= max_tokens
        turns.append((text, calls, finished))
        if finished.stop_reason != "tool_use":
            return turns
        for call in calls:
            assert call.name in names
            parse_arguments(call.name, call.arguments)
        messages.append(Message("assistant", (Text(text), *calls)))
        messages.append(Message("user", tuple(ToolResult(call.id, answer(call, card)) for call in calls)))
    raise AssertionError("it did not finish")


def calls_of(turns, name):
    return [call.arguments for _, calls, _ in turns for call in calls if call.name == name]


def written(turns):
    return "\n".join(arguments["content"] for arguments in calls_of(turns, "write_document"))


def acts(turns):
    return [call.name for _, calls, _ in turns for call in calls if not call.name.startswith(("read_", "list_"))]


@cache
def lines():
    """Every fixed sentence by its name and language; what has one language only is the same in all."""
    return {key: {language: say(key, language) for language in LANGUAGES} for key in keys("lines")}


@cache
def all_lines():
    return {line for row in lines().values() for line in row.values()}


@cache
def longest_first():
    return sorted(all_lines(), key=len, reverse=True)


# -- every line is a quotation or stands in the table

_FRAME = re.compile(r"^(?:#{1,2} |- \[ \] |- |\d+\. )")


def own_lines(text):
    """The lines that the model answers for, without Markdown's frame; a quotation keeps its mark."""
    for line in text.splitlines():
        bare = line.strip()
        if bare in ("", "---", ">"):
            continue
        yield bare if bare.startswith("> ") else _FRAME.sub("", bare).strip("_")


def squeezed(text):
    return " ".join(str(text).split())


def assert_quoted_or_fixed(text, sources):
    table = all_lines()
    for line in own_lines(text):
        if line.startswith("> "):
            assert any(squeezed(line[2:]) in source for source in sources), f"not on the card: {line}"
        else:
            assert line in table, f"not in the table: {line}"


def assert_nothing_of_its_own(turns, card, extra=()):
    lines = [
        line for name in ("title", "description", "requirements", "user_stories") for line in str(card.get(name, "")).splitlines()
    ]
    sources = [squeezed(line) for line in [*lines, *card.get("acceptance_criteria", ()), *extra]] + [squeezed(card["title"])]
    whole = squeezed(" ".join(sources))
    for arguments in [call.arguments for _, calls, _ in turns for call in calls]:
        for name in ("content", "description", "reason"):
            if name in arguments:
                assert_quoted_or_fixed(arguments[name], sources)
    for document in calls_of(turns, "write_document"):
        prefix, _, rest = re.split("( ?: |：)", document["title"], maxsplit=1)
        assert prefix in all_lines()
        assert squeezed(rest) in whole
    for child in calls_of(turns, "create_card"):
        assert child["title"] in whole
    assert_sentences_fixed(turns[-1][0])


def assert_sentences_fixed(summary):
    """The summary's first paragraph is made of whole lines of the table."""
    left = summary.split("\n")[0]
    for line in longest_first():
        left = left.replace(line, "")
    assert not left.strip(), left


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_written_but_quotations_and_lines_of_the_table(role):
    for card in CARDS.values():
        turns = run(role, card)
        assert turns[-1][2].stop_reason == "end"
        assert len(turns) <= 8
        assert_nothing_of_its_own(turns, card)


SNIPPETS = {
    "en": [
        "Requirements:",
        "- Users can export CSV",
        "Out of scope: PDF",
        "Please add a filter.",
        "It is slow.",
        "Done when:",
        "Should it?",
    ],
    "de": [
        "Anforderungen:",
        "- Export als CSV",
        "Nicht Teil davon: PDF",
        "Bitte einen Filter einbauen.",
        "Es ist langsam.",
        "Fertig, wenn:",
    ],
    "es": ["Requisitos:", "- Exportar a CSV", "Fuera de alcance: PDF", "Por favor, añadid un filtro.", "Es lento.", "¿Por qué?"],
    "fr": ["Besoins :", "- exporter en CSV", "Hors périmètre : PDF", "Merci d'ajouter un filtre.", "C'est lent.", "Critères :"],
    "zh": ["需求：", "- 支持导出 CSV", "不在范围内：PDF", "请增加筛选。", "太慢了。", "验收标准："],
    "ja": ["要件：", "・CSVで出力する", "対象外：PDF", "絞り込みを追加してください。", "遅いです。", "受け入れ条件："],
}
MARKDOWN = [
    "#",
    "##",
    "**",
    "|",
    ">",
    "```",
    "---",
    "1.",
    "-",
    "*",
    "[",
    "]",
    "Given",
    "When",
    "Then",
    "not",
    "never",
    "30",
    "ms",
    "É",
    "🌍",
    "`",
    "[x](y)",
    "https://a.b/c",
    "Traceback",
    "at",
    "f(x.py:1)",
    "Error:",
    "no",
]
SNIPPET = st.sampled_from([*(one for many in SNIPPETS.values() for one in many), *MARKDOWN, "\n", "\n\n", "  "])
TEXT = st.one_of(
    st.text(max_size=120), st.lists(SNIPPET, max_size=30).map("\n".join), st.lists(SNIPPET, max_size=30).map(" ".join)
)


@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(ROLES),
    st.fixed_dictionaries(
        {"id": st.just("c"), "title": TEXT, "description": TEXT},
        optional={
            "acceptance_criteria": st.lists(TEXT, max_size=3),
            "priority": st.sampled_from(["low", "critical"]),
            "type": st.sampled_from(["bug", "feature", "doc", "?"]),
        },
    ),
    st.sampled_from([16, 200, 1000, 4000]),
)
def test_any_card_any_role_ends_with_valid_calls_and_nothing_of_its_own(role, card, max_tokens):
    turns = run(role, card, max_tokens=max_tokens)
    assert turns[-1][2].stop_reason in ("end", "max_tokens")
    if turns[-1][2].stop_reason == "max_tokens":
        return
    lines = [line for text in (card["title"], card["description"]) for line in text.splitlines()]
    sources = [squeezed(text) for text in [*lines, *card.get("acceptance_criteria", ()), card["title"]]]
    for arguments in [call.arguments for _, calls, _ in turns for call in calls]:
        for name in ("content", "description"):
            if name in arguments:
                assert_quoted_or_fixed(arguments[name], sources)
    assert_sentences_fixed(turns[-1][0])


def test_the_same_request_gives_the_same_stream():
    request = Request("m", (Message.user(render_context(INVOICES)),), "Agent: prd\n", specs(["write_document", "comment"]))
    first = list(EmbeddedProvider().stream(request))
    read.cache_clear()
    assert list(EmbeddedProvider().stream(request)) == first


def test_every_line_of_the_table_is_there_in_six_languages():
    tables = [table(language) for language in LANGUAGES]
    assert len(tables) == 6
    assert all(set(one["lines"]) | {"other_language"} == set(lines()) for one in tables)
    assert all(list(one[name]) == list(tables[0][name]) for one in tables for name in ("headings", "traits"))
    assert all(all_lines())
    assert {f"t_{role}" for role in set(outputs()) - {"planner"}} == {name for name in lines() if name.startswith("t_")}
    assert set(outputs()) == set(ROLES)
    assert {name for one in outputs().values() for name in one.checks} == {name for name in lines() if name.startswith("c_")}
    assert {f"w_{role}" for role in ROLES} == {name for name in lines() if name.startswith("w_")}


def test_what_is_read_of_a_table_piece_by_piece_is_the_whole_table():
    for language in LANGUAGES:
        for section, rows in table(language).items():
            assert {key: entry(language, section, key) for key in rows} == rows


def test_the_embedded_model_stays_small():
    """What it does not quote stands in its tables: the code has at most 1,200 lines."""
    sizes = [len(path.read_text(encoding="utf-8").splitlines()) for path in Path(tables.__file__).parent.glob("*.py")]
    assert 0 < sum(sizes) <= 1_250
    assert max(sizes) <= 400


def test_only_what_is_needed_of_a_language_is_parsed(monkeypatch):
    parsed = []
    monkeypatch.setattr(tables.tomllib, "loads", lambda text, read=tables.tomllib.loads: parsed.append(text) or read(text))
    entry.cache_clear()
    assert say("gate", "ja") == table("ja")["lines"]["gate"]
    assert parsed[0].startswith("gate = ")


# -- the gate


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", VAGUE)
def test_a_card_that_asks_for_nothing_definite_gets_questions_and_nothing_else(role, name):
    turns = run(role, CARDS[name])
    assert acts(turns) == ["comment"]
    comment = calls_of(turns, "comment")[0]["content"]
    assert 1 <= len(re.findall(r"^- ", comment, re.M)) <= 5
    assert turns[-1][0] not in comment


@pytest.mark.parametrize("card", [card["name"] for card in MARKED if card.get("explicit", True)])
def test_a_card_that_asks_for_something_gets_a_document_and_moves_on(card):
    turns = run("ceo_copilot", CARDS[card])
    assert acts(turns)[0] == "write_document"
    lane = {"task": 4, "bug": 7, "incident": 7, "doc": 9}.get(CARDS[card]["type"], 1)
    assert [move["to_lane"] for move in calls_of(turns, "move_card")] == [lane]


def test_the_copilot_moves_a_card_to_a_lane_whose_agent_takes_it_and_says_what_it_is():
    for name, filed in definite().items():
        (move,) = [action.arguments for action in plan("ceo_copilot", filed) if action.tool == "move_card"]
        assert [agent.name for agent in AGENTS if move["to_lane"] in agent.allowed_lanes and suits(agent.name, filed)], name
        assert move["reason"] == say(f"k_{filed.kind}", filed.language)


def test_the_copilot_does_not_move_a_card_that_is_there_already():
    assert calls_of(run("ceo_copilot", {**INVOICES, "lane_number": 1}), "move_card") == []


# -- the agents


def section(document, key, language="en"):
    return document.split(f"## {say(key, language)}\n")[1].split("\n## ")[0]


def test_the_prd_is_the_filed_card():
    prd = written(run("prd", INVOICES))
    assert "> tax calculation." in section(prd, "exclusion")
    assert "> Members must not see invoices of other workspaces" in section(prd, "ask")
    assert "> The CSV opens in Excel" in section(prd, "criterion")
    assert "> Should refunds be included?" in section(prd, "question")
    turns = run("prd", CARDS["docs card"] | {"description": "Please add a page."})
    assert say("q_scope", "en") in calls_of(turns, "comment")[0]["content"]


def test_a_german_card_gets_german_headings():
    prd = written(run("prd", CARDS["german rechnung"]))
    assert "> Mahnungen, ZUGFeRD." in section(prd, "exclusion", "de")
    assert say("author", "de") in prd


def test_a_card_in_another_language_is_told_so():
    card = {
        "id": "c",
        "title": "Exportar faturas em PDF",
        "description": "Requirements:\n- exportar as faturas em PDF para os nossos clientes",
    }
    assert say("other_language", "en") in written(run("prd", card))


def test_the_planner_makes_a_card_of_each_ask_in_the_cards_order():
    turns = run("planner", CARDS["postgres migration"])
    cards = calls_of(turns, "create_card")
    assert [card["title"] for card in cards] == [
        "Set up Postgres 16 on the staging cluster",
        "Convert the schema (pgloader?), 214 tables",
        "Once the schema is converted, copy the data - ca. 380 GB",
        "Point the nightly reports at the new DB",
        "Keep MySQL read-only for 2 weeks as fallback",
    ]
    assert [(link["card"], link["depends_on"]) for link in calls_of(turns, "add_dependency")] == [("ask-3", "ask-2")]
    assert all(say("quoter", "en") in card["description"] for card in cards)


def test_the_planner_does_not_repeat_cards_of_the_board():
    siblings = [{"id": "s", "title": "Accountants can filter invoices by date and customer.", "status": "done"}]
    turns = run("planner", INVOICES, siblings=siblings)
    assert len(calls_of(turns, "create_card")) == 4
    assert "> Accountants can filter invoices" in calls_of(turns, "comment")[0]["content"]


def test_the_planner_names_what_it_leaves_out():
    card = {
        "id": "c",
        "title": "Reports",
        "description": "\n".join(f"- Add report number {number}" for number in range(MAX_CARDS + 2)),
    }
    turns = run("planner", card)
    assert len(calls_of(turns, "create_card")) == MAX_CARDS
    assert f"> Add report number {MAX_CARDS + 1}" in calls_of(turns, "comment")[0]["content"]


def test_a_request_to_fix_a_fault_is_no_card_of_its_own():
    turns = run("planner", CRASH)
    assert calls_of(turns, "create_card") == []
    assert calls_of(turns, "comment")[0]["content"].startswith(say("itself", "en"))


def test_the_planner_does_not_deny_a_request_that_documents_quote():
    for name, filed in definite().items():
        said = "\n".join(str(action.arguments.get("content")) for action in plan("planner", filed))
        assert not filed.asks or say("no_cards", filed.language) not in said, name


def test_a_card_that_the_planner_makes_says_what_wrote_it_in_one_short_line():
    for card in calls_of(run("planner", CARDS["postgres migration"]), "create_card"):
        assert card["description"].endswith(f"\n\n---\n_{say('quoter', 'en')}_\n")
        assert say("author", "en") not in card["description"]
        assert say("free", "en") not in card["description"]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("- [ ] [ ] import a file", "import a file"),
        ("- 2.) send the report to all", "send the report to all"),
        ("- FR-3: send the report to all", "send the report to all"),
        ("- also, please add a filter", "add a filter"),
        ("- Bitte auch einen Filter einbauen", "einen Filter einbauen"),
        ("- Además, por favor añadir un filtro", "añadir un filtro"),
        ("- merci d'ajouter un filtre", "ajouter un filtre"),
        ("- 另外请把文件名加上导出日期", "把文件名加上导出日期"),
        ("- また、一覧を表示する", "一覧を表示する"),
        ("- Page: add a filter", "Page: add a filter"),
        ("- Secondly, add a filter 👍", "add a filter"),
        ("- Zweitens: einen Filter einbauen", "einen Filter einbauen"),
    ],
)
def test_a_title_is_without_boxes_numbers_and_speech(line, title):
    language = recognize(line)
    other = {
        "de": "Gäste können buchen",
        "es": "Los clientes pueden reservar",
        "fr": "les clients peuvent réserver",
        "zh": "客人可以预订",
    }
    turns = run("planner", feature(f"{line}\n- {other.get(language, '')}", title=other.get(language, "Bookings")))
    assert calls_of(turns, "create_card")[0]["title"] == title


def test_a_title_does_not_say_who_wrote_a_line_of_a_chat():
    chat = "olek: please add an offline mode\nmarta: ok so then: the reader must keep all passes\nolek: a list of passes for each gate"
    titles = [card["title"] for card in calls_of(run("planner", feature(chat)), "create_card")]
    assert titles == ["add an offline mode", "the reader must keep all passes", "a list of passes for each gate"]
    parts = "- Frontend: add a filter\n- Frontend: add a button\n- Backend: add a field"
    titles = [card["title"] for card in calls_of(run("planner", feature(parts)), "create_card")]
    assert titles == ["Frontend: add a filter", "Frontend: add a button", "Backend: add a field"]


def test_the_planner_names_problems_and_rules_of_which_it_made_no_card():
    card = feature("The gates stay shut when the line is down.\n\n- Add an offline mode\n\nMaria knows the passes.")
    left = calls_of(run("planner", card), "comment")[0]["content"].split(say("left_out", "en"))[1]
    assert all(f"> {line}" in left for line in ("The gates stay", "Maria knows"))


def test_the_planner_names_what_no_card_was_made_for_but_not_the_timeline():
    text = "10:02 the gates shut\n\nThe reader loses its passes.\n\nActions\n- Keep a local copy"
    card = {"id": "c", "title": "Error 504", "type": "incident", "description": text}
    left = calls_of(run("planner", card), "comment")[0]["content"].split(say("left_out", "en"))[1]
    assert "> The reader loses its passes." in left
    assert "10:02" not in left


def test_a_ticked_box_stands_before_what_is_done():
    incident = {
        "id": "c",
        "title": "Outage",
        "type": "incident",
        "description": "Action items\n- [ ] add an alert\n- [x] rota corrected",
    }
    assert "> [x] rota corrected" in written(run("ceo_copilot", incident))


def test_a_label_that_says_what_a_line_is_stays_with_it():
    text = "Root cause: the archive job deletes in one transaction.\n\nAction items:\n- add an alert"
    incident = {"id": "c", "title": "Outage", "type": "incident", "description": text}
    assert "> Root cause: the archive job deletes" in section(written(run("troubleshooter", incident)), "happened")
    bug = "Steps:\n1. open it\n\n**Expected**\nThe 24th.\n\n**Actual**\nIt's the 23rd."
    happened = section(written(run("troubleshooter", feature(bug, type="bug"))), "happened")
    assert "> Actual\n>\n> It's the 23rd." in happened
    chinese = feature("复现步骤：\n1. 打开\n\n期望结果：中文正常显示\n实际结果：商品名称变成乱码", title="导出乱码", type="bug")
    assert "> 实际结果：商品名称变成乱码" in section(written(run("troubleshooter", chinese)), "happened", "zh")


def test_a_test_plan_has_a_place_for_each_request_beside_the_stated_criteria():
    document = written(run("qa", feature("- Guests can cancel a booking\n- Guests can pay\n\nDone when:\n- it takes one minute")))
    assert document.count(say("test_seen", "en")) == 1
    assert section(document, "ask").count(say("done_when", "en")) == 2


def test_a_test_plan_for_a_fault_without_a_request_has_a_place_for_the_fault_itself():
    bug = feature("Error 504 since Monday.\n\nSteps:\n1. open it", title="Checkout fails", type="bug")
    assert f"1. > Checkout fails\n\n   - {say('done_when', 'en')}" in section(written(run("qa", bug)), "tests")


def test_no_sentence_claims_that_a_card_does_not_say_something():
    assert not [
        line for line in all_lines() if re.search(r"found on (?:the|this) card|the card says what|There was no", line, re.I)
    ]


def test_a_title_is_cut_at_the_end_of_a_word():
    ask = "Please add " + "very " * 60 + "long names"
    (card,) = calls_of(run("planner", {"id": "c", "title": "x", "description": ask}), "create_card")
    assert len(card["title"]) <= 200
    assert card["title"].endswith(" very")


def test_qa_makes_a_test_of_each_criterion():
    plan = written(run("qa", INVOICES))
    assert plan.count(say("test_seen", "en")) == 2
    assert "> The CSV opens in Excel" in section(plan, "tests")
    without = written(run("qa", CARDS["polite asks"]))
    assert say("no_criteria", "en") in without
    assert without.count(say("done_when", "en")) >= 3


def test_the_troubleshooter_names_the_error_and_the_innermost_own_frame():
    diagnosis = written(run("troubleshooter", CRASH))
    assert "ReadTimeout: HTTPSConnectionPool" in section(diagnosis, "exception")
    assert 'File "/srv/shop/checkout/gateway.py", line 41' in section(diagnosis, "frame")
    assert "> 3. click" in section(diagnosis, "steps")


def test_who_only_has_a_checklist_says_what_it_takes():
    for role in sorted(set(outputs()) - WHOLE - {"planner"}):
        for filed in filter(lambda one: suits(role, one), definite().values()):
            (document,) = documents(role, filed)
            assert say("needs_model", filed.language) in document["content"]
            assert "\n## " not in document["content"]


def test_a_checklist_of_fewer_than_three_items_without_a_quoted_reason_is_a_refusal():
    for role in sorted(set(outputs()) - WHOLE - {"planner"}):
        for name, filed in filter(lambda one: suits(role, one[1]), definite().items()):
            _, items = documents(role, filed)[0]["content"].split(say("needs_model", filed.language))
            assert items.count("- [ ] ") >= 3 or "> " in items, (role, name)
    comment = calls_of(run("dev_backend", CARDS["terse"]), "comment")[0]["content"]
    assert comment.startswith(f"{say('w_dev_backend', 'en')}\n\n{say('few', 'en')}\n\n{say('suited', 'en')}\n\n- `")


# -- what a reader keeps

BLIND = {card["name"]: card for card in marked("blind_cards")}
ALL = {**CARDS, **{name: {"id": "c1", "lane_number": 0} | card for name, card in BLIND.items()}}
FILED = {
    name: FiledCard(card | {"acceptance_criteria": "\n".join(f"- {one}" for one in card.get("acceptance_criteria", ()))})
    for name, card in ALL.items()
}


@cache
def definite():
    """The cards that say what is to be done, read when the first test asks."""
    return {name: filed for name, filed in FILED.items() if filed.is_explicit}


def documents(role, filed):
    """The documents of a plan, without the conversation around it."""
    return [action.arguments for action in plan(role, filed) if action.tool == "write_document"]


def items_of(turns):
    """The items of a checklist, with the lines that give reason for some; what the card asks for stands before them."""
    return "- [ ]".join(written(turns).partition("- [ ]")[1:])


def feature(description, title="Bookings", **more):
    return {"id": "c", "title": title, "type": "feature", "description": description, **more}


WHOLE = {role for role, output in outputs().items() if output.whole}


@pytest.mark.parametrize("role", sorted(WHOLE))
def test_every_line_of_the_card_is_in_every_document_that_is_not_a_checklist_only(role):
    for name, filed in definite().items():
        lines = [line for piece in filed.pieces if piece.kind != "courtesy" for line in piece.text.splitlines()]
        parts = [squeezed(part) for line in lines for part in re.split("；|; ", line)]
        for document in documents(role, filed):
            text = squeezed(re.sub(r"^\s*(?:\d+\. )?>", "", document["content"], flags=re.M))
            assert [part for part in parts if part not in text] == [], name


def test_a_line_that_belongs_nowhere_stands_at_the_end_and_a_greeting_nowhere():
    filed = FiledCard(feature("- Guests can cancel a booking"))
    filed.__dict__["pieces"] = [
        Piece("courtesy", "Kind regards"),
        Piece("ask", "Guests can cancel a booking"),
        Piece("something new", "The hotel has nine rooms"),
    ]
    (document,) = documents("prd", filed)
    assert "> The hotel has nine rooms" in section(document["content"], "context")
    assert "Kind regards" not in document["content"]


def test_what_comes_later_has_its_own_section_in_the_scope():
    text = "- Guests can cancel a booking\n\nOut of scope:\n- fax\n- refunds come in phase 2"
    document = written(run("mvp_scope", feature(text)))
    assert "> refunds come in phase 2" in section(document, "later")
    assert "> fax" in section(document, "exclusion")
    assert f"## {say('later', 'en')}" not in written(run("mvp_scope", ALL["leaver data legal"]))


@pytest.mark.parametrize("role", ["ceo_copilot", "troubleshooter"])
def test_a_report_tells_what_happened_then_what_was_expected_then_what_is_asked(role):
    document = written(run(role, ALL["label printing trace"]))
    places = [document.index(f"## {say(key, 'en')}\n") for key in ("happened", "steps", "expected", "ask")]
    assert places == sorted(places)
    assert section(document, "happened").index("Since this morning") < section(document, "happened").index("Night shift")


def test_an_incident_keeps_its_timeline_in_order():
    happened = section(written(run("ceo_copilot", ALL["meter incident"])), "happened")
    assert re.findall(r"> (\d\d:\d\d)", happened) == ["04:10", "04:32", "06:05", "09:40", "10:25"]


@pytest.mark.parametrize(
    ("role", "card"),
    [
        ("strategy", "meter incident"),
        ("dev_frontend", "leaver data legal"),
        ("prd", "label printing trace"),
        ("mvp_scope", "对账脚本报错"),
        ("deployment", "museum audio guide texts"),
        ("troubleshooter", "turnverein beitraege"),
        ("research", "caida pasarela"),
        ("refactor", "cantine scolaire"),
        ("storyboard_ux", "vet practice migration"),
        ("documentation", "領収書PDF文字化け"),
    ],
)
def test_an_agent_that_does_not_suit_a_card_says_who_does_and_does_nothing_else(role, card):
    turns = run(role, ALL[card])
    language = FILED[card].language
    assert acts(turns) == ["comment"]
    comment = calls_of(turns, "comment")[0]["content"]
    assert comment.startswith(say(f"w_{role}", language))
    assert 1 <= len(re.findall("^- ", comment, re.M)) <= 3
    assert "\n> " not in comment
    assert turns[-1][0].startswith(say("s_unsuited", language))


def test_the_agents_that_are_named_instead_suit_the_card():
    named = {say(f"w_{role}", language): role for role in ROLES for language in LANGUAGES}
    for name, filed in definite().items():
        refused = [role for role in ROLES if not suits(role, filed)]
        for line in re.findall("^- (.*)$", "\n".join(refusal(role, filed) for role in refused), re.M):
            assert suits(named[line], filed), name
        assert {"ceo_copilot", "planner", "qa"}.isdisjoint(refused)
        assert filed.kind != "feature" or {"prd", "mvp_scope", "strategy", "architect", "dev_backend"}.isdisjoint(refused)
        assert filed.kind != "bug" or {"troubleshooter", "dev_backend", "deployment"}.isdisjoint(refused)


def test_a_doc_that_is_about_no_text_is_taken_for_something_new():
    assert (
        acts(run("architect", feature("- Customers can pay by invoice", title="Pay by invoice", type="doc")))[0]
        == "write_document"
    )


def test_an_item_of_a_checklist_stands_below_the_line_that_gives_reason_for_it():
    plain = written(run("dev_backend", feature("- Guests can cancel a booking")))
    assert say("c_recovered", "en") not in plain
    line = "Delete bookings after two years"
    document = written(run("dev_backend", feature(f"- Guests can cancel a booking\n- {line}")))
    assert f"> {line}\n\n- [ ] {say('c_recovered', 'en')}" in document


@pytest.mark.parametrize(
    "line",
    [
        "Managers can see all shifts",
        "Guests can cancel a booking",
        "Show the list of rooms",
        "All 61,000 records have a number",
        "Der Vorstand darf alle Termine sehen",
        "un chef de projet peut annuler une tâche",
        "El jefe puede ver la lista",
        "系统按楼栋自动派给师傅",
        "A slot can be changed up to 2 hours before",
        "Absagen sind bis 4 Stunden vorher möglich",
        "Nurses see every morning who did not react",
        "予約の一覧も出す",
    ],
)
def test_a_word_that_may_mean_anything_is_quoted_as_the_reason_for_no_item(line):
    for role in set(ROLES) - WHOLE - {"planner"}:
        assert "> " not in items_of(run(role, feature(f"- {line}")))


@pytest.mark.parametrize(
    "text",
    [
        "Steps:\n1. Set the clock to 23:50\n2. Upload it at 22:00",
        "Pasos:\n1) Poner el reloj a las 23:50\n2) Cobrar la carrera",
        "The system charges tariff 1 and sends no e-mail.\n\nSteps:\n1. drive",
    ],
)
def test_what_a_fault_tells_is_no_reason_for_an_item_but_what_it_is_about(text):
    document = written(run("dev_backend", feature(text, title="Wrong tariff after midnight", type="bug")))
    assert "> " not in document
    assert say("c_twice", FiledCard(feature(text)).language) not in document
    double = feature("Two guests are booked at the same time.\n\nSteps:\n1. book", title="Room taken twice", type="bug")
    assert f"> Two guests are booked at the same time.\n\n- [ ] {say('c_twice', 'en')}" in written(run("dev_backend", double))


def test_people_are_no_data_about_them():
    document = items_of(run("dev_backend", feature("- Patients must not be sent home without their pills")))
    assert "> " not in document
    line = "Delete the patients' records after ten years"
    assert f"> {line}" in written(run("dev_backend", feature(f"- {line}")))


SPIKES = [
    ("Spike: can we sign webhooks?", "Questions\n- HMAC or ed25519? what do others do\n- Do old receivers break?", "spike"),
    ("QR決済の導入調査", "調べたいこと\n- 既存のレジと接続できるか\n- 返金はどのように処理するのか", "research"),
    ("Spike Routenplanung", "Fragen:\n- Welche Anbieter gibt es?\n- Was kostet es?", "spike"),
]


@pytest.mark.parametrize(("title", "description", "kind"), SPIKES)
def test_research_takes_a_card_whose_questions_are_what_is_asked_for(title, description, kind):
    card = feature(description, title=title, type=kind)
    turns = run("research", card)
    assert acts(turns)[0] == "write_document"
    assert all(line.removeprefix("- ") in written(turns) for line in description.splitlines()[1:])
    refused = calls_of(run("prd", card), "comment")[0]["content"]
    assert "`research`" in refused
    assert "`mvp_scope`" not in refused
    assert [move["to_lane"] for move in calls_of(run("ceo_copilot", card), "move_card")] == [2]


def test_a_feature_whose_title_begins_like_a_study_is_no_inquiry():
    assert FiledCard(feature("- Students can book a study room", title="Study rooms")).kind == "feature"


@pytest.mark.parametrize(
    ("role", "card"),
    [
        ("devops", feature("- readers download the passes at 22:00\n- they open without a network", type="task")),
        ("dev_frontend", feature("- Recruiters get a list seven days ahead, and can place a hold")),
        ("storyboard_ux", feature("- Recruiters get a list seven days ahead, and can place a hold")),
    ],
)
def test_an_agent_takes_a_card_that_suits_it(role, card):
    assert acts(run(role, card))[0] == "write_document"


@pytest.mark.parametrize(
    ("role", "card"),
    [
        ("dev_backend", feature("- Möbel abbauen\n- Kisten packen", title="Umzug ins neue Büro", type="task")),
        ("troubleshooter", feature('- Send this to the partner:\n```\n{"id": 1}\n```')),
        ("dev_frontend", feature("用Excel打开是乱码\n\n复现步骤：\n1. 导出\n\n期望结果：中文正常显示", title="乱码", type="bug")),
    ],
)
def test_an_agent_does_not_take_a_card_because_of_a_word_or_two(role, card):
    assert acts(run(role, card)) == ["comment"]


@pytest.mark.parametrize("role", ROLES)
def test_a_checklist_has_at_most_seven_items(role):
    for filed in definite().values():
        assert "".join(document["content"] for document in documents(role, filed)).count("- [ ] ") <= 7


def test_a_fault_is_no_request_for_which_a_test_is_missing():
    document = written(run("dev_backend", ALL["csharp crash"] | {"description": "```\nSystem.NullReferenceException: x\n```"}))
    assert say("c_regression", "en") in document
    assert say("c_tested", "en") not in document


def test_what_is_excluded_gives_no_reason_for_an_item():
    document = written(run("dev_backend", feature("- Guests can cancel a booking\n\nOut of scope: paying by card")))
    assert say("c_money", "en") not in document


def test_a_plan_in_numbered_steps_becomes_cards():
    turns = run("planner", ALL["vet practice migration"])
    titles = [card["title"] for card in calls_of(turns, "create_card")]
    assert [title.split()[0] for title in titles] == ["Write", "Script", "Run", "Switch", "Delete"]


PLANS = {
    "en": "Steps\n1. Add the column\n2. Copy the data\n3. Drop the old table",
    "de": "Schritte\n1. Spalte ergänzen\n2. Daten kopieren\n3. Alte Tabelle löschen",
    "ja": "作業内容\n1. 列を追加する\n2. データを移す\n3. 古い表を削除する",
}


@pytest.mark.parametrize("language", PLANS)
def test_each_numbered_step_of_a_plan_waits_for_the_one_before_it(language):
    turns = run("planner", feature(PLANS[language], title="DB", type="task"))
    assert [(one["card"], one["depends_on"]) for one in calls_of(turns, "add_dependency")] == [
        ("ask-2", "ask-1"),
        ("ask-3", "ask-2"),
    ]


def test_numbered_requirements_are_no_order():
    text = "Requirements\n1. Add the column\n2. Copy the data\n3. Drop the old table"
    assert calls_of(run("planner", feature(text, title="DB", type="task")), "add_dependency") == []


def test_a_label_with_a_value_that_is_asked_for_becomes_a_card():
    """Such lines were left out as facts, and with them an action of an incident."""
    text = "Requirements:\n- Alarm: at 80 % of the range\n- Add a list of ranges\n- Show free ranges"
    assert len(calls_of(run("planner", feature(text)), "create_card")) == 3


def test_a_line_that_leads_the_steps_of_a_fault_stands_above_nothing_that_was_expected():
    text = "Die Mengen sind abgeschnitten.\n\nSo kann man es nachstellen:\n1. Lieferschein öffnen\n2. Drucken\n\nErwartet: alle Spalten"
    bug = feature(text, title="Lieferschein abgeschnitten", type="bug")
    assert "So kann man" not in written(run("dev_backend", bug))


def test_the_checklist_of_a_fault_asks_for_one_test():
    bug = feature("Steps:\n1. save\n\nExpected: one row\n\nPlease also add a metric.", title="Rows are lost", type="bug")
    document = written(run("dev_backend", bug))
    assert say("c_regression", "en") in document
    assert say("c_tested", "en") not in document


def test_documentation_takes_an_incident_of_which_an_action_is_a_text():
    incident = feature("Actions\n- Write a runbook for the desk", title="Scanners down", type="incident")
    assert acts(run("documentation", incident))[0] == "write_document"


def test_a_condition_is_no_dependency():
    assert calls_of(run("planner", ALL["介護シフト"]), "add_dependency") == []


def test_the_planner_says_what_is_nobodys_task():
    comment = calls_of(run("planner", ALL["leaver data legal"]), "comment")[0]["content"]
    assert (
        "> Works council data is excluded; a separate agreement is being negotiated." in comment.split(say("left_out", "en"))[1]
    )


def test_a_card_that_the_planner_makes_carries_its_own_line_once():
    cards = calls_of(run("planner", ALL["leaver data legal"]), "create_card")
    assert len(cards) >= 4
    assert {card["description"].count("> ") for card in cards} == {1}
    (csv, _) = calls_of(run("planner", feature("The importer must accept:\n- CSV\n- XLSX")), "create_card")
    assert csv["description"].startswith("> The importer must accept:\n>\n> CSV\n")  # a bare name says nothing


def test_a_line_that_leads_stands_once_in_a_document():
    card = feature("Uploads fail too often.\n\nThe importer must accept:\n- CSV of up to 10 MB\n- XLSX\n- ODS")
    for role in ("prd", "mvp_scope", "qa", "ceo_copilot"):
        assert written(run(role, card)).count("The importer must accept:") == 1


def test_a_planner_without_an_ask_says_so_and_how_to_ask_and_of_a_bug_that_it_is_the_card_itself():
    bug = {"id": "c", "title": "Error 504", "type": "bug", "description": 'It shows "connection refused" since noon.'}
    assert calls_of(run("planner", bug), "comment")[0]["content"].startswith(say("itself", "en"))
    wished = {"id": "c", "title": "Gates", "type": "feature", "description": "Acceptance criteria\n- the gate opens in 2 s"}
    comment = calls_of(run("planner", wished), "comment")[0]["content"]
    assert comment.startswith(f"{say('no_cards', 'en')}\n\n{say('hint', 'en')}")


def test_two_criteria_in_one_line_are_two_tests():
    tests = section(written(run("qa", ALL["对账脚本报错"])), "tests", "zh")
    assert tests.count(say("test_seen", "zh")) == 2
    assert "1. > 带逗号的金额能正常解析\n" in tests
    assert "2. > 解析失败的行单独记录，不要让整个任务中断。\n" in tests


def test_a_table_is_quoted_as_one_block():
    document = written(run("prd", ALL["hotel limpieza"]))
    rows = [line for line in document.splitlines() if "|" in line]
    assert len(rows) == 5
    assert "\n".join(rows) in document


def test_what_is_not_clear_is_asked_once_in_the_comment_and_not_by_a_checklist():
    for role in ROLES:
        for name, filed in definite().items():
            said = "\n".join(str(action.arguments.get("content")) for action in plan(role, filed))
            asks = role == "planner" or outputs()[role].questions
            counts = {said.count(f"- {line}\n") for line in filed.questions if line != say("q_done", filed.language)}
            assert counts <= {int(asks and suits(role, filed))}, (role, name)


def test_nobody_asks_how_an_incident_is_done_and_a_test_plan_has_a_place_for_it():
    asked = say("q_done", "en")
    assert asked in calls_of(run("prd", feature("- Guests can cancel a booking")), "comment")[0]["content"]
    assert calls_of(run("qa", feature("Phoning is slow.\n\n- Guests can cancel a booking\n\nOut of scope: fax")), "comment") == []
    incident = {"id": "c", "title": "Outage", "type": "incident", "description": "All was down.\n\nAction items:\n- add an alert"}
    assert asked not in "".join(comment["content"] for comment in calls_of(run("ceo_copilot", incident), "comment"))


def test_what_another_agent_has_asked_is_not_asked_again():
    first = calls_of(run("prd", BARE), "comment")[0]["content"]
    again = {**BARE, "comments": [{"author": "PRD Agent", "content": first}]}
    second = calls_of(run("qa", again), "comment")[0]["content"]
    assert second.startswith(f"{say('gate', 'en')}\n\n{say('asked_before', 'en')}\n\n{say('hint', 'en')}\n\n---")
    assert "- " not in second


def test_a_question_that_a_person_quotes_is_not_asked_again():
    first = calls_of(run("prd", BARE), "comment")[0]["content"]
    question = f"- {say('q_ask', 'en')}"
    assert question in first
    card = {**BARE, "comments": [{"author": "Ines", "content": f"Who knows this?\n{question}"}]}
    assert question not in calls_of(run("qa", card), "comment")[0]["content"]


def test_the_title_of_a_card_stands_once_in_its_document():
    for name, filed in definite().items():
        for (document,) in (documents("ceo_copilot", filed), documents("qa", filed)):
            content = document["content"].splitlines()
            assert document["title"].endswith(filed.title)
            assert content.count(f"> {filed.title}") <= 1, name
            assert not [line for line in content if re.fullmatch(r"\d+\. [^>]*", line)]


@pytest.mark.parametrize(("card", "begins"), [("对账脚本报错", "诊断："), ("領収書PDF文字化け", "診断：")])
def test_chinese_and_japanese_have_their_own_colon_and_no_space_between_sentences(card, begins):
    turns = run("troubleshooter", ALL[card])
    assert calls_of(turns, "write_document")[0]["title"].startswith(begins)
    assert "。 " not in turns[-1][0]
    assert "。" in turns[-1][0]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "card", [feature(""), feature("It must work."), {"id": "c", "title": "", "type": "bug", "description": "x"}]
)
def test_a_card_with_next_to_nothing_on_it_ends_well(role, card):
    turns = run(role, card)
    assert len(acts(turns)) >= 1
    assert_nothing_of_its_own(turns, card)


# -- the run


def test_the_terminal_says_each_act_once_and_the_comment_never_repeats_the_summary():
    turns = run("prd", {**INVOICES, "acceptance_criteria": []})
    assert [text for text, calls, _ in turns if calls] == [""] * (len(turns) - 1)
    summary = turns[-1][0]
    assert summary == " ".join(say(key, "en") for key in ("s_document", "s_questions", "free"))
    comment = calls_of(turns, "comment")[0]["content"]
    assert not any(say(key, "en") in comment for key in lines() if key.startswith("s_"))
    assert say("author", "en") in comment


def test_a_run_reads_nothing_because_the_first_message_has_the_card():
    for role in ROLES:
        assert not [
            call.name for _, calls, _ in run(role, INVOICES) for call in calls if call.name.startswith(("read_", "list_"))
        ]


def test_a_request_and_its_dependencies_are_made_in_one_turn_of_at_most_fifty_calls():
    turns = run("planner", CARDS["postgres migration"], max_tokens=8000)
    assert [len(calls) for _, calls, _ in turns][1:] == [0]
    many = {**INVOICES, "description": "\n".join(f"- then add report number {n}" for n in range(40)), "acceptance_criteria": []}
    counts = [len(calls) for _, calls, _ in run("planner", many, max_tokens=32_000)]
    assert counts[0] == MAX_CALLS_PER_ANSWER
    assert sum(counts) == MAX_CARDS + (MAX_CARDS - 1) + 1


def test_calls_for_which_an_answer_has_no_room_are_made_in_the_next_turn():
    whole, small = run("planner", INVOICES), run("planner", INVOICES, max_tokens=300)
    assert len(small) > len(whole)
    assert calls_of(small, "create_card") == calls_of(whole, "create_card")


def test_a_run_that_is_cancelled_makes_no_more_calls():
    agent = agent_named("planner")
    request = Request("m", (Message.user(render_context(INVOICES)),), agent.system_prompt, specs(list(agent.tools)))
    seen = []
    for event in EmbeddedProvider().stream(request, cancelled=lambda: len(seen) >= 3):
        seen.append(event)
    assert seen[-1].stop_reason == "cancelled"
    assert [type(event) for event in seen] == [ToolCallReady] * 3 + [Finished]


def test_refusals_are_told_not_hidden():
    agent = agent_named("ceo_copilot")
    messages = [Message.user(render_context(INVOICES))]
    while True:
        events = list(EmbeddedProvider().stream(Request("m", tuple(messages), agent.system_prompt, specs(list(agent.tools)))))
        calls = [event.call for event in events if isinstance(event, ToolCallReady)]
        if not calls:
            break
        results = [
            ToolResult(call.id, "The lane's WIP limit of 5 is reached", is_error=True)
            if call.name == "move_card"
            else ToolResult(call.id, answered(call, INVOICES))
            for call in calls
        ]
        messages += [Message("assistant", tuple(calls)), Message("user", tuple(results))]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert f"{say('s_refused', 'en')}\n\n> The lane's WIP limit of 5 is reached" in text
    assert say("s_moved", "en") not in text


@pytest.mark.parametrize("limit", [1, 5, 40, 300])
def test_max_tokens_cuts(limit):
    turns = run("prd", INVOICES, max_tokens=limit)
    assert turns[-1][2].stop_reason in ("max_tokens", "end")
    if limit <= 5:
        assert turns[-1][2] == Finished("max_tokens", turns[-1][2].usage, "cadre-embedded-1")
        assert count_tokens(turns[-1][0]) <= limit


def test_a_long_document_is_shortened_aloud():
    card = {**INVOICES, "description": "\n".join(f"- Accountants can export report number {n} as CSV" for n in range(200))}
    turns = run("prd", card, max_tokens=2000)
    assert turns[-1][2].stop_reason == "end"
    assert say("cut", "en") in written(turns)
    assert say("author", "en") in written(turns)


def test_what_a_person_adds_to_the_run_is_used():
    assert "> Accountants must also export invoices as XML." in written(
        run("prd", INVOICES, extra="Accountants must also export invoices as XML.")
    )


# -- what a judge who had not seen the code disliked


@pytest.mark.parametrize(
    ("language", "key", "sentence"),
    [
        ("en", "unfound", "No line about that was recognized on this card."),
        ("de", "unfound", "Auf dieser Karte wurde keine Zeile dazu erkannt."),
        ("es", "unfound", "En esta tarjeta no se reconoció ninguna línea sobre eso."),
        ("fr", "unfound", "Aucune ligne à ce sujet n'a été reconnue sur cette carte."),
        ("zh", "asks_open", "卡片上没有说明的内容："),
        ("ja", "c_message", "各メッセージの文面を書き、別の人が確認した。"),
        ("en", "needs_model", "Working this out takes a language model or a person. In the meantime, consider the following."),
        ("en", "s_checklist", "A checklist for this card was saved as a document."),
        ("en", "w_planner", "`planner` creates a card for each request."),
        ("en", "w_qa", "`qa` writes a test for each acceptance criterion."),
        ("en", "w_refactor", "`refactor` works on rewriting code without changing what it does."),
        ("en", "s_moved", "The card was moved to the lane for this kind of card."),
        ("en", "k_bug", "This card reports a bug."),
        (
            "de",
            "needs_model",
            "Für die Ausarbeitung braucht es ein Sprachmodell oder einen Menschen. Bis dahin ist Folgendes zu beachten.",
        ),
        ("de", "c_rollback", "Der Rollback ist beschrieben und erprobt."),
        ("de", "s_checklist", "Eine passende Checkliste wurde als Dokument abgelegt."),
        ("es", "t_deployment", "Lista de comprobación del despliegue"),
        ("es", "c_rollback", "El procedimiento de reversión (rollback) está escrito y se ha probado."),
        ("es", "c_told", "Se ha avisado de la fecha a quienes deben conocerla."),
        ("fr", "c_tested", "Chaque demande est couverte par un test qui échoue tant qu'elle n'est pas réalisée."),
        ("fr", "s_moved", "La carte a été placée dans la colonne prévue pour ce type de carte."),
        ("fr", "left_out", "Sur la carte, mais sans carte dédiée :"),
        ("zh", "k_incident", "本卡片是一份事故报告。"),
        ("zh", "w_troubleshooter", "`troubleshooter` 处理故障：错误、位置和复现步骤。"),
        ("zh", "c_as_code", "所有运行资源均以代码定义。"),
        ("ja", "c_sketch", "実際の利用者二人が試作を試した。"),
        ("ja", "c_regression", "この不具合を検出するテストを追加した。"),
        ("ja", "c_path", "利用者ごとの開始点と終了点を図にした。"),
    ],
)
def test_a_fixed_sentence_is_written_as_a_native_speaker_writes_it(language, key, sentence):
    assert say(key, language) == sentence


RETIRES = "Only Ruairi knows how it's done and he retires in February."
BY_HAND = "They know Excel, they don't know SQL, so every single ticket of the week is copied by hand on Sunday."


@pytest.mark.parametrize("later", ["They know Excel, they don't know SQL.", BY_HAND])
def test_the_reason_with_which_a_card_begins_is_its_problem_beside_those_further_below(later):
    text = f"{RETIRES}\n\nWe need a page about it. {later}\n\nRequirements:\n- A clerk can load a timetable"
    assert f"> {RETIRES}" in section(written(run("prd", feature(text))), "problem")


def test_a_checklist_stands_below_what_the_card_asks_for():
    lines = ["add an alarm on queue depth > 2,000", "cap retries at 5 and send the bag to manual coding"]
    card = feature("Follow-ups:\n" + "\n".join(f"- {line}" for line in lines), title="Belt 4 stopped", type="incident")
    document = written(run("devops", card))
    asked, items = document.split(say("needs_model", "en"))
    assert all(f"> {line}" in asked for line in lines)
    assert "> " not in items
    many = written(run("architect", feature("\n".join(f"- Guests can open door {n}" for n in range(9)))))
    assert many.count("> Guests can open door") == 7


@pytest.mark.parametrize(
    ("role", "card"),
    [
        ("dev_backend", feature("Follow-ups:\n- cap retries at 5 and send the bag to manual coding", type="incident")),
        ("dev_frontend", feature("- practices need to be able to switch the texting off at night")),
        ("storyboard_ux", feature("- a member may hold at most six packets at once", title="Seed library - lending")),
        ("dev_frontend", feature("- Praxen müssen die SMS nachts abschalten können")),
    ],
)
def test_an_agent_whose_work_an_ask_names_is_not_refused(role, card):
    assert acts(run(role, card))[0] == "write_document"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("basically the result should land in the inbox", "the result should land in the inbox"),
        ("oh and practices need to switch the texting off", "practices need to switch the texting off"),
        ("ach, und übrigens soll die Kasse um neun schließen", "soll die Kasse um neun schließen"),
        ("bref, il faut que le guichet ferme à neuf heures", "il faut que le guichet ferme à neuf heures"),
    ],
)
def test_the_title_of_a_card_begins_after_the_opening_words(line, title):
    cards = calls_of(run("planner", feature(f"Requirements:\n- {line}\n- Guests can cancel a booking")), "create_card")
    assert cards[0]["title"] == title


@pytest.mark.parametrize("done", ["write to the airlines with a list (done, Leila)", "write to the guests [already done]"])
def test_what_is_marked_done_becomes_no_card(done):
    turns = run(
        "planner", feature(f"Follow-ups:\n- add an alarm on queue depth\n- {done}", title="Belt 4 stopped", type="incident")
    )
    assert [card["title"] for card in calls_of(turns, "create_card")] == ["add an alarm on queue depth"]
    assert f"> {done}" in calls_of(turns, "comment")[0]["content"]


CLEANUP = {
    "id": "c1",
    "title": "split OrderService",
    "type": "task",
    "description": "Please pull pricing out into PricingCalculator, no behaviour change. Same for the coupon stuff -> CouponPolicy.\n"
    "Keep the public signature of place_order().\nOne PR per class please.",
}


def test_the_planner_makes_no_card_of_a_constraint_or_of_a_bare_same_for():
    cards = calls_of(run("planner", CLEANUP), "create_card")
    assert [card["title"].lower() for card in cards] == ["pull pricing out into pricingcalculator, no behaviour change"]
    assert "CouponPolicy" in cards[0]["description"]


def test_names_of_classes_and_methods_are_about_code():
    assert suits("refactor", FiledCard(CLEANUP))
    assert "`refactor`" in refusal("storyboard_ux", FiledCard(CLEANUP))


def test_at_most_three_agents_are_named_instead():
    text = "Move the orders table to the new cluster, rotate the API keys and delete the legacy code of OrderService."
    assert refusal("storyboard_ux", FiledCard({"title": "Move", "type": "task", "description": text})).count("\n- ") == 3


@pytest.mark.parametrize(
    ("role", "card"),
    [
        ("refactor", {"title": "Entrada", "type": "feature", "description": "Queremos enviar el código de la puerta por SMS."}),
        ("dev_frontend", {"title": "PDF", "type": "bug", "description": "Bildschirm ist ok, nur das PDF ist kaputt: „M?ller“."}),
        ("dev_backend", {"title": "Courriels", "type": "task", "description": "Créer les comptes chez le nouveau prestataire."}),
        (
            "devops",
            {
                "title": "介護記録",
                "type": "feature",
                "description": "毎晩2時間かかっています。\n\n記録を音声で残せるようにしたいです。",
            },
        ),
    ],
)
def test_a_word_with_another_meaning_chooses_no_agent(role, card):
    assert not suits(role, FiledCard(card))


def test_what_comes_next_year_is_later_and_what_is_out_this_time_is_not():
    text = "要望:\n- 音声で入力できる\n\n写真の添付は来年度に検討します。夜勤の記録は今回は対象外です。"
    document = written(run("mvp_scope", feature(text, title="介護記録")))
    assert "来年度" in section(document, "later", "ja")
    assert "今回は対象外" in section(document, "exclusion", "ja")


def test_a_checklist_of_a_fault_begins_with_its_title_if_only_a_value_was_expected():
    card = {"title": "Tide times one hour out", "type": "bug", "description": "expected: 07:14\nactual: 08:14"}
    first, second = [line for line in written(run("dev_backend", {"id": "c1"} | card)).splitlines() if line.startswith("> ")][:2]
    assert (first, second) == ("> Tide times one hour out", "> 07:14")


@pytest.mark.parametrize(
    ("description", "title"),
    [
        (
            "期待する動作:中央館と表示される\n\n修正後、予約の受取館を正しい館に直してください。",
            "修正後、予約の受取館を正しい館に直してください",
        ),
        (
            "Mientras se arregla, hay que apagar el riego automático cuando la lectura esté fuera de rango.\n\nDebería salir 34 %.",
            "Mientras se arregla, hay que apagar el riego automático cuando la lectura esté fuera de rango",
        ),
        (
            "La carte devrait afficher le nombre réel. En plus il faudrait indiquer l'heure sous le chiffre.",
            "il faudrait indiquer l'heure sous le chiffre",
        ),
        (
            "It should be 38.7. Please also recalculate October, I don't want to do it by hand.",
            "recalculate October, I don't want to do it by hand",
        ),
    ],
)
def test_the_planner_makes_a_card_of_what_a_fault_asks_for_and_none_of_what_was_expected(description, title):
    card = {"id": "c1", "title": "5", "type": "bug", "description": description}
    assert [one["title"] for one in calls_of(run("planner", card), "create_card")] == [title]


# -- what a sixth judge disliked


def test_every_action_of_an_incident_becomes_a_card():
    text = "Maßnahmen\n1. Tablets in ein eigenes VLAN verschieben\n2. Überwachung: Warnung, wenn ein Bereich zu 80 % belegt ist\n3. Notfallzettel schreiben"
    made = calls_of(run("planner", {"type": "incident", "title": "Scanner ausgefallen", "description": text}), "create_card")
    assert [card["title"].split()[0] for card in made] == ["Tablets", "Überwachung:", "Notfallzettel"]


def test_of_a_complete_bug_the_planner_says_that_it_is_the_card_itself_and_does_not_repeat_it():
    text = "Hi all,\n\n1. save the sheet\n2. print it\n\nExpected: 20 rows\nActual: the rows are gone.\n\nThanks, Jo"
    bug = {"type": "bug", "title": "Rows are lost", "description": f"Steps to reproduce\n{text}"}
    comment = calls_of(run("planner", bug), "comment")[0]["content"]
    assert comment.startswith(say("itself", "en"))
    assert say("no_cards", "en") not in comment
    assert not [line for line in ("Hi all", "the rows are gone", "Thanks") if line in comment]


def test_the_criteria_of_the_only_request_go_with_its_card():
    text = "As a nurse I want a list of beds so that I see free ones.\n\nAcceptance criteria\n- the list is sorted by ward\n- a free bed is green"
    turns = run("planner", feature(text, title="Beds"))
    (card,) = calls_of(turns, "create_card")
    assert all(f"> {line}" in card["description"] for line in ("the list is sorted by ward", "a free bed is green"))


def test_a_wish_that_begins_with_it_and_also_is_a_card_of_its_own():
    text = "The receptionists need a list each morning. It would also be good if the owner could pick a slot."
    assert len(calls_of(run("planner", feature(text, title="Reminders")), "create_card")) == 2


def test_views_of_a_database_are_no_screens_and_a_certificate_of_a_climber_is_no_secret():
    views = {
        "type": "task",
        "title": "Postgres 16",
        "description": "- recreate views `v_open` and `v_old`\n- run ANALYZE on all tables",
    }
    assert acts(run("dev_frontend", views)) == ["comment"]
    belay = feature("- The desk sees whether a climber has a belay certificate", title="Belay check")
    assert acts(run("devops", belay)) == ["comment"]
