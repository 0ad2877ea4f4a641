"""Reading cards: what becomes a statement, of which kind, in six languages."""

from collections import Counter
from time import process_time

import pytest

from shared.agents.providers.embedded.blocks import blocks, error_line, own_frame
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.outputs import dependencies
from shared.agents.providers.embedded.reading import Piece, read
from shared.agents.providers.embedded.sentences import heading_kind, sentences
from shared.agents.providers.embedded.tables import keys, recognize, say
from tests.marked import marked
from tools.train_reader import CARDS

SETS = {name: marked(f"{name}_cards") for name in CARDS if name != "gate"}
MARKED = [card for cards in SETS.values() for card in cards]
KINDS = {"asks": "ask", "exclusions": "exclusion", "criteria": "criterion"}
IDS = [card["name"] for card in MARKED]


def _filed(card):
    fields = {name: card[name] for name in ("title", "type", "description") if name in card}
    criteria = "\n".join(f"- {one}" for one in card.get("acceptance_criteria", ()))
    return FiledCard({**fields, "acceptance_criteria": criteria})


FILED = {id(card): _filed(card) for card in MARKED}


def filed(card):
    """The card as a run gives it to the model: read when it is first asked, once for all tests of this file."""
    return FILED[id(card)]


def line(text):
    return " ".join(text.split())


def test_marked_cards_are_filed_as_a_careful_person_files_them():
    """At least 95 % of the marks of all sets right and at most 5 % of the lines misfiled, of each kind too."""
    marks, right, found, misfiled = Counter(), Counter(), Counter(), Counter()
    for card in MARKED:
        for group, kind in KINDS.items():
            pieces = [piece.line for piece in filed(card).of(kind)]
            expected = [line(mark) for mark in card[group]]
            # what a bug should do is asked for
            either = [line(mark) for mark in card.get("expected", ())] if kind != "exclusion" else []
            marks[kind] += len(expected)
            found[kind] += len(pieces)
            right[kind] += sum(any(mark in piece for piece in pieces) for mark in expected)
            misfiled[kind] += sum(not any(mark in piece for mark in [*expected, *either]) for piece in pieces)
    assert marks.total() > 1_300
    assert all(right[kind] >= 0.95 * marks[kind] for kind in KINDS.values()), (right, marks)
    assert all(misfiled[kind] <= 0.05 * found[kind] for kind in KINDS.values()), (misfiled, found)


@pytest.mark.parametrize("card", MARKED, ids=IDS)
def test_the_language_of_a_card(card):
    assert filed(card).language == card["language"]


@pytest.mark.parametrize("card", MARKED, ids=IDS)
def test_only_cards_that_ask_for_something_definite_are_worked_on(card):
    assert filed(card).is_explicit is card.get("explicit", True)


@pytest.mark.parametrize("card", MARKED, ids=IDS)
def test_every_statement_stands_on_the_card_word_for_word(card):
    lines = [line(one) for one in [*card["description"].splitlines(), *card.get("acceptance_criteria", ())]]
    for piece in filed(card).pieces:
        assert all(any(line(part) in one for one in lines) for part in [*piece.text.splitlines(), piece.lead])


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("## Acceptance criteria", "criterion"),
        ("**Out of scope**", "exclusion"),
        ("Nicht Teil davon:", "exclusion"),
        ("验收标准", "criterion"),
        ("【不做】", "exclusion"),
        ("受け入れ条件", "criterion"),
        ("Ce que nous voulons :", "ask"),
        ("Pasos para reproducir", "steps"),
        ("Not in the first release", "exclusion"),
        ("Not working", None),
        ("3. Requirements", "ask"),
        ("The weather", None),
    ],
)
def test_headings(heading, kind):
    assert heading_kind(heading) == kind


def kinds(text, language="en", **more):
    return [(piece.kind, piece.text) for piece in read(text, language, **more)]


