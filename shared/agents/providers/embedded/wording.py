"""Every sentence that the embedded model writes, in six languages. Nothing is put into a sentence; what is quoted stands beside it.

Rows: English, German, Spanish, French, Chinese, Japanese. Cards in other languages get the English ones and `other_language`.
"""

from typing import Final

from shared.agents.providers.embedded.language import LANGUAGES

LINES: Final[dict[str, tuple[str, str, str, str, str, str]]] = {
    # who wrote it
    "author": ("Written by Cadre's embedded model, which is no language model: quotations of this card and fixed sentences.",
        "Geschrieben von Cadres eingebautem Modell, das kein Sprachmodell ist: Zitate aus dieser Karte und feste Sätze.",
        "Escrito por el modelo integrado de Cadre, que no es un modelo de lenguaje: citas de esta tarjeta y frases fijas.",
        "Écrit par le modèle intégré de Cadre, qui n'est pas un modèle de langage : citations de cette carte et phrases fixes.", "由 Cadre 内置模型撰写，它不是语言模型：内容是本卡片的引文和固定语句。", "Cadre の内蔵モデル（言語モデルではありません）による記述です。このカードの引用と定型文だけで構成されています。"),
    "free": ("Free: no language model was used.", "Kostenlos: Es wurde kein Sprachmodell benutzt.", "Gratis: no se usó ningún modelo de lenguaje.", "Gratuit : aucun modèle de langage n'a été utilisé.", "免费：没有使用语言模型。",
        "無料：言語モデルは使われていません。"),
    "needs_model": ("To work this out takes a language model or a person. Until then: what the card says, and what to think of.",
        "Das auszuarbeiten braucht ein Sprachmodell oder einen Menschen. Bis dahin: was die Karte sagt und woran zu denken ist.",
        "Elaborarlo requiere un modelo de lenguaje o una persona. Mientras tanto: lo que dice la tarjeta y en qué hay que pensar.",
        "L'élaborer demande un modèle de langage ou une personne. En attendant : ce que dit la carte, et à quoi penser.", "具体方案需要语言模型或由人来完成。在此之前：卡片上写了什么，以及需要考虑什么。", "具体化には言語モデルか人の作業が必要です。それまでの材料として、カードの記載と検討事項を示します。"),
    "other_language": ("This model does not read the card's language: its lines are quoted under English headings, and some may be filed wrongly.",) * 6,
    "english_list": ("", "Diese Liste gibt es nur auf Englisch.", "Esta lista solo existe en inglés.", "Cette liste n'existe qu'en anglais.", "此清单只有英文版。", "このリストは英語版のみです。"),
    "cut": ("Shortened here: the rest did not fit into the run's max_tokens.", "Hier gekürzt: Der Rest passte nicht in die max_tokens des Laufs.", "Acortado aquí: el resto no cabía en los max_tokens de la ejecución.",
        "Raccourci ici : le reste ne tenait pas dans les max_tokens de l'exécution.", "此处已截断：其余内容超出了本次运行的 max_tokens。", "ここで省略：残りは実行の max_tokens に収まりませんでした。"),
    "untitled": ("Untitled", "Ohne Titel", "Sin título", "Sans titre", "无标题", "無題"),
    # sections
    "problem": ("Problem and purpose", "Problem und Zweck", "Problema y propósito", "Problème et but", "问题与目的", "課題と目的"),
    "ask": ("What is asked for", "Was gewünscht ist", "Qué se pide", "Ce qui est demandé", "需求", "求められていること"),
    "criterion": ("Acceptance criteria", "Akzeptanzkriterien", "Criterios de aceptación", "Critères d'acceptation", "验收标准", "受け入れ条件"),
    "exclusion": ("Out of scope", "Nicht Teil davon", "Fuera de alcance", "Hors périmètre", "不在范围内", "対象外"),
    "limit": ("Numbers and limits", "Zahlen und Grenzen", "Cifras y límites", "Chiffres et limites", "数字与限制", "数値と制限"),
    "person": ("People", "Personen", "Personas", "Personnes", "相关人员", "関係者"),
    "link": ("Links", "Links", "Enlaces", "Liens", "链接", "リンク"),
    "question": ("Open questions of the card", "Offene Fragen der Karte", "Preguntas abiertas de la tarjeta", "Questions ouvertes de la carte", "卡片中的待定问题", "カードの未決事項"),
    "steps": ("Steps", "Schritte", "Pasos", "Étapes", "步骤", "手順"),
    "context": ("Other lines of the card", "Weitere Zeilen der Karte", "Otras líneas de la tarjeta", "Autres lignes de la carte", "卡片的其他内容", "カードのその他の記載"),
    "code": ("Logs and traces", "Logs und Traces", "Registros y trazas", "Journaux et traces", "日志与堆栈", "ログとトレース"),
    "exception": ("The error", "Der Fehler", "El error", "L'erreur", "错误", "エラー"),
    "frame": ("Innermost line of the project's own code", "Innerste Zeile des eigenen Codes", "Línea más interna del código propio", "Ligne la plus interne du code du projet", "项目自身代码中最内层的一行", "プロジェクト自身のコードの最も内側の行"),
    "missing": ("Not on the card", "Nicht auf der Karte", "No está en la tarjeta", "Absent de la carte", "卡片未说明", "カードに記載なし"),
    "checklist": ("Checklist", "Checkliste", "Lista de control", "Liste de contrôle", "检查清单", "チェックリスト"),
    "tests": ("Tests", "Tests", "Pruebas", "Tests", "测试", "テスト"),
    # forms to fill in
    "test": ("Test", "Test", "Prueba", "Test", "测试", "テスト"),
    "test_setup": ("Set-up:", "Vorbereitung:", "Preparación:", "Préparation :", "准备：", "準備："),
    "test_steps": ("Steps:", "Schritte:", "Pasos:", "Étapes :", "步骤：", "手順："),
    "test_seen": ("What was seen:", "Was zu sehen war:", "Qué se vio:", "Ce qui a été vu :", "实际看到：", "確認した結果："),
    "test_passed": ("Passed (yes or no, date, name):", "Bestanden (ja oder nein, Datum, Name):", "Superada (sí o no, fecha, nombre):", "Réussi (oui ou non, date, nom) :", "是否通过（是/否、日期、姓名）：", "合否（はい・いいえ、日付、氏名）："),
    "one_ask": ("Ask", "Wunsch", "Petición", "Demande", "需求项", "要望"),
    "done_when": ("Done when:", "Fertig, wenn:", "Hecho cuando:", "Terminé quand :", "完成标准：", "完了条件："),
    "first_version": ("First version", "Erste Version", "Primera versión", "Première version", "首个版本", "最初の版"),
    "later": ("Later", "Später", "Más adelante", "Plus tard", "以后", "後で"),
    "no_criteria": ("The card states no acceptance criterion. Write one for each line that is asked for; then it can be tested.",
        "Die Karte nennt kein Akzeptanzkriterium. Eines für jede gewünschte Zeile schreiben; dann lässt sie sich testen.", "La tarjeta no indica ningún criterio de aceptación. Escriba uno para cada petición; entonces se puede probar.",
        "La carte n'indique aucun critère d'acceptation. En écrire un pour chaque demande ; elle pourra alors être testée.", "卡片没有写验收标准。请为每一项需求写一条，之后才能测试。", "カードに受け入れ条件がありません。要望ごとに一つ書くと、テストできるようになります。"),
    # comments
    "asks_open": ("The card does not say:", "Die Karte sagt nicht:", "La tarjeta no dice:", "La carte ne dit pas :", "卡片没有说明：", "カードに書かれていないこと："),
    "gate": ("The card does not say yet what exactly is asked for, so nothing was made from it.", "Die Karte sagt noch nicht, was genau gewünscht ist; deshalb wurde nichts daraus gemacht.",
        "La tarjeta aún no dice qué se pide exactamente, así que no se hizo nada con ella.", "La carte ne dit pas encore ce qui est demandé exactement ; rien n'en a donc été tiré.", "卡片还没有说明具体要做什么，因此没有据此生成任何内容。",
        "カードには具体的に何を求めるのかがまだ書かれていないため、何も作成していません。"),
    "hint": ("Write each thing that is wanted as a list item under the line “Requirements:”, here or on the card, and start the agent again.",
        "Jeden Wunsch als Listenpunkt unter die Zeile „Anforderungen:“ schreiben, hier oder auf der Karte, und den Agenten neu starten.",
        "Escriba cada petición como punto de una lista bajo la línea «Requisitos:», aquí o en la tarjeta, y vuelva a iniciar el agente.",
        "Écrire chaque demande dans une liste sous la ligne « Besoins : », ici ou sur la carte, puis relancer l'agent.", "请在“需求：”一行下面用列表逐条写出想要的内容（写在评论或卡片里），然后重新启动代理。", "求めることを「要件：」の行の下に箇条書きで（ここまたはカードに）書き、エージェントを再度起動してください。"),
    "on_board": ("Already on the board, not created again:", "Schon auf dem Board, nicht noch einmal angelegt:", "Ya está en el tablero, no se creó de nuevo:", "Déjà sur le tableau, non recréé :", "看板上已有，未重复创建：",
        "すでにボードにあるため、作成していません："),
    "same_title": ("Another card of the board has the same title: this one stays where it is until somebody has compared them.",
        "Eine andere Karte des Boards hat denselben Titel: Diese bleibt, wo sie ist, bis jemand beide verglichen hat.", "Otra tarjeta del tablero tiene el mismo título: esta se queda donde está hasta que alguien las compare.",
        "Une autre carte du tableau a le même titre : celle-ci reste où elle est jusqu'à ce que quelqu'un les compare.", "看板上有同名卡片：在有人比较之前，本卡片保持不动。", "同じ題名のカードがボードにあります。誰かが比べるまで、このカードは動かしません。"),
    "left_out": ("Not planned yet:", "Noch nicht geplant:", "Aún sin planificar:", "Pas encore planifié :", "尚未拆分：", "まだ計画していないもの："),
    # questions, each tied to an absence in `filing`
    "q_ask": ("What exactly should be possible afterwards that is not possible today?", "Was genau soll danach möglich sein, das heute nicht geht?", "¿Qué debe ser posible después que hoy no lo es?",
        "Qu'est-ce qui doit être possible ensuite et ne l'est pas aujourd'hui ?", "完成之后，具体能做到哪些现在做不到的事？", "完了後に、今はできない何ができるようになるべきですか。"),
    "q_who": ("Who is it for?", "Für wen ist es?", "¿Para quién es?", "Pour qui est-ce ?", "这是给谁用的？", "誰のためのものですか。"),
    "q_why": ("What is wrong today, or what is it good for?", "Was stört heute, oder wozu ist es gut?", "¿Qué falla hoy, o para qué sirve?", "Qu'est-ce qui ne va pas aujourd'hui, ou à quoi cela sert-il ?", "现在有什么问题，或者这样做有什么好处？",
        "今は何が問題ですか。または何の役に立ちますか。"),
    "q_done": ("How will somebody see that it is done?", "Woran sieht jemand, dass es fertig ist?", "¿Cómo se verá que está hecho?", "À quoi verra-t-on que c'est terminé ?", "怎样才算完成？", "完了したことは、何を見れば分かりますか。"),
    "q_scope": ("What does not belong to it?", "Was gehört nicht dazu?", "¿Qué no forma parte de esto?", "Qu'est-ce qui n'en fait pas partie ?", "哪些内容不包括在内？", "含まれないものは何ですか。"),
    "q_steps": ("Which steps lead to the fault?", "Welche Schritte führen zum Fehler?", "¿Qué pasos llevan al fallo?", "Quelles étapes mènent à l'erreur ?", "哪些步骤会出现这个问题？", "どの手順で不具合が起きますか。"),
    "q_expected": ("What should have happened instead?", "Was hätte stattdessen passieren sollen?", "¿Qué debería haber pasado en su lugar?", "Qu'est-ce qui aurait dû se passer à la place ?", "正确的结果应该是什么？", "本来はどうなるはずでしたか。"),
    "q_error": ("What does the error message or the log say, word for word?", "Was steht wörtlich in der Fehlermeldung oder im Log?", "¿Qué dice literalmente el mensaje de error o el registro?",
        "Que dit mot pour mot le message d'erreur ou le journal ?", "错误信息或日志的原文是什么？", "エラーメッセージやログには、何と書かれていますか。"),
    "q_where": ("In which version, on which device or in which environment does it happen?", "In welcher Version, auf welchem Gerät oder in welcher Umgebung passiert es?", "¿En qué versión, dispositivo o entorno ocurre?",
        "Dans quelle version, sur quel appareil ou dans quel environnement cela arrive-t-il ?", "出现在哪个版本、设备或环境？", "どの版、端末、または環境で起きますか。"),
    "q_since": ("Since when does it happen?", "Seit wann passiert es?", "¿Desde cuándo ocurre?", "Depuis quand cela arrive-t-il ?", "从什么时候开始的？", "いつから起きていますか。"),
    # summaries
    "s_gate": ("Questions were asked in a comment, and nothing else was done.", "In einem Kommentar stehen Fragen; sonst wurde nichts getan.", "Se hicieron preguntas en un comentario y nada más.",
        "Des questions ont été posées en commentaire, et rien d'autre n'a été fait.", "已在评论中提问，除此之外没有做任何事。", "コメントで質問しました。それ以外は何もしていません。"),
    "s_document": ("The card's own lines were filed into a document.", "Die Zeilen der Karte wurden in ein Dokument geordnet.", "Las líneas de la tarjeta se ordenaron en un documento.",
        "Les lignes de la carte ont été classées dans un document.", "卡片的原文已归类整理成一份文档。", "カードの記載を分類して文書にまとめました。"),
    "s_cards": ("A card was created for each ask that was not on the board yet.", "Für jeden Wunsch, der noch nicht auf dem Board war, wurde eine Karte angelegt.",
        "Se creó una tarjeta para cada petición que aún no estaba en el tablero.", "Une carte a été créée pour chaque demande qui n'était pas encore sur le tableau.", "已为看板上还没有的每项需求各创建一张卡片。", "ボードにまだない要望ごとに、カードを一枚ずつ作成しました。"),
    "s_no_cards": ("There was no ask to make a card of.", "Es gab keinen Wunsch, aus dem eine Karte werden konnte.", "No había ninguna petición de la que hacer una tarjeta.", "Il n'y avait aucune demande dont faire une carte.",
        "没有可以拆成卡片的需求。", "カードにできる要望はありませんでした。"),
    "s_moved": ("The card says what is asked for, so it was moved on.", "Die Karte sagt, was gewünscht ist; deshalb wurde sie weitergeschoben.", "La tarjeta dice qué se pide, así que avanzó.",
        "La carte dit ce qui est demandé ; elle a donc avancé.", "卡片已说明要做什么，因此移到了下一步。", "何を求めるかが書かれているため、カードを次へ進めました。"),
    "s_questions": ("What it does not say is asked in a comment.", "Was sie nicht sagt, wird in einem Kommentar gefragt.", "Lo que no dice se pregunta en un comentario.", "Ce qu'elle ne dit pas est demandé en commentaire.",
        "未说明的内容已在评论中提问。", "書かれていないことは、コメントで質問しています。"),
    "s_refused": ("Refused:", "Abgelehnt:", "Rechazado:", "Refusé :", "被拒绝：", "拒否されたもの："),
    "s_no_tool": ("Something was left out, because this agent has no tool for it.", "Etwas blieb ungetan, weil dieser Agent dafür kein Werkzeug hat.", "Algo quedó sin hacer, porque este agente no tiene la herramienta.",
        "Quelque chose n'a pas été fait, car cet agent n'a pas l'outil nécessaire.", "有一部分没有完成，因为该代理没有相应的工具。", "このエージェントに道具がないため、行っていないことがあります。"),
    "s_stopped": ("Stopped: this run has taken more turns than it needs.", "Angehalten: Dieser Lauf hat mehr Schritte gemacht, als er braucht.", "Detenido: esta ejecución ha dado más turnos de los necesarios.",
        "Arrêté : cette exécution a pris plus de tours que nécessaire.", "已停止：本次运行的轮数超出需要。", "停止しました：この実行は必要以上に手番を重ねました。"),
    "move_reason": ("The card says what is asked for.", "Die Karte sagt, was gewünscht ist.", "La tarjeta dice qué se pide.", "La carte dit ce qui est demandé.", "卡片已说明要做什么。", "カードに何を求めるかが書かれています。"),
    # titles of documents
    "t_ceo_copilot": ("Blueprint", "Blueprint", "Blueprint", "Blueprint", "蓝图", "ブループリント"),
    "t_strategy": ("Strategy checklist", "Checkliste Strategie", "Lista de estrategia", "Liste stratégie", "战略检查清单", "戦略チェックリスト"),
    "t_storyboard_ux": ("User journey checklist", "Checkliste Nutzerweg", "Lista de recorrido del usuario", "Liste parcours utilisateur", "用户旅程检查清单", "ユーザー導線チェックリスト"),
    "t_prd": ("PRD", "PRD", "PRD", "PRD", "PRD", "PRD"),
    "t_mvp_scope": ("MVP scope", "MVP-Umfang", "Alcance del MVP", "Périmètre du MVP", "MVP 范围", "MVP の範囲"),
    "t_research": ("Research checklist", "Checkliste Recherche", "Lista de investigación", "Liste recherche", "调研检查清单", "調査チェックリスト"),
    "t_architect": ("Architecture checklist", "Checkliste Architektur", "Lista de arquitectura", "Liste architecture", "架构检查清单", "設計チェックリスト"),
    "t_devops": ("Infrastructure checklist", "Checkliste Infrastruktur", "Lista de infraestructura", "Liste infrastructure", "基础设施检查清单", "インフラチェックリスト"),
    "t_dev_backend": ("Backend checklist", "Checkliste Backend", "Lista de backend", "Liste backend", "后端检查清单", "バックエンドチェックリスト"),
    "t_dev_frontend": ("Frontend checklist", "Checkliste Frontend", "Lista de frontend", "Liste frontend", "前端检查清单", "フロントエンドチェックリスト"),
    "t_qa": ("Test plan", "Testplan", "Plan de pruebas", "Plan de test", "测试计划", "テスト計画"),
    "t_troubleshooter": ("Diagnosis", "Diagnose", "Diagnóstico", "Diagnostic", "诊断", "診断"),
    "t_deployment": ("Release checklist", "Checkliste Release", "Lista de publicación", "Liste mise en production", "发布检查清单", "リリースチェックリスト"),
    "t_documentation": ("User guide checklist", "Checkliste Anleitung", "Lista de la guía de usuario", "Liste guide utilisateur", "用户指南检查清单", "利用ガイドチェックリスト"),
    "t_refactor": ("Refactoring checklist", "Checkliste Refactoring", "Lista de refactorización", "Liste refactorisation", "重构检查清单", "リファクタリングチェックリスト"),
    "t_general": ("Notes", "Notizen", "Notas", "Notes", "笔记", "メモ"),
}  # fmt: skip

