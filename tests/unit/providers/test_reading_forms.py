"""Forms in which people write cards: minutes, speech, templates, timelines, signs; each is a class of errors that unseen cards showed."""

from pathlib import Path

import pytest
import yaml

from shared.agents.providers.embedded import tables, traces
from shared.agents.providers.embedded.filing import FiledCard
from shared.agents.providers.embedded.outputs import plan
from shared.agents.providers.embedded.reading import read
from shared.agents.providers.embedded.sentences import sentences
from shared.agents.providers.embedded.wording import say

GATES = yaml.safe_load((Path(__file__).parents[2] / "data" / "gate_cards.yaml").read_text())


def kinds(text, language="en", **more):
    return [(piece.kind, piece.line) for piece in read(text, language, **more)]


@pytest.mark.parametrize("card", GATES, ids=[f"{card['language']} {card['title']}" for card in GATES])
def test_short_cards_open_the_gate_only_if_they_are_definite(card):
    filed = FiledCard(card)
    assert filed.language == card["language"]
    assert filed.is_explicit is not card["vague"]


def test_signs_before_items_say_what_they_are():
    text = "✅ pick-up slots of 30 minutes\n❌ pay on collection\n⏰ the Christmas market"
    assert [kind for kind, _ in kinds(text)] == ["ask", "exclusion", "limit"]


def test_a_timeline_tells_what_happened_and_asks_for_nothing():
    text = "05:31 cert on the broker found expired\n02:40 no alarm although the rule says 10 minutes\nSun 03:10 restarted the gateway"
    assert not {kind for kind, _ in kinds(text)} & {"ask", "exclusion"}


def test_a_line_of_a_chat_may_ask_though_it_has_a_time():
    assert kinds("[10:11] Eli: please add a test")[0][0] == "ask"


def test_numbered_headings_of_minutes_are_no_requests():
    text = "1. Menus\nThe menus on the wall are never those that we eat.\n2. Allergies\nPlease update the list of allergies every term."
    assert kinds(text)[-1] == ("ask", "Please update the list of allergies every term.")
    assert all(line not in ("Menus", "Allergies") for _, line in kinds(text))


def test_a_heading_below_another_inherits_what_that_one_announces():
    text = "## Requirements\n### Duty list\n- My brother changes it from a phone\n## Facts\n- Nine stations of type VN-20\n"
    assert kinds(text)[0] == ("ask", "My brother changes it from a phone")
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


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("Support gets three tickets a week about /v2/invoices.", "en", "context"),
        ("Afecta a 17 personas de la planta de Vigo.", "es", "context"),
        ("Last week we must have lost forty orders.", "en", "problem"),
        ("李园长：上周有个孩子差点被接走，不能再这样了", "zh", "problem"),
        ("We do not wish the client to see time entries.", "en", "exclusion"),
        ("Leave the mail, Ruth is rewriting it anyway.", "en", "exclusion"),
        ("会費の集金は今までどおり手渡しで行います。", "ja", "exclusion"),
        ("mTLS will be looked at by the platform team.", "en", "exclusion"),
        ("La migration est traitée à part.", "fr", "exclusion"),
        ("Die Aktenverwaltung ist nicht Gegenstand dieses Auftrags.", "de", "exclusion"),
        ("Good enough = three findings that the squad acts on", "en", "criterion"),
        ("The auditor will accept it if a random sample returns nothing.", "en", "criterion"),
        ("完成标志：连续两周没有磁盘告警", "zh", "criterion"),
        ("Rückfragen bitte an Fr. Thiel (Recht).", "de", "courtesy"),
        ("In the checklist, replace the manual temperature field with the probe's reading.", "en", "ask"),
        ("If nobody presses 1 within three minutes, call the next one on the list.", "en", "ask"),
        ("If the animal has died no reminder must ever go out, I don't want that again.", "en", "ask"),
    ],
)
def test_forms_of_what_is_and_is_not_asked_for(text, language, kind):
    assert kinds(f"It is about the portal, which nobody likes to use.\n\n{text}", language)[-1][0] == kind


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("- Umzug ist am 3. August, das Wartezimmer ist dann zu", "de"),
        ("- Danke an Sybille fürs Kistenpacken", "de"),
        ("- Joris thanked the concierge with a cake", "en"),
        ("- Alarm rule switched on again, done", "en"),
        ("- we like the blue", "en"),
    ],
)
def test_facts_praise_and_thanks_in_a_list_are_not_asked_for(text, language):
    assert kinds(text, language)[0][0] in ("context", "courtesy")