def test_sentences_keep_abbreviations_initials_and_dates_whole():
    assert sentences("Pay e.g. 2.50 USD. Ask J. Doe! Done?") == ["Pay e.g. 2.50 USD.", "Ask J. Doe!", "Done?"]
    assert sentences("Bis zum 30.11. beheben, z. B. so. Danke", "de") == ["Bis zum 30.11. beheben, z. B. so.", "Danke"]
    assert sentences("做完了。然后呢？好") == ["做完了。", "然后呢？", "好"]


def test_a_heading_without_marks_ends_with_its_list():
    text = "Done when:\n- it is fast\n- it is green\n\nWe talked about it on Monday."
    assert kinds(text) == [
        ("criterion", "it is fast"),
        ("criterion", "it is green"),
        ("context", "We talked about it on Monday."),
    ]


def test_a_line_before_a_list_says_what_the_list_is():
    (first, second) = read("The importer must accept:\n  - CSV\n  - XLSX", "en")
    assert (first.kind, second.kind, first.lead) == ("ask", "ask", "The importer must accept:")
    (first, *_) = read("We don't need:\n- PDF", "en")
    assert (first.kind, first.text) == ("exclusion", "PDF")


def test_nested_items_belong_to_the_item_above():
    found = read("Requirements\n- The page shows:\n  - the name\n  - the price\n- It prints", "en")
    assert [(one.text, one.lead) for one in found] == [
        ("the name", "The page shows:"),
        ("the price", "The page shows:"),
        ("It prints", ""),
    ]


def test_a_negation_is_quoted_never_turned_round():
    assert kinds("Members must not see invoices of others.") == [("ask", "Members must not see invoices of others.")]
    assert kinds("We do not need PDF.") == [("exclusion", "We do not need PDF.")]


def test_requests_in_the_form_of_questions_are_asks():
    assert kinds("Could we add a filter? Which colour is it?") == [
        ("ask", "Could we add a filter?"),
        ("question", "Which colour is it?"),
    ]


def test_wrapped_lines_are_one_sentence_and_short_lines_are_several():
    wrapped = "The export should contain every invoice of the customer that was\npaid in the last year, and nothing else at all in this world, ever."
    assert [text.count("\n") for _, text in kinds(wrapped)] == [1]
    assert len(kinds("logo is blurry on retina screens\nheader jumps while the page is loading")) == 2


def test_numbered_lines_of_a_bug_report_are_steps_and_keep_their_numbers():
    assert kinds("1. open it\n2. press save", fault=True) == [("steps", "1. open it"), ("steps", "2. press save")]


def test_a_scenario_is_one_criterion():
    text = "Given a locked account\nWhen an admin unlocks it\nThen the user can log in"
    assert kinds(text) == [("criterion", text)]


def test_traces_outside_fences_are_code():
    text = 'It breaks.\n\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nValueError: no\n\nPlease fix the parser in a.py.'
    assert [kind for kind, _ in kinds(text, fault=True)] == ["problem", "code", "ask"]


