"""Every sentence that the embedded model writes, in six languages. Nothing is put into a sentence; what is quoted stands beside it.

Rows: English, German, Spanish, French, Chinese, Japanese. Cards in other languages get the English ones and `other_language`.
"""

from typing import Final

from shared.agents.providers.embedded.language import LANGUAGES

_Row = tuple[str, str, str, str, str, str]

LINES: Final[dict[str, _Row]] = {
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

CHECKLISTS: Final[dict[str, tuple[_Row, ...]]] = {
    "strategy": (
        ("Somebody who asked for it was spoken to, and their words are noted.", "Mit jemandem, der es sich wünscht, wurde gesprochen; die Worte sind notiert.", "Se habló con alguien que lo pidió y sus palabras están anotadas.",
         "On a parlé avec quelqu'un qui le demande, et ses mots sont notés.", "已与提出需求的人沟通，并记录了原话。", "要望した人と話し、その言葉を記録した。"),
        ("What happens if nothing is done is written down.", "Es ist aufgeschrieben, was passiert, wenn nichts getan wird.", "Está escrito qué pasa si no se hace nada.", "Ce qui se passe si l'on ne fait rien est écrit.", "已写明如果什么都不做会怎样。", "何もしない場合にどうなるかを書いた。"),
        ("At least one cheaper way was considered.", "Mindestens ein günstigerer Weg wurde geprüft.", "Se consideró al menos una alternativa más barata.", "Au moins une solution moins chère a été envisagée.", "至少考虑过一种成本更低的做法。", "より安い方法を少なくとも一つ検討した。"),
        ("The riskiest assumption is named, with a test that takes less than a week.", "Die riskanteste Annahme ist benannt, mit einem Test, der weniger als eine Woche dauert.", "Está nombrada la suposición más arriesgada, con una prueba de menos de una semana.",
         "L'hypothèse la plus risquée est nommée, avec un test de moins d'une semaine.", "已指出风险最大的假设，并有一周内可完成的验证。", "最も危うい仮定を挙げ、一週間以内でできる検証を決めた。"),
        ("A number that should change is chosen, and its value today is known.", "Eine Zahl, die sich ändern soll, ist gewählt, und ihr heutiger Wert ist bekannt.", "Se eligió una cifra que debe cambiar y se conoce su valor actual.",
         "Un chiffre qui doit changer est choisi, et sa valeur actuelle est connue.", "已选定要改变的指标，并知道它现在的数值。", "変えたい数値を選び、今の値を把握した。"),
    ),
    "storyboard_ux": (
        ("Where each person starts and where they end is drawn.", "Es ist gezeichnet, wo jede Person anfängt und wo sie endet.", "Está dibujado dónde empieza y dónde termina cada persona.", "Le départ et l'arrivée de chaque personne sont dessinés.", "已画出每类用户从哪里开始、到哪里结束。", "それぞれの人の始点と終点を図にした。"),
        ("Each screen has its empty, loading and failed state.", "Jeder Bildschirm hat seinen leeren, ladenden und fehlgeschlagenen Zustand.", "Cada pantalla tiene su estado vacío, de carga y de error.", "Chaque écran a son état vide, en chargement et en erreur.", "每个界面都有空白、加载和失败状态。", "各画面に、空・読み込み中・失敗の状態がある。"),
        ("Everything can be reached by keyboard and read by a screen reader.", "Alles ist mit der Tastatur erreichbar und mit einem Screenreader lesbar.", "Todo se alcanza con el teclado y lo lee un lector de pantalla.",
         "Tout est accessible au clavier et lisible par un lecteur d'écran.", "所有内容都能用键盘操作，并能被读屏软件读出。", "すべてキーボードで操作でき、スクリーンリーダーで読める。"),
        ("What cannot be undone is confirmed first.", "Was sich nicht rückgängig machen lässt, wird vorher bestätigt.", "Lo que no se puede deshacer se confirma antes.", "Ce qui ne peut pas être annulé est d'abord confirmé.", "无法撤销的操作会先要求确认。", "取り消せない操作は、先に確認を求める。"),
        ("Two people who will use it have tried a sketch.", "Zwei Menschen, die es benutzen werden, haben eine Skizze ausprobiert.", "Dos personas que lo usarán han probado un boceto.", "Deux personnes qui l'utiliseront ont essayé une esquisse.", "已有两位未来的使用者试用过草图。", "実際に使う人二人が、試作を試した。"),
    ),
    "research": (
        ("The decision that the research serves is written down.", "Es ist aufgeschrieben, welcher Entscheidung die Recherche dient.", "Está escrita la decisión para la que sirve la investigación.", "La décision que la recherche doit servir est écrite.", "已写明调研服务于哪一个决定。", "調査がどの判断のためかを書いた。"),
        ("What is already known is separated from what is believed.", "Gewusstes ist von Vermutetem getrennt.", "Lo que se sabe está separado de lo que se cree.", "Ce que l'on sait est séparé de ce que l'on croit.", "已把确知的事与猜测分开。", "分かっていることと思い込みを分けた。"),
        ("Each question says which decision its answer changes.", "Jede Frage sagt, welche Entscheidung ihre Antwort ändert.", "Cada pregunta dice qué decisión cambia su respuesta.", "Chaque question dit quelle décision sa réponse change.", "每个问题都写明其答案会影响哪个决定。", "各質問に、答えがどの判断を変えるかを書いた。"),
        ("Each source is named with its date.", "Jede Quelle ist mit Datum genannt.", "Cada fuente se nombra con su fecha.", "Chaque source est citée avec sa date.", "每个来源都注明日期。", "出典には日付を付けた。"),
        ("An end date and a person who decides are set.", "Ein Enddatum und eine Person, die entscheidet, stehen fest.", "Hay una fecha final y una persona que decide.", "Une date de fin et une personne qui décide sont fixées.", "已确定截止日期和做决定的人。", "終了日と決める人を定めた。"),
    ),
    "architect": (
        ("Each line that is asked for has a component that carries it.", "Zu jeder gewünschten Zeile gehört ein Bauteil, das sie trägt.", "Cada petición tiene un componente que la cumple.", "Chaque demande a un composant qui la porte.", "每一项需求都有承担它的组件。", "各要望に、それを担う部品がある。"),
        ("Where each piece of data is stored, and who may read it, is decided.", "Es ist entschieden, wo welche Daten liegen und wer sie lesen darf.", "Está decidido dónde se guarda cada dato y quién puede leerlo.", "Il est décidé où chaque donnée est stockée et qui peut la lire.", "已决定每类数据存在哪里、谁可以读取。", "各データの保存場所と、読める人を決めた。"),
        ("What happens when each external service is down is decided.", "Es ist entschieden, was beim Ausfall jedes fremden Dienstes passiert.", "Está decidido qué pasa cuando falla cada servicio externo.", "Il est décidé ce qui se passe quand chaque service externe est en panne.", "已决定每个外部服务不可用时怎么办。", "外部サービスが止まったときの動きを決めた。"),
        ("The expected load is known as a number.", "Die erwartete Last ist als Zahl bekannt.", "La carga esperada se conoce en cifras.", "La charge attendue est connue en chiffres.", "预期负载已有具体数字。", "想定する負荷を数値で把握した。"),
        ("Each decision says what it gives up and how to go back.", "Jede Entscheidung sagt, worauf sie verzichtet und wie man zurückkommt.", "Cada decisión dice a qué renuncia y cómo volver atrás.", "Chaque décision dit à quoi elle renonce et comment revenir en arrière.", "每个决定都写明放弃了什么、如何回退。", "各判断に、諦めることと戻し方を書いた。"),
    ),
    "devops": (
        ("Everything that runs is described as code.", "Alles, was läuft, ist als Code beschrieben.", "Todo lo que se ejecuta está descrito como código.", "Tout ce qui tourne est décrit en code.", "所有运行的内容都以代码描述。", "動かすものはすべてコードで記述した。"),
        ("Secrets are in a secret store, never in a file or a ticket.", "Geheimnisse liegen in einem Secret Store, nie in einer Datei oder einem Ticket.", "Los secretos están en un almacén de secretos, nunca en un archivo o un ticket.",
         "Les secrets sont dans un coffre, jamais dans un fichier ou un ticket.", "密钥存放在密钥库，绝不放在文件或工单里。", "秘密情報は専用の保管庫にあり、ファイルやチケットには書いていない。"),
        ("Each component has an alarm, and somebody who receives it.", "Jedes Bauteil hat einen Alarm und jemanden, der ihn bekommt.", "Cada componente tiene una alarma y alguien que la recibe.", "Chaque composant a une alarme, et quelqu'un qui la reçoit.", "每个组件都有告警，并有人接收。", "各部品に警報があり、受け取る人がいる。"),
        ("Restoring from a backup was tried.", "Das Zurückspielen eines Backups wurde ausprobiert.", "Se probó a restaurar una copia de seguridad.", "La restauration d'une sauvegarde a été essayée.", "已试过从备份恢复。", "バックアップからの復元を試した。"),
        ("The monthly cost is estimated.", "Die monatlichen Kosten sind geschätzt.", "El coste mensual está estimado.", "Le coût mensuel est estimé.", "已估算每月费用。", "月々の費用を見積もった。"),
    ),
    "dev_backend": (
        ("Each line that is asked for has a test that fails without it.", "Zu jeder gewünschten Zeile gibt es einen Test, der ohne sie fehlschlägt.", "Cada petición tiene una prueba que falla sin ella.", "Chaque demande a un test qui échoue sans elle.", "每一项需求都有一个缺少它就会失败的测试。", "各要望に、それがないと失敗するテストがある。"),
        ("Each operation that writes checks who may do it.", "Jede schreibende Operation prüft, wer sie ausführen darf.", "Cada operación de escritura comprueba quién puede hacerla.", "Chaque opération d'écriture vérifie qui peut la faire.", "每个写操作都检查谁有权执行。", "書き込む操作は、誰ができるかを必ず確認する。"),
        ("The same request sent twice does no harm.", "Dieselbe Anfrage zweimal zu senden, schadet nicht.", "Enviar dos veces la misma solicitud no causa daño.", "Envoyer deux fois la même requête ne cause aucun dommage.", "同一请求发送两次不会造成问题。", "同じ要求が二度届いても害がない。"),
        ("Input is validated in one place, with a clear error.", "Eingaben werden an einer Stelle geprüft, mit einer klaren Fehlermeldung.", "La entrada se valida en un solo lugar, con un error claro.", "Les entrées sont validées à un seul endroit, avec une erreur claire.", "输入只在一处校验，并给出清楚的错误。", "入力は一か所で検証し、分かりやすいエラーを返す。"),
        ("Changes of stored data can be undone.", "Änderungen an gespeicherten Daten lassen sich rückgängig machen.", "Los cambios en los datos guardados se pueden deshacer.", "Les changements des données stockées peuvent être annulés.", "对已存数据的改动可以撤销。", "保存済みデータの変更は元に戻せる。"),
    ),
    "dev_frontend": (
        ("Each line that is asked for has a test that fails without it.", "Zu jeder gewünschten Zeile gibt es einen Test, der ohne sie fehlschlägt.", "Cada petición tiene una prueba que falla sin ella.", "Chaque demande a un test qui échoue sans elle.", "每一项需求都有一个缺少它就会失败的测试。", "各要望に、それがないと失敗するテストがある。"),
        ("Loading, empty and failed states are shown.", "Laden, leer und fehlgeschlagen werden angezeigt.", "Se muestran los estados de carga, vacío y error.", "Les états chargement, vide et erreur sont affichés.", "会显示加载、空白和失败状态。", "読み込み中・空・失敗の状態を表示する。"),
        ("Everything works by keyboard and with a screen reader.", "Alles geht mit Tastatur und Screenreader.", "Todo funciona con teclado y lector de pantalla.", "Tout fonctionne au clavier et avec un lecteur d'écran.", "键盘和读屏软件都能使用。", "キーボードとスクリーンリーダーですべて使える。"),
        ("It was tried on a small screen and on a slow connection.", "Es wurde auf kleinem Bildschirm und mit langsamer Verbindung ausprobiert.", "Se probó en una pantalla pequeña y con una conexión lenta.", "Cela a été essayé sur un petit écran et une connexion lente.", "已在小屏幕和慢速网络上试过。", "小さい画面と遅い回線で試した。"),
        ("Errors of the service are shown in the words of the product.", "Fehler des Dienstes stehen in den Worten des Produkts da.", "Los errores del servicio se muestran con las palabras del producto.", "Les erreurs du service sont montrées avec les mots du produit.", "服务端错误用产品的语言显示。", "サービスのエラーは製品の言葉で表示する。"),
    ),
    "troubleshooter": (
        ("The fault was repeated by somebody else, in a test if possible.", "Jemand anderes hat den Fehler nachgestellt, möglichst in einem Test.", "Otra persona ha reproducido el fallo, si es posible en una prueba.",
         "Quelqu'un d'autre a reproduit l'erreur, si possible dans un test.", "已有其他人复现问题，最好是用测试复现。", "別の人が不具合を再現した。できればテストで。"),
        ("What changed just before it began is known: releases, configuration, data, traffic.", "Es ist bekannt, was sich kurz davor geändert hat: Releases, Konfiguration, Daten, Last.", "Se sabe qué cambió justo antes: versiones, configuración, datos, tráfico.",
         "On sait ce qui a changé juste avant : versions, configuration, données, trafic.", "已知问题出现前有哪些变化：发布、配置、数据、流量。", "直前の変化が分かっている：リリース、設定、データ、負荷。"),
        ("The cause explains every symptom above.", "Die Ursache erklärt jedes Symptom oben.", "La causa explica todos los síntomas anteriores.", "La cause explique tous les symptômes ci-dessus.", "原因能解释上面的所有现象。", "原因は上のすべての症状を説明できる。"),
        ("It is known who else is affected.", "Es ist bekannt, wer noch betroffen ist.", "Se sabe a quién más afecta.", "On sait qui d'autre est touché.", "已知还有谁受到影响。", "ほかに影響を受ける人が分かっている。"),
        ("A test that fails because of the fault stays in the suite.", "Ein Test, der wegen des Fehlers fehlschlägt, bleibt in der Testsammlung.", "Una prueba que falla por este error se queda en el conjunto de pruebas.", "Un test qui échoue à cause de l'erreur reste dans la suite.", "因该问题而失败的测试会保留下来。", "この不具合で失敗するテストを残す。"),
    ),
    "deployment": (
        ("Each acceptance criterion was checked in a stage before production.", "Jedes Akzeptanzkriterium wurde in einer Stufe vor der Produktion geprüft.", "Cada criterio de aceptación se comprobó antes de producción.",
         "Chaque critère d'acceptation a été vérifié avant la production.", "每条验收标准都已在上线前的环境中检查。", "受け入れ条件は、本番前の環境ですべて確認した。"),
        ("The way back is written down, and was tried.", "Der Weg zurück ist aufgeschrieben und wurde ausprobiert.", "La vuelta atrás está escrita y se ha probado.", "Le retour en arrière est écrit et a été essayé.", "回退方法已写明并试过。", "戻す手順を書き、試した。"),
        ("Changes of data can be undone, or a backup was made.", "Datenänderungen lassen sich rückgängig machen, oder es gibt ein Backup.", "Los cambios de datos se pueden deshacer o hay una copia de seguridad.",
         "Les changements de données peuvent être annulés, ou une sauvegarde existe.", "数据改动可撤销，或已做备份。", "データの変更は戻せる。またはバックアップがある。"),
        ("The people who have to know are told when it happens.", "Wer es wissen muss, erfährt, wann es passiert.", "Quienes deben saberlo están avisados de cuándo ocurre.", "Ceux qui doivent le savoir sont prévenus de la date.", "已通知需要知道上线时间的人。", "知る必要のある人に、時期を伝えた。"),
        ("Somebody watches errors and load for the first hour.", "Jemand beobachtet in der ersten Stunde Fehler und Last.", "Alguien vigila errores y carga durante la primera hora.", "Quelqu'un surveille les erreurs et la charge pendant la première heure.", "上线后一小时内有人观察错误和负载。", "最初の一時間は、誰かがエラーと負荷を見る。"),
        ("Nothing that is out of scope goes live with it.", "Nichts, was nicht dazugehört, geht mit live.", "Nada que esté fuera de alcance se publica con ello.", "Rien de hors périmètre ne part en production avec.", "不在范围内的内容不会一起上线。", "対象外のものは一緒に公開しない。"),
    ),
    "documentation": (
        ("The guide says who it is for and what they need before they start.", "Die Anleitung sagt, für wen sie ist und was man vorher braucht.", "La guía dice para quién es y qué se necesita antes de empezar.", "Le guide dit pour qui il est et ce qu'il faut avant de commencer.", "指南写明给谁看、开始前需要什么。", "誰向けで、事前に何が要るかを書いた。"),
        ("Each task is a list of steps that was followed once by somebody else.", "Jede Aufgabe ist eine Liste von Schritten, der jemand anderes einmal gefolgt ist.", "Cada tarea es una lista de pasos que otra persona ha seguido una vez.",
         "Chaque tâche est une liste d'étapes que quelqu'un d'autre a suivie une fois.", "每项任务都是步骤清单，并由他人照做过一次。", "各作業は手順の一覧で、別の人が一度たどった。"),
        ("Each task says what the reader sees at the end.", "Jede Aufgabe sagt, was man am Ende sieht.", "Cada tarea dice qué se ve al final.", "Chaque tâche dit ce que l'on voit à la fin.", "每项任务都说明最后会看到什么。", "各作業の最後に何が見えるかを書いた。"),
        ("Limits and error messages are explained in the words of the product.", "Grenzen und Fehlermeldungen sind in den Worten des Produkts erklärt.", "Los límites y los errores se explican con las palabras del producto.",
         "Les limites et les erreurs sont expliquées avec les mots du produit.", "限制和错误信息用产品的语言解释。", "制限とエラーは、製品の言葉で説明した。"),
        ("Nothing is described that is not released.", "Nichts ist beschrieben, was nicht veröffentlicht ist.", "No se describe nada que no esté publicado.", "Rien n'est décrit qui ne soit pas publié.", "没有描述尚未发布的内容。", "公開していないことは書いていない。"),
    ),
    "refactor": (
        ("What must not change is covered by tests before the first step.", "Was sich nicht ändern darf, ist vor dem ersten Schritt durch Tests gesichert.", "Lo que no debe cambiar está cubierto por pruebas antes del primer paso.",
         "Ce qui ne doit pas changer est couvert par des tests avant la première étape.", "第一步之前，不能改变的行为已有测试覆盖。", "変えてはいけないことは、着手前にテストで守った。"),
        ("Each step is small enough to be released by itself.", "Jeder Schritt ist klein genug, um allein ausgeliefert zu werden.", "Cada paso es lo bastante pequeño para publicarse solo.", "Chaque étape est assez petite pour être livrée seule.", "每一步都小到可以单独发布。", "各段階は、単独で公開できる大きさである。"),
        ("The reason is a number or an event, not taste.", "Der Grund ist eine Zahl oder ein Ereignis, nicht Geschmack.", "El motivo es una cifra o un hecho, no un gusto.", "La raison est un chiffre ou un fait, pas un goût.", "理由是数据或事件，而不是个人喜好。", "理由は数値か出来事であり、好みではない。"),
        ("It is decided how to see that it got better.", "Es ist entschieden, woran man die Verbesserung sieht.", "Está decidido cómo se verá que mejoró.", "Il est décidé comment on verra que c'est mieux.", "已决定如何判断情况变好了。", "良くなったことを何で見るか決めた。"),
    ),
}  # fmt: skip


def say(key: str, language: str) -> str:
    """Return a line in a language; in English for other languages than the six."""
    return _in(LINES[key], language)


def checklist(role: str, language: str) -> list[str]:
    """Return the checklist of an agent; empty if it has none."""
    return [_in(row, language) for row in CHECKLISTS.get(role, ())]


def _in(row: _Row, language: str) -> str:
    return row[LANGUAGES.index(language)] if language in LANGUAGES else row[0]


def all_lines() -> frozenset[str]:
    """Return every line of the table."""
    rows = [*LINES.values(), *(row for rows in CHECKLISTS.values() for row in rows)]
    return frozenset(line for row in rows for line in row)


def is_ours(text: str) -> bool:
    """Tell whether the embedded model wrote this text: its comments, cards and documents name their author, its summaries the price."""
    ours = {*LINES["author"], *LINES["free"]}
    return any(line.strip(" _*") in ours for line in text.splitlines())