def test_a_fault_says_what_was_expected_even_if_the_program_skips():
    assert kinds("I'd expect it to skip the loop and exit 0.", fault=True)[0][0] == "criterion"
    assert [kind for kind, _ in kinds("Sollte: Etikett sitzt mittig.\nIst: abgeschnitten.", "de", fault=True)] == [
        "criterion",
        "problem",
    ]


def test_a_statement_after_a_wish_in_the_same_paragraph_is_a_rule():
    text = "We want each sector watered by its moisture. The fee depends on the moisture of last year."
    assert [kind for kind, _ in kinds(text)] == ["ask", "ask"]


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
    assert "line 97" in traces.own_frame(trace)[0]


@pytest.mark.parametrize(
    ("language", "text"), [("en", "We need a list. Leave the mail."), ("de", "Wir brauchen eine Liste. Ohne Logo.")]
)
def test_a_card_compiles_the_marks_of_its_own_language_and_of_english(monkeypatch, language, text):
    """Compiling the marks of all six languages took 0.1 s of the first card of a process."""
    compiled = set()
    known = tables._whole_words
    monkeypatch.setattr(tables, "_whole_words", lambda one, section, name: compiled.add((one, name)) or known(one, section, name))
    for cached in (tables.mark, tables.phrase, read):
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


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("No invoice may be sent without a number.", "en", "ask"),
        ("An order can't be cancelled once it has shipped: show a message instead.", "en", "ask"),
        ("Ohne Nummer darf keine Rechnung verschickt werden.", "de", "ask"),
        ("Passwörter dürfen nicht im Log stehen.", "de", "ask"),
        ("Gäste sollen keine Preise sehen.", "de", "ask"),
        ("Sin número no se puede enviar ninguna factura.", "es", "ask"),
        ("Aucune facture ne doit partir sans numéro.", "fr", "ask"),
        ("已删除的账号不能再收到邮件。", "zh", "ask"),
        ("削除したアカウントにメールを送ってはいけません。", "ja", "ask"),
        ("ゲストには価格を表示しないこと。", "ja", "ask"),
        ("Let's not do the mobile app yet.", "en", "exclusion"),
        ("Die App bleibt, wie sie ist.", "de", "exclusion"),
        ("No vamos a tocar los informes.", "es", "exclusion"),
        ("On ne touche pas aux rapports.", "fr", "exclusion"),
        ("手机端这次先不做。", "zh", "exclusion"),
        ("帳票は触らないでください。", "ja", "exclusion"),
    ],
)
def test_what_the_product_must_not_do_is_a_rule_and_what_nobody_shall_do_is_left_out(text, language, kind):
    assert kinds(text, language)[-1][0] == kind


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("The old tool can export CSV.", "en", "context"),
        ("I had asked for dark mode but changed my mind.", "en", "context"),
        ("In 2019 we decided to use Postgres.", "en", "context"),
        ("Thanks for the quick fix last time!", "en", "courtesy"),
        ("Dark mode is no longer needed.", "en", "exclusion"),
        ("Der Dunkelmodus wird nicht mehr gebraucht.", "de", "exclusion"),
        ("Die Leute finden den Knopf nicht.", "de", "problem"),
        ("La gente no encuentra el botón.", "es", "problem"),
        ("En mars nous avons choisi Postgres.", "fr", "context"),
        ("谢谢上次的帮助！", "zh", "courtesy"),
        ("三月にPostgresを使うことに決めました。", "ja", "context"),
    ],
)
def test_past_decisions_praise_and_wishes_taken_back_ask_for_nothing(text, language, kind):
    wish = {
        "en": "We need a portal.",
        "de": "Wir brauchen ein Portal.",
        "es": "Necesitamos un portal.",
        "fr": "Il faut un portail.",
    }
    begin = {**wish, "zh": "我们需要一个门户。", "ja": "ポータルが必要です。"}[language]
    assert kinds(f"{begin}\n\n{text}", language)[-1][0] == kind


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        ("Could the invoice carry our order number?", "en", "ask"),
        ("Any way to sort the list by date?", "en", "ask"),
        ("I was hoping for a weekly summary by mail.", "en", "ask"),
        ("Kann die Rechnung unsere Bestellnummer tragen?", "de", "ask"),
        ("Gibt es eine Möglichkeit, die Liste zu sortieren?", "de", "ask"),
        ("Ojalá pudiéramos pausar el plan.", "es", "ask"),
        ("It counts as done as soon as Maria has signed off.", "en", "criterion"),
        ("We're there when two clinics use it for a week.", "en", "criterion"),
    ],
)
def test_polite_forms_of_requests_and_of_criteria(text, language, kind):
    assert kinds(text, language)[-1][0] == kind


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("When I skip the intro the video restarts.", "en"),
        ("Notifications are postponed by an hour.", "en"),
        ("Later entries overwrite earlier ones.", "en"),
        ("Termine werden um eine Stunde verschoben.", "de"),
    ],
)
def test_what_a_faulty_program_skips_or_puts_off_is_not_out_of_scope(text, language):
    assert kinds(text, language, fault=True)[0][0] in ("problem", "context")
    assert kinds("Please leave the web version alone.", fault=True)[0][0] == "exclusion"


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
    ("text", "language"),
    [
        ("Please look at the queue depth alarm.", "en"),
        ("Könnt ihr die Rechnung als PDF anbieten?", "de"),
        ("¿Podéis mirar los permisos del almacén?", "es"),
        ("Pouvez-vous ajouter un filtre par ville ?", "fr"),
        ("请增加导出按钮。", "zh"),
        ("在庫の画面で残りの数を見られるようにしてもらえませんか。", "ja"),
    ],
)
def test_a_polite_wish_with_an_object_of_its_own_is_definite(text, language):
    found = last(text, language)
    assert (found.kind, found.vague) == ("ask", False)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Tickets from before 2016 stay where they are.", "en"),
        ("Reports will be redone by finance themselves.", "en"),
        ("CO2 is handled by the old controller and stays there.", "en"),
        ("Rig is shared with the dance school so please don't touch the DMX patch.", "en"),
        ("owners don't get anything directly, thats the vet's call", "en"),
        ("maybe later we could do an API for the two big chains", "en"),
        ("The payment stays in the accounting software.", "en"),
        ("The kitchen takes care of the menus itself.", "en"),
        ("Die Buchhaltung bleibt beim Verband.", "de"),
        ("online gibt's die restkarten nicht!!", "de"),
        ("Die Berichte macht die Finanzabteilung selbst.", "de"),
        ("Um den Versand kümmert sich das Lager.", "de"),
        ("Vielleicht können wir irgendwann eine App machen.", "de"),
        ("Die Halle gehört der Schule, also bitte die Regler nicht anfassen.", "de"),
        ("Die Zahlung bleibt in der Buchhaltungssoftware.", "de"),
        ("Las compuertas automáticas ya se verán el año que viene.", "es"),
        ("El pago se queda en el programa de contabilidad.", "es"),
        ("Los informes los hace la gestoría.", "es"),
        ("La mesa es compartida, así que no toquéis el patch.", "es"),
        ("Quizás más adelante podríamos hacer una API.", "es"),
        ("De las facturas se encarga administración.", "es"),
        ("Le paiement des apports reste dans le logiciel comptable.", "fr"),
        ("Les rapports seront refaits par la comptabilité elle-même.", "fr"),
        ("La salle est partagée, donc merci de ne pas toucher au patch.", "fr"),
        ("Un jour on pourrait faire une API.", "fr"),
        ("Les vannes automatiques, on en reparlera l'an prochain.", "fr"),
        ("付款仍在财务软件里处理。", "zh"),
        ("旧单据保持不变。", "zh"),
        ("报表由财务自己重做。", "zh"),
        ("场地是共用的，所以请不要动调光台的配置。", "zh"),
        ("也许以后可以做一个接口。", "zh"),
        ("自动闸门明年再看。", "zh"),
        ("支払いは会計ソフトのままです。", "ja"),
        ("帳票は経理が自分で作り直します。", "ja"),
        ("機材は共用なので、設定は触らないでください。", "ja"),
        ("いつかAPIも作れるといいですね。", "ja"),
        ("自動水門は来年考えます。", "ja"),
        ("釉薬の管理は引き続き窯元が行います。", "ja"),
    ],
)
def test_what_stays_where_it_is_or_is_done_by_others_or_later_is_out_of_scope(text, language):
    assert last(text, language).kind == "exclusion"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Ayer entregamos dos bicis que no tocaban.", "es"),
        ("During Thursday's dress rehearsal the follow-on from 46 triggered 47 and then 47 again.", "en"),
        ("Last week we could not find the later version.", "en"),
        ("Gestern wurde die Rechnung nicht geändert.", "de"),
        ("Hier on a livré deux vélos qui ne correspondaient pas.", "fr"),
        ("The badge stays visible until the member logs out.", "en"),
        ("The list is sorted by the server.", "en"),
        ("Die Lampe bleibt an, bis jemand quittiert.", "de"),
        ("Le bouton reste grisé jusqu'à la saisie.", "fr"),
        ("El botón se queda bloqueado.", "es"),
        ("The order stays in the queue until it is paid.", "en"),
        ("Le colis reste dans la file tant qu'il n'est pas payé.", "fr"),
        ("Die Bestellung bleibt in der Liste, bis sie bezahlt ist.", "de"),
        ("Members can renew their card themselves.", "en"),
        ("The banner stays there until somebody closes it.", "en"),
        ("Mitglieder pflegen ihre Adresse selbst.", "de"),
        ("资料由会员自己填写。", "zh"),
        ("会員が自分で作れるようにしたいです。", "ja"),
        ("El aviso se queda en la pantalla hasta que se cierra.", "es"),
    ],
)
def test_a_past_fact_or_a_rule_of_the_program_is_no_exclusion(text, language):
    assert last(text, language).kind != "exclusion"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It will be a success if nobody copies a ticket by hand.", "en"),
        ("This will have worked when Josie no longer types tickets.", "en"),
        ("Ce sera réussi si Josiane ne recopie plus un seul ticket.", "fr"),
        ("Le projet est gagné quand plus personne ne recopie.", "fr"),
        ("Es ist ein Erfolg, wenn niemand mehr abtippt.", "de"),
        ("Gelungen ist es, wenn Josi nichts mehr abtippt.", "de"),
        ("Será un éxito si Josefa no copia ni un tique.", "es"),
        ("Habrá salido bien cuando nadie copie tiques.", "es"),
        ("如果没人再抄单子，就算成功了。", "zh"),
        ("只要没人再抄单子，这事就成了。", "zh"),
        ("誰も伝票を書き写さなくなれば成功です。", "ja"),
        ("書き写しがなくなったら成功と言えます。", "ja"),
    ],
)
def test_a_sentence_that_says_what_success_is_is_a_criterion(text, language):
    assert last(text, language).kind == "criterion"


def test_what_was_decided_yesterday_may_be_out_of_scope():
    assert last("Yesterday we agreed that the invoices are out of scope.", "en").kind == "exclusion"


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