@pytest.mark.parametrize(
    ("trace", "error", "frame"),
    [
        (
            'Traceback (most recent call last):\n  File "/srv/app/a.py", line 3, in f\n    g(1)\n  File "/x/site-packages/b.py", line 9, in g\n    raise E\nlib.E: bad',
            "lib.E: bad",
            ['  File "/srv/app/a.py", line 3, in f', "    g(1)"],
        ),
        (
            "TypeError: x is undefined\n    at render (/app/node_modules/react/index.js:1:2)\n    at badge (src/badge.ts:17:31)",
            "TypeError: x is undefined",
            ["    at badge (src/badge.ts:17:31)"],
        ),
        (
            "java.lang.RuntimeException: outer\n\tat java.util.List.get(List.java:1)\nCaused by: java.io.IOException: disk full\n"
            "\tat com.acme.Store.save(Store.java:8)\n\t... 3 more",
            "Caused by: java.io.IOException: disk full",
            ["\tat com.acme.Store.save(Store.java:8)"],
        ),
        (
            "panic: index out of range\n\ngoroutine 1 [running]:\nruntime.main()\n\t/usr/local/go/src/runtime/proc.go:1\nmain.main()\n\t/build/main.go:4 +0x1d",
            "panic: index out of range",
            ["main.main()", "\t/build/main.go:4 +0x1d"],
        ),
        (
            "System.NullReferenceException: no object\n   at System.Linq.First(S s)\n   at Depot.Print(Guid id) in C:\\src\\P.cs:line 31",
            "System.NullReferenceException: no object",
            ["   at Depot.Print(Guid id) in C:\\src\\P.cs:line 31"],
        ),
        (
            'WARN  payroll.export  naive\n  File "/srv/rota/export.py", line 212, in row\n    day()\n'
            '  File "/srv/rota/export.py", line 97, in localise\n    raise E(1)\nrota.errors.NaiveDatetime: 88121',
            "rota.errors.NaiveDatetime: 88121",
            ['  File "/srv/rota/export.py", line 97, in localise', "    raise E(1)"],
        ),
        (
            "Fatal error: Segmentation fault\nCurrent thread 0x1 (most recent call first):\n"
            '  File "/srv/rota/native.py", line 5 in load\n  File "/srv/rota/main.py", line 9 in run',
            "Fatal error: Segmentation fault",
            ['  File "/srv/rota/native.py", line 5 in load'],
        ),
        (
            "thread 'main' panicked at src/walk.rs:88:31:\ncalled `Result::unwrap()` on an `Err` value: Loop\n"
            "   3: walk::descend\n             at ./src/walk.rs:88:31",
            "thread 'main' panicked at src/walk.rs:88:31:\ncalled `Result::unwrap()` on an `Err` value: Loop",
            ["   3: walk::descend", "             at ./src/walk.rs:88:31"],
        ),
        (
            "   bei System.Linq.First(S s)\n   bei Depot.Drucken(Guid id) in C:\\src\\P.cs:Zeile 31.",
            None,
            ["   bei Depot.Drucken(Guid id) in C:\\src\\P.cs:Zeile 31."],
        ),
        (
            "   à Depot.Imprimer(Guid id) dans C:\\src\\P.cs:ligne 31",
            None,
            ["   à Depot.Imprimer(Guid id) dans C:\\src\\P.cs:ligne 31"],
        ),
        (
            "   en Depot.Imprimir(Guid id) en C:\\src\\P.cs:línea 31",
            None,
            ["   en Depot.Imprimir(Guid id) en C:\\src\\P.cs:línea 31"],
        ),
        (
            "   在 System.Linq.First(S s)\n   在 Depot.Print(Guid id) 位置 C:\\src\\P.cs:行号 31",
            None,
            ["   在 Depot.Print(Guid id) 位置 C:\\src\\P.cs:行号 31"],
        ),
        (
            "   場所 Depot.Print(Guid id) 場所 C:\\src\\P.cs:行 31",
            None,
            ["   場所 Depot.Print(Guid id) 場所 C:\\src\\P.cs:行 31"],
        ),
        (
            "\tat com.acme.Store.save(Store.java:8)\n\tat com.acme.Main.main(Main.java:3)\n\t... 3 more",
            None,
            ["\tat com.acme.Store.save(Store.java:8)"],
        ),
        (
            "ERROR booking.service: constraint missing\n  at com.acme.Slot.confirm(Slot.java:143)",
            "ERROR booking.service: constraint missing",
            ["  at com.acme.Slot.confirm(Slot.java:143)"],
        ),
        ("all is well", None, []),
    ],
    ids=[
        *("python", "javascript", "java", "go", "csharp"),
        *(
            "python cut",
            "python fault",
            "rust",
            "csharp de",
            "csharp fr",
            "csharp es",
            "csharp zh",
            "csharp ja",
            "java cut",
            "log",
            "none",
        ),
    ],
)
def test_the_error_and_the_innermost_frame_of_own_code(trace, error, frame):
    assert error_line(trace) == error
    assert own_frame(trace).splitlines() == frame


