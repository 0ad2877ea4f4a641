"""Forms in which people write cards: minutes, speech, templates, timelines, signs; each is a class of errors that unseen cards showed."""

import pytest

from shared.agents.providers.embedded import tables
from shared.agents.providers.embedded.blocks import own_frame
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.outputs import plan
from shared.agents.providers.embedded.reading import read
from shared.agents.providers.embedded.sentences import sentences
from shared.agents.providers.embedded.tables import LANGUAGES, say
from tests.marked import marked

GATES = marked("gate_cards")
FORMS = marked("sentences_of_forms")


def kinds(text, language="en", **more):
    return [(piece.kind, piece.line) for piece in read(text, language, **more)]


@pytest.mark.parametrize("card", GATES, ids=[f"{card['language']} {card['title']}" for card in GATES])
def test_a_short_card_that_is_vague_opens_no_gate(card):
    filed = FiledCard(card)
    assert filed.language == card["language"]
    assert not (card["vague"] and filed.is_explicit)


def test_a_wish_is_definite_if_it_says_what_is_to_become_of_the_thing():
    """By its form or a word for what can be made or done; a title names the thing anyway."""
    said = {
        "Somebody ought to take it in hand.": False,
        "Somebody ought to add a search by member.": True,
        "- take it in hand": True,
    }
    for text, is_definite in said.items():
        assert (
            FiledCard({"type": "feature", "title": "The intranet needs a change", "description": text}).is_explicit is is_definite
        )


def test_short_cards_that_are_definite_open_the_gate():
    definite = [card for card in GATES if not card["vague"]]
    assert sum(FiledCard(card).is_explicit for card in definite) >= 0.95 * len(definite)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_in_the_forms_in_which_people_write_are_what_they_say(language):
    """A kind is learned and no rule of its own: nineteen of twenty are right."""
    wrong, all_of_them = [], 0
    for group in FORMS:
        above = f"{group['below'][language]}\n\n" if "below" in group and language in group else ""
        for text in group.get(language, ()):
            all_of_them += 1
            if read(above + text, language, fault=group.get("fault", False))[-1].kind not in group["kinds"]:
                wrong.append(text)
    assert all_of_them > 15
    assert len(wrong) <= max(2, 0.05 * all_of_them), wrong


def test_signs_before_items_say_what_they_are():
    text = "✅ pick-up slots of 30 minutes\n❌ pay on collection\n⏰ the Christmas market"
    assert [kind for kind, _ in kinds(text)] == ["ask", "exclusion", "limit"]


def test_a_timeline_tells_what_happened_and_asks_for_nothing():
    text = "05:31 cert on the broker found expired\n02:40 no alarm although the rule says 10 minutes\nSun 03:10 restarted the gateway"
    assert not {kind for kind, _ in kinds(text)} & {"ask", "exclusion"}


def test_a_line_of_a_chat_may_ask_though_it_has_a_time():
    assert kinds("[10:11] Eli: please add a test")[0][0] == "ask"


def test_a_heading_below_another_inherits_what_that_one_announces():
    text = "## Requirements\n### Duty list\n- Show it on a phone\n## Facts\n- Nine stations of type VN-20\n"
    assert kinds(text)[0] == ("ask", "Show it on a phone")
    assert read("## Out of scope\n### Block C\n- Calls at night\n", "en")[0].kind == "exclusion"


def test_speech_without_stops_is_split_where_a_clause_begins():
    spoken = (
        "okay so right now priya calls every patient once a year by phone and half of them don't pick up and so it takes her most of "
        "february what i'd like is that the system texts them three weeks before their month with a link to book please don't text "
        "anybody under eighteen"
    )
    found = kinds(spoken)
    assert ("ask", "what i'd like is that the system texts them three weeks before their month with a link to book") in found
    assert ("exclusion", "please don't text anybody under eighteen") in found


def test_a_space_between_chinese_signs_ends_what_was_said():
    spoken = (
        "我们现在排班是前台小周用纸画的每周一早上大家围着看然后谁有事就划掉重写很乱 我想要一个手机上能看的班表 工资那块先不要动"
    )
    assert kinds("嗯" * 40 + spoken, "zh")[1:] == [("ask", "我想要一个手机上能看的班表"), ("exclusion", "工资那块先不要动")]