CHECKLISTS: Final[dict[str, tuple[str, ...]]] = {
    "strategy": ("Somebody who asked for it was spoken to, and their words are noted.", "What happens if nothing is done is written down.", "At least one cheaper way was considered.",
        "The riskiest assumption is named, with a test that takes less than a week.", "A number that should change is chosen, and its value today is known."),
    "storyboard_ux": ("Where each person starts and where they end is drawn.", "Each screen has its empty, loading and failed state.", "Everything can be reached by keyboard and read by a screen reader.",
        "What cannot be undone is confirmed first.", "Two people who will use it have tried a sketch."),
    "research": ("The decision that the research serves is written down.", "What is already known is separated from what is believed.", "Each question says which decision its answer changes.", "Each source is named with its date.",
        "An end date and a person who decides are set."),
    "architect": ("Each line that is asked for has a component that carries it.", "Where each piece of data is stored, and who may read it, is decided.", "What happens when each external service is down is decided.",
        "The expected load is known as a number.", "Each decision says what it gives up and how to go back."),
    "devops": ("Everything that runs is described as code.", "Secrets are in a secret store, never in a file or a ticket.", "Each component has an alarm, and somebody who receives it.", "Restoring from a backup was tried.",
        "The monthly cost is estimated."),
    "dev_backend": ("Each line that is asked for has a test that fails without it.", "Each operation that writes checks who may do it.", "The same request sent twice does no harm.",
        "Input is validated in one place, with a clear error.", "Changes of stored data can be undone."),
    "dev_frontend": ("Each line that is asked for has a test that fails without it.", "Loading, empty and failed states are shown.", "Everything works by keyboard and with a screen reader.",
        "It was tried on a small screen and on a slow connection.", "Errors of the service are shown in the words of the product."),
    "troubleshooter": ("The fault was repeated by somebody else, in a test if possible.", "What changed just before it began is known: releases, configuration, data, traffic.", "The cause explains every symptom above.",
        "It is known who else is affected.", "A test that fails because of the fault stays in the suite."),
    "deployment": ("Each acceptance criterion was checked in a stage before production.", "The way back is written down, and was tried.", "Changes of data can be undone, or a backup was made.",
        "The people who have to know are told when it happens.", "Somebody watches errors and load for the first hour.", "Nothing that is out of scope goes live with it."),
    "documentation": ("The guide says who it is for and what they need before they start.", "Each task is a list of steps that was followed once by somebody else.", "Each task says what the reader sees at the end.",
        "Limits and error messages are explained in the words of the product.", "Nothing is described that is not released."),
    "refactor": ("What must not change is covered by tests before the first step.", "Each step is small enough to be released by itself.", "The reason is a number or an event, not taste.",
        "It is decided how to see that it got better."),
}  # fmt: skip


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    row = LINES[key]
    return row[LANGUAGES.index(language)] if language in LANGUAGES else row[0]


def all_lines() -> frozenset[str]:
    """Return every line of the table."""
    lines = {line for row in LINES.values() for line in row} | {line for lines in CHECKLISTS.values() for line in lines}
    return frozenset(lines - {""})


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    ours = {*LINES["author"], *LINES["free"]}
    return any(line.strip(" _*") in ours for line in text.splitlines())