@pytest.mark.parametrize(
    ("asks", "language", "pairs"),
    [
        (["Convert the schema", "Once the schema is converted, copy the data", "Tell people"], "en", [(1, 0)]),
        (["Export invoices", "Then delete the old job"], "en", [(1, 0)]),
        (["Add login", "Add logout"], "en", []),
        (["After lunch, ring the bell", "Add lunch menu"], "en", []),  # nothing waits for what comes later
        (["Anträge genehmigen", "Nach der Genehmigung soll der Kalender aktualisiert werden"], "de", [(1, 0)]),
        (["订单同步", "订单同步完成后发送通知"], "zh", [(1, 0)]),
    ],
)
def test_asks_wait_only_for_what_they_name(asks, language, pairs):
    assert dependencies([Piece("ask", ask) for ask in asks], language) == pairs


# what a card, a comment or a document says is not asked again


def question_kinds(card):
    names = {say(key, "en"): key for key in keys("lines")}
    return [names[one] for one in card.questions]


def test_at_most_five_questions_each_for_something_absent():
    assert question_kinds(FiledCard({"title": "Dark mode", "type": "feature"})) == [
        "q_ask",
        "q_why",
        "q_who",
        "q_done",
        "q_scope",
    ]
    assert question_kinds(FiledCard({"title": "It fails in a weird way", "type": "bug"})) == [
        "q_steps",
        "q_expected",
        "q_error",
        "q_where",
        "q_since",
    ]
    assert question_kinds(filed(MARKED[0])) == []


def test_documents_comments_and_what_the_run_was_told_answer_questions():
    card = {"title": "Add dark mode", "type": "feature", "description": "Users want it because screens are bright at night."}
    assert question_kinds(FiledCard(card)) == ["q_done", "q_scope"]
    document = {"type": "custom", "title": "x", "content": "Out of scope: the mobile app"}
    assert question_kinds(FiledCard(card, (document,))) == ["q_done"]
    said = {"author": "Ada", "content": "Done when contrast is 4.5:1 on every page"}
    assert question_kinds(FiledCard({**card, "comments": [said]}, (document,))) == []
    assert question_kinds(FiledCard(card, told=("Acceptance criteria:\n- contrast is 4.5:1",))) == ["q_scope"]


def test_a_question_that_an_agent_has_asked_is_not_asked_again():
    card = {"title": "Dark mode", "type": "feature"}
    assert "q_who" in question_kinds(FiledCard(card))
    ours = {"author": "PRD Agent", "content": f"- {say('q_who', 'en')}\n\n---\n_{say('author', 'en')}_"}
    assert "q_who" not in question_kinds(FiledCard({**card, "comments": [ours]}))


def test_an_answer_in_a_comment_opens_the_gate():
    card = {"title": "Dark mode", "type": "feature"}
    assert not FiledCard(card).is_explicit
    answered = FiledCard({**card, "comments": [{"author": "Ada", "content": "Requirements:\n- a switch in the settings"}]})
    assert answered.is_explicit
    assert [one.text for one in answered.asks] == ["a switch in the settings"]


def test_what_agents_said_is_not_read_as_a_wish():
    agent = {"author": "PRD Agent", "content": "Requirements:\n- everything"}
    assert not FiledCard({"title": "Dark mode", "comments": [agent]}).is_explicit


def test_the_requirements_document_of_the_card_is_read_when_the_card_asks_for_nothing():
    document = {"type": "prd", "title": "PRD: Dark mode", "content": "## Functional requirements\n- a switch in the settings"}
    card = FiledCard({"title": "Dark mode", "type": "feature"}, (document,))
    assert [one.text for one in card.asks] == ["a switch in the settings"]
    other = FiledCard({"title": "Bakery", "type": "feature"}, (document,))
    assert other.asks == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Gostaria de exportar as faturas em PDF, porque hoje é tudo manual", "other"),
        ("Нужно экспортировать счета в PDF", "other"),
        ("인보이스를 PDF로 내보내고 싶습니다", "other"),
        ("支持导出 PDF", "zh"),
        ("PDFで出力したい", "ja"),
        ("Export", "en"),
        ("", "en"),
    ],
)
def test_languages(text, language):
    assert recognize(text) == language


# hostile texts and later runs