def test_a_sentence_does_not_end_within_brackets():
    assert sentences("We have theories (walking time? price?) and no data. Ask.") == [
        "We have theories (walking time? price?) and no data.",
        "Ask.",
    ]


def test_a_fault_says_what_was_expected_even_if_the_program_skips():
    assert kinds("I'd expect it to skip the loop and exit 0.", fault=True)[0][0] == "criterion"
    assert [kind for kind, _ in kinds("Sollte: Etikett sitzt mittig.\nIst: abgeschnitten.", "de", fault=True)] == [
        "criterion",
        "problem",
    ]


def test_what_people_are_quoted_with_is_no_error_text():
    card = {
        "title": "App is slow",
        "type": "bug",
        "description": 'Customers write that "the app is slow". Could someone have a look?',
    }
    assert not FiledCard(card).is_explicit
    assert FiledCard({**card, "description": 'It shows "connection refused" since noon.'}).is_explicit


def test_a_row_without_a_value_asks_for_nothing():
    text = "| Wine | To do |\n|---|---|\n| Riesling | Add the QR code |\n| Secco | – |\n"
    assert [kind for kind, _ in kinds(text)] == ["context", "ask", "context"]


def test_research_works_on_a_card_whose_questions_are_what_is_asked_for():
    card = {
        "title": "Spike: sign webhooks",
        "type": "task",
        "description": "Questions\n- HMAC or ed25519?\n- What does it cost?\n",
    }
    assert plan("research", FiledCard(card))[0].tool == "write_document"


def test_a_python_trace_without_its_first_line_has_its_innermost_frame_last():
    trace = '  File "/srv/a.py", line 212, in row\n    f()\n  File "/srv/b.py", line 97, in f\n    raise E\nrota.errors.NaiveDate: 88121'
    assert "line 97" in own_frame(trace)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "We need a list. Leave the mail."), ("de", "Wir brauchen eine Liste. Ohne Logo.")]
)
def test_a_card_compiles_the_marks_of_its_own_language_and_of_english(monkeypatch, language, text):
    """Compiling the marks of all six languages took 0.1 s of the first card of a process."""
    compiled = set()
    known = tables._words
    monkeypatch.setattr(tables, "_words", lambda one, section, name: compiled.add((one, name)) or known(one, section, name))
    for cached in (tables.mark, tables.pattern, read):
        cached.cache_clear()
    FiledCard({"title": "Portal", "type": "task", "description": f"{text}\n\n- 12"}).pieces  # noqa: B018
    found = {name for one, name in compiled if one not in (language, "en")}
    assert found <= {
        "scenario",
        "given",
        "when",
        "then_line",
        "and_line",
        "story",
        "inquiry",
    }  # looked for before the language is known
    assert (language, "exclusion") in compiled


def test_an_open_box_without_a_bullet_is_no_part_of_the_item_and_a_ticked_one_says_that_it_is_done():
    assert kinds("[ ] Owners can reply STOP\n[x] The list is sorted") == [
        ("ask", "Owners can reply STOP"),
        ("context", "[x] The list is sorted"),
    ]


def test_what_is_labelled_as_a_problem_keeps_its_label_and_is_one():
    assert kinds("Root cause: the migration was postponed.", fault=True) == [
        ("problem", "Root cause: the migration was postponed.")
    ]


COMPLAINTS = {
    "en": "The portal is confusing and nobody likes to use it.",
    "de": "Das Portal ist verwirrend und niemand mag es.",
    "es": "El portal es confuso y a nadie le gusta.",
    "fr": "Le portail est confus et personne ne l'aime.",
    "zh": "这个系统很乱，大家都不喜欢。",
    "ja": "サイトがわかりにくくて困っています。",
}


def last(text, language):
    """The statement that a text becomes below a complaint."""
    return read(f"{COMPLAINTS[language]}\n\n{text}", language)[-1]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Can we sort it out before the fair.", "en"),
        ("Can somebody get this fixed?", "en"),
        ("Can anyone help with this?", "en"),
        ("Kann da jemand mal draufschauen?", "de"),
        ("Bitte beheben.", "de"),
        ("¿Podéis mirarlo cuando tengáis un rato?", "es"),
        ("Por favor, revisadlo.", "es"),
        ("¿Se puede hacer algo?", "es"),
        ("Pourriez-vous y jeter un coup d'œil ?", "fr"),
        ("Pouvez-vous faire quelque chose ?", "fr"),
        ("能不能帮忙看看？", "zh"),
        ("请尽快解决。", "zh"),
        ("そのうち一度見てもらえませんか。", "ja"),
        ("確認をお願いします。", "ja"),
    ],
)
def test_a_polite_wish_that_somebody_looks_at_it_is_not_definite(text, language):
    found = last(text, language)
    assert found.vague or found.kind != "ask"


@pytest.mark.parametrize(
    ("text", "language", "asked"),
    [
        ("The total shows the wrong figure and the page is slow.", "en", False),
        ("Saving the order fails with a message.", "en", True),
        ("Die Summe ist falsch und die Seite ist langsam.", "de", False),
        ("Beim Speichern der Bestellung kommt eine Meldung.", "de", True),
        ("El total sale mal y la página es muy lenta.", "es", False),
        ("Al guardar el pedido sale un mensaje.", "es", True),
        ("Le total est faux et la page est très lente.", "fr", False),
        ("La commande échoue avec un message quand on enregistre.", "fr", True),
        ("合计金额显示不对，页面很慢。", "zh", False),
        ("保存订单的时候系统报错。", "zh", True),
        ("合計の金額が違っていて、画面がとても遅いです。", "ja", False),
        ("注文を保存するとエラーになります。", "ja", True),
    ],
)
def test_the_words_of_an_error_are_asked_for_only_where_something_failed(text, language, asked):
    card = FiledCard({"title": "", "type": "bug", "description": text})
    assert (say("q_error", language) in card.questions) is asked


@pytest.mark.parametrize(
    ("language", "expected", "actual"),
    [
        ("zh", "期望结果:显示补考成绩 78 分", "实际结果:只有第一次的 52 分"),
        ("ja", "期待する動作:予約一覧に「中央館」と表示される", "実際の動作:「北館」と表示される"),
    ],
)
@pytest.mark.parametrize("colon", [":", "：", ": "])
def test_a_label_ends_with_a_colon_of_either_width(language, expected, actual, colon):
    text = f"{expected}\n{actual}".replace(":", colon)
    (right, wrong) = read(text, language, fault=True)
    assert (right.kind, right.text) == ("criterion", expected.split(":")[1])
    assert (wrong.kind, wrong.text) == ("problem", actual.replace(":", colon))


@pytest.mark.parametrize("colon", [":", "："])
def test_in_a_chat_a_colon_of_either_width_stands_after_a_name(colon):
    text = "小李:请加一个导出按钮\n小王:不做打印".replace(":", colon)
    assert [kind for kind, _ in kinds(text, "zh")] == ["ask", "exclusion"]


def test_a_paragraph_below_a_greeting_is_the_first_and_its_rules_are_facts():
    text = "Buenas tardes:\n\nLos clientes se van si esperan. Las llamadas se cortan a los diez minutos.\n\nQueremos un botón."
    *facts, wish = [kind for kind, _ in kinds(text, "es")]
    assert "ask" not in facts
    assert wish == "ask"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Je choisis la station, la carte annonce 5 vélos. J'attends, j'actualise, toujours 5.", "fr"),
        ("Ich wähle die Station, die Karte zeigt 5 Räder. Ich warte, immer noch 5.", "de"),
        ("I pick the station, the map says 5 bikes. I wait, still 5.", "en"),
        ("Elijo la estación, el mapa dice 5 bicis. Recargo y siguen 5.", "es"),
    ],
)
def test_steps_told_as_a_story_are_not_asked_for(text, language):
    assert say("q_steps", language) not in FiledCard({"title": "5", "type": "bug", "description": text}).questions