@pytest.mark.parametrize(
    "text", ["at " + "(" * 20_000, "1" * 20_000, "_" * 20_000, "a-" * 10_000, "# " + " " * 20_000 + "x", "- add x\n" * 2_000]
)
def test_long_and_repeated_signs_are_read_as_fast_as_prose(text):
    """Backtracking takes seconds for 20,000 signs; what a person writes of this length takes a few milliseconds."""
    prose = "The export should contain every invoice. " * 500
    assert cost(text) < 60 * cost(prose)


def cost(text):
    """The processor time of reading a text."""
    read.cache_clear()
    blocks.cache_clear()
    begun = process_time()
    read(text, "en", fault=True)
    return process_time() - begun


def test_another_agent_does_not_repeat_a_question_of_an_earlier_one():
    card = {"title": "Add dark mode", "type": "feature", "description": "Users want it because screens are bright at night."}
    ours = {"author": "PRD Agent", "content": f"- {say('q_done', 'en')}\n\n---\n_{say('author', 'en')}_"}
    assert question_kinds(FiledCard({**card, "comments": [ours]})) == ["q_scope"]


def test_a_label_of_a_person_is_quoted_with_the_name():
    assert kinds("Owner: Ines") == [("person", "Owner: Ines")]


def test_a_story_on_three_lines_is_one_ask():
    text = "As a nurse\nI want a list\nso that I don't have to ask"
    assert kinds(text) == [("ask", text)]


def test_what_is_ticked_is_done():
    assert kinds("Todo\n- [x] drop Python 3.7\n- [ ] fix the warnings") == [
        ("context", "[x] drop Python 3.7"),
        ("ask", "fix the warnings"),
    ]


# classes of errors of thirty cards that were read blind


def test_steps_of_a_card_that_reports_no_fault_are_its_plan():
    text = "Steps to get there:\n1. Write the schema\n2. Delete the old cluster"
    assert [kind for kind, _ in kinds(text)] == ["ask", "ask"]
    assert [kind for kind, _ in kinds(text, fault=True)] == ["steps", "steps"]


@pytest.mark.parametrize(
    ("text", "language", "kind", "quotation"),
    [
        ("Was wir nicht brauchen: Inkasso.", "de", "exclusion", "Inkasso."),
        ("What we don't need: PDF", "en", "exclusion", "PDF"),
        ("El cambio de proveedor se trata en otra tarjeta.", "es", "exclusion", None),
        ("Also please no app, website is enough!", "en", "exclusion", None),
        ("Validation: openssl shows the new serial", "en", "criterion", "openssl shows the new serial"),
        ("The requirement is fulfilled when nobody is left.", "en", "criterion", None),
        ("## 完成的定义\n- 流量为 0", "zh", "criterion", "流量为 0"),
        ("【期待する動作】登録した漢字のまま表示される", "ja", "criterion", "登録した漢字のまま表示される"),
        ("シフト希望は紙で集めている", "ja", "problem", None),
    ],
)
def test_other_forms_of_exclusions_and_criteria(text, language, kind, quotation):
    assert kinds(text, language) == [(kind, quotation or text)]


def test_a_label_with_a_fact_and_a_line_of_protocol_order_nothing():
    assert [kind for kind, _ in kinds("Start: 2024-10-02 04:10 UTC\nGET /api/invoices/7/pdf HTTP/1.1")] == ["context", "code"]


def test_an_unknown_heading_ends_what_the_heading_before_it_announced():
    text = "Proof of concept\n1. open it\n\nRemedy\n* Return 404 and not 403"
    assert [kind for kind, _ in kinds(text, fault=True)] == ["steps", "ask"]


def test_the_language_of_a_card_is_not_that_of_its_trace():
    trace = "System.NullReferenceException: Object reference not set to an instance of an object.\n   at Pay.Run(Guid id) in C:\\src\\P.cs:line 31"
    description = f"Desde ayer falla el cálculo de la nómina.\n\n```\n{trace * 5}\n```"
    assert FiledCard({"title": "Excepción al calcular la nómina", "description": description}).language == "es"


# classes of errors of thirty more cards that somebody wrote who had not seen the reader


@pytest.mark.parametrize(
    "text",
    [
        "Hi Dave,",
        "Kind regards\nDr. Helen Marsh\nLegal & Compliance",
        "From: Ann\nTo: Support\nSubject: bill",
        "Sent from my iPhone",
    ],
)
def test_greetings_signatures_and_heads_of_mails_are_courtesy(text):
    assert {kind for kind, _ in kinds(text)} == {"courtesy"}


def test_a_table_is_filed_by_the_heads_of_its_columns():
    text = "| Page | To do | Who |\n|---|---|---|\n| Fees | shorten it | Iker |\n\n| # | Acceptance |\n|---|---|\n| 1 | nobody waits |"
    assert [one for one in kinds(text) if one[0] != "context"] == [
        ("ask", "Fees | shorten it | Iker"),
        ("criterion", "nobody waits"),
    ]


def test_a_table_of_times_is_what_happened():
    text = "| time | what |\n|---|---|\n| 11:02 | first call |"
    assert {kind for kind, _ in kinds(text)} == {"context"}


def test_a_list_above_what_is_asked_for_holds_facts():
    text = "- slots are plain text\n\nTo do\n- use real buttons"
    assert kinds(text) == [("context", "slots are plain text"), ("ask", "use real buttons")]


def test_no_after_a_question_is_an_exclusion_and_and_goes_on_with_what_is_asked_for():
    text = "Kai: können wir nach Fahrzeug filtern?\nKai: ja, und Excel\nJana: braucht ihr Diagramme?\nKai: nee, erstmal nicht"
    assert [kind for kind, _ in kinds(text, "de")] == ["ask", "ask", "question", "exclusion"]


def test_what_follows_the_list_of_criteria_after_a_gap_is_read_by_itself():
    text = "**Expected**\nThe plan is saved\n\nCurrently they type in the last day of 2099."
    assert kinds(text, fault=True) == [
        ("criterion", "The plan is saved"),
        ("problem", "Currently they type in the last day of 2099."),
    ]


def test_the_first_statement_says_what_is_wrong_if_nothing_else_does():
    text = "The list is a sheet on Brenda's own laptop.\n\n- people put themselves on the list"
    assert kinds(text)[0] == ("problem", "The list is a sheet on Brenda's own laptop.")


def test_the_questions_of_a_spike_are_what_is_asked_for():
    card = FiledCard({"title": "Spike: another PDF engine", "description": "- What does one PDF cost?\n- Is it free?"})
    assert [one.text for one in card.asks] == ["What does one PDF cost?", "Is it free?"]
    assert card.is_explicit


def test_the_wishes_of_a_card_that_is_not_explicit_say_what_is_wrong():
    card = FiledCard({"title": "Make search better", "type": "feature", "description": "Can we make it more fun somehow?"})
    assert not card.is_explicit
    assert [one.kind for one in card.pieces] == ["problem"]


@pytest.mark.parametrize(
    ("title", "description"),
    [
        (
            "Mobile app needs some TLC",
            "It works but it does not spark joy. Let's give it a proper polish and make it feel premium.",
        ),
        ("Dashboard 2.0", "The dashboard is fine but boring. We want something that makes people say wow."),
        ("Formular angenehmer machen", "Das Formular ist irgendwie sperrig. Wäre schön wenn das flüssiger ginge."),
        ("Modernizar el panel", "El panel se ha quedado viejo. Nos gustaría algo más actual y más cómodo para el día a día."),
        ("Rendre le site plus vivant", "On trouve le site un peu triste. Il faudrait quelque chose de plus dynamique."),
        ("提升系统体验", "系统用起来不太顺，大家都有感觉。希望能整体优化一下。"),
        ("検索をよくしたい", "検索がいまいちという声があります。もっと探しやすくしてほしいです。"),
    ],
)
def test_a_wish_that_something_be_better_opens_no_gate(title, description):
    card = FiledCard({"title": title, "type": "feature", "description": description})
    assert not card.is_explicit
    assert not card.of("ask")
