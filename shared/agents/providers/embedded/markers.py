"""The words by which a card's lines are filed, in six languages: data only. All patterns are matched with lower-case text.

`HEADINGS` are beginnings of headings and labels, of every language at once. `MARKS` are looked for in sentences, in the card's language
and in English, which people mix in.
"""

from typing import Final

HEADINGS: Final = {
    "exclusion": (
        r"(?:things? )?(?:that (?:are|is) )?(?:out[ -]of[ -]scope|non[ -]?goals?|not (?!working|clear|sure|decided|resolved|reproducible|possible|able|ok)\w+|exclu(?:ded?|sions?|des)|won'?t(?: do| have| fix)?\b|will not|what (?:this|it) is not|no[ -]?gos?$|out$|(?:for )?later$|future work|phase 2|deferred|anti[ -]?goals?"
        r"|don'?t|do not|we (?:don'?t|do not|won'?t)|explicitly not|leave out)",
        r"nicht(?! (?:klar|geklärt|möglich|reproduzierbar)|-?funktional)\b|nicht-?ziele?|außerhalb|ausgeschlossen|ausschl[uü]ss|abgrenzung|später$|kein(?:e|en)?\b|bewusst nicht|wird nicht|explizit nicht",
        r"fuera de|no (?!funciona|va\b|puedo|está claro)(?:se )?\w+|exclu(?:ido|siones|ye)|no (?:es|son|forma[n]?) parte|queda[n]? fuera|más adelante|no[ -]objetivos|no (?:se )?hace|de momento no|por ahora no",
        r"hors[ -](?:périmètre|scope|sujet|champ|lot)|non[ -]inclus|exclus?|(?:pas|sans|ne)\b(?! fonctionn)|ne (?:fait|font) pas partie|plus tard$|non-objectifs",
        r"(?:本期|本次|这次|暂时|暂|先)?(?:不在|不包|不做|不含|不涉及|不支持|不考虑|不需要)|范围(?:之)?外|非目标|排除|(?:以后|后续)再",
        r"対象外|(?:スコープ|範囲)外|(?:今回)?(?:含まない|含めない|やらない|対応しない|除外|見送)|非対象|非ゴール|今回は(?:対象外|不要|やらない)",
    ),
    "criterion": (
        r"what (?:did|do|would) (?:you|i|we) expect|when (?:is|are|will) (?:it|we|this|that)(?: be)? (?:done|finished|ready)|acceptance|acs?$|definition of done|dod\b|(?:it is |it's |we are |we're |this is )?(?:done|finished|ready|complete) (?:when|if|means)|success (?:criteria|metrics?|measures?)|how (?:(?:do |will )?we(?:'ll"
        r"| will)?|to) (?:know|see|measure|verify|test|check)|expect(?:ed|ation)|exit criteria|verification|(?:it )?works when|what (?:good looks like|(?:i|we|you|should|would|was|is)(?:'d)? (?:would )?(?:expect|happen))|should be true|tests?$|checks?$|i expect|we expect|passes when|success(?: is| means| looks)?$",
        r"wann (?:ist|sind|gilt|gelten)|akzeptanz|abnahme|fertig|erledigt|erwart|soll-?verhalten|soll$|erfolgskriteri|woran (?:wir|man)|prüfkriteri",
        r"aceptación|cuándo (?:está|estará|se)|criterios?(?: de (?:aceptación|éxito|finalización|validación))?$|(?:está |estará )?(?:list|hech|terminad)[oa]s? cuando|(?:resultado|comportamiento) esperado|lo esperado|esperado|se (?:espera|considera)|definición de (?:hecho|terminado)|cómo (?:sabemos|sabremos|comprob)",
        r"quand (?:est|sera)|acceptation|critères?(?: d.acceptation| de \w+)?$|(?:c.est )?(?:terminé|fini|bon|prêt) (?:quand|lorsque|si)|(?:résultat|comportement) attendu|attendus?\b|recette$|définition d[eu] (?:fini|terminé)|comment (?:on |nous )?(?:sai|sau|vérifi)",
        r"验收|完成(?:标准|定义|条件|的标准)|通过标准|成功标准|(?:预期|期望|期待)(?:结果|行为|效果|表现)?|怎么算完成|测试点",
        r"受け?入れ?(?:条件|基準|要件|テスト)|完了(?:条件|の定義|基準|の条件)|期待(?:する|される|値|結果|動作|挙動)|合格基準|成功(?:条件|基準)|確認(?:項目|観点)|あるべき",
    ),
    "steps": (
        r"steps|repro|(?:how )?to reproduce|str$",
        r"schritte|reproduktion|reproduzier|zum (?:nachstellen|reproduzieren)|nachstell|so (?:geht|lässt)",
        r"pasos|(?:cómo|para) reproducir|reproducción",
        r"étapes|(?:pour )?reproduire|reproduction|comment reproduire",
        r"(?:复现|重现|操作|测试)?步骤|(?:复现|重现)(?:方法|方式|路径)?",
        r"再現|手順|操作手順",
    ),
    "question": (
        r"(?:open |remaining )?(?:questions?|points$|issues$)|unclear|unknowns?|tbd|to (?:be )?(?:decided?|clarif|discuss)|open$",
        r"(?:offene )?(?:fragen?|punkte)$|offen$|unklar|zu klären|klärungsbedarf",
        r"preguntas?|dudas|por (?:decidir|definir|aclarar)|pendiente de",
        r"questions?|à (?:définir|décider|clarifier)|points? (?:ouverts?|à)",
        r"待(?:确认|定|讨论)|疑问|未决",
        r"質問|未決|(?:要)?確認事項|要確認|疑問|検討事項|不明点",
    ),
    "limit": (
        r"constraints?|limits?$|limitations?|non-?functional|nfrs?\b|quality|performance$|sla|budget|deadline|due",
        r"randbedingung|einschränkung|nicht-?funktional|grenzen|frist|termin$|budget",
        r"restricci|límites?|(?:requisitos )?no funcionales|plazo|presupuesto|fecha límite",
        r"contraintes?|limites?$|(?:exigences )?non fonctionnelles|délais?$|échéance|budget",
        r"约束|限制|非功能|性能要求|截止|期限",
        r"制約|制限|非機能|期限|納期|予算",
    ),
    "person": (
        r"people|contacts?|owners?\b|stakeholders?|report(?:er|ed by)|reviewers?|users$|personas?|audience|who\b|cc$|assignee|requested by|from$|for$",
        r"ansprechpartner|kontakt|beteiligte|zielgruppe|nutzer$|benutzer$|gemeldet von|melder|verantwortlich|rückfragen",
        r"contactos?|responsables?|usuarios$|interesados|solicitado por|reportado por",
        r"contacts?|responsables?|utilisateurs$|interlocut|demandé par|signalé par",
        r"联系人|负责人|用户$|角色|提出人|反馈人|对接人",
        r"担当|連絡先|対象ユーザー|利用者$|依頼者|報告者",
    ),
    "link": (
        r"links?$|references?$|refs?$|see(?: also)?$|mock-?ups?|designs?$|attach|resources$|wireframes?|figma",
        r"verweise|anhang|anhänge|siehe|entwurf",
        r"enlaces?$|referencias?$|adjuntos?|diseños?$",
        r"liens?$|références?$|pièces? jointes?|maquettes?",
        r"链接|参考|设计稿|附件|原型",
        r"リンク|参考|デザイン|添付|モック",
    ),
    "code": (
        r"logs?\b|(?:stack ?)?trace|traceback|error (?:message|log|output)|console|output$|stack$|sentry",
        r"protokoll|fehlermeldung|konsole",
        r"registro|mensaje de error|traza|consola",
        r"journal|message d.erreur|trace|pile",
        r"日志|报错|错误(?:信息|日志)|堆栈",
        r"ログ|エラー|スタックトレース",
    ),
    "context": (
        r"notes?$|(?:technical|implementation|design|additional|dev) notes|timeline|environment|env$|implementation|risks?$|dependenc|history|decisions?|alternatives|version|assumptions?|info|fyi|ps$|p\.s\.|workaround|stack|examples?|e\.g\.|frequency|severity|priority|browser|device|platform|affected",
        r"hinweise?|notizen|anmerkung|umgebung|zeitplan|zeitlicher|risiken|annahmen|info|beispiel|übrigens|version|häufigkeit|betroffen|verlauf",
        r"notas?$|entorno|riesgos|supuestos|ejemplos?|nota|versi[oó]n|cronología|afectad|frecuencia",
        r"remarques?|environnement|risques|hypothèses|exemples?|nb$|version|chronologie|fréquence|concernés?",
        r"环境|备注|说明|风险|版本|时间线|例如|示例|注意|补充|频率|影响范围",
        r"環境|備考|補足|メモ|リスク|バージョン|例$|参照|発生(?:環境|頻度|日時)|影響範囲|経過|時系列",
    ),
    "problem": (
        r"(?:the |our )?(?:problems?|pains?\b|issue)|motivation|why\b|background|context|current|today|as[ -]is|now$|actual|observed|what (?:happens|happened|i see|we see|goes wrong|is wrong)|symptoms?|bug$|impact|root cause|cause|goals?$|purpose|benefits?|findings?|value|rationale|instead|objectives?|got$|business case",
        r"problem|hintergrund|ausgangs|ist(?:-|\b)|tatsächlich|aktuell|motivation|warum|ziele?$|zweck|ursache|auswirkung|nutzen|heute|fehler(?:bild|beschreibung)|beobacht|stattdessen",
        r"problema|contexto|motivación|(?:resultado|comportamiento) (?:actual|obtenido|real)|(?:lo )?(?:obtenido|actual|real)|situación|por ?qué|objetivos?$|causa|impacto|antecedentes|hoy|síntoma",
        r"problème|contexte|motivation|(?:résultat|comportement) (?:obtenu|actuel|constaté|observé|réel)|(?:obtenu|constaté|observé|actuel)|situation|pourquoi|objectifs?$|cause|impact|aujourd.hui|constat|symptôme|existant",
        r"背景|问题|现状|目前|现象|实际|原因|影响|目的|目标|痛点|动机|价值|根因",
        r"背景|課題|問題|現状|現在|実際|原因|影響|目的|経緯|理由|事象|現象|ねらい|狙い|メリット",
    ),
    "ask": (
        r"rules$|user story|(?:functional |user |product |key |main |minimum )?requirements?|user stor|what$|what (?:we|they|i|you|it|to|is|needs?|should|the)\b|wants?$|wish|needs?$|needed|to[ -]?dos?\b|(?:sub)?tasks?\b|follow[ -]?ups?|action(?: item)?s?\b|propos|suggest|scope|in[ -]scope|in$|features?$|feature request|asks?\b"
        r"|request|deliverables?|changes?$|next steps?|must(?:[ -]haves?)?$|should(?:[ -]haves?)?$|could(?:[ -]haves?)?$|nice[ -]to[ -]haves?|we(?:'d| would)? (?:want|need|like)|i(?:'d| would)? (?:want|need|like)|please|solution|ideas?$|plan$|fix$|work$|stories$|the ask|mvp$|v1$|remediation|mitigation|checklist|stor(?:y|ies)$"
        r"|behaviou?r$|functionality|capabilities|improvements?$|include[sd]?$",
        r"regeln$|anforderung|aufgaben?$|was (?:wir|gebraucht|zu|soll|ich)|wir (?:brauchen|wollen|möchten|benötigen)|gewünscht|w[uü]nsch|umfang|im scope|zu tun|maßnahmen|folgemaßnahmen|(?:lösungs)?vorschlag|funktionen|muss$|soll$|kann$|änderungen|nächste schritte|leistung|bedarf|lösung|bitte|idee|gebraucht|benötigt"
        r"|arbeitspakete",
        r"historia|reglas$|requi?sitos|requerim|tareas?$|necesit|necesidad|qué (?:queremos|necesitamos|hay|se)|lo que|alcance|dentro de|propuesta|solicitud|petici|funcionalidad|historias? de|acciones|cambios|pendientes?$|por hacer|queremos|se (?:pide|necesita|requiere)|debe|pedido|solución|próximos pasos",
        r"règles$|histoire utilisateur|besoins?|exigences?|demandes?$|tâches?|à faire|périmètre|dans le|propos|ce qu|fonctionnalités|récits?|actions?$|changements|on (?:veut|voudrait|souhaite)|nous (?:voulons|avons)|souhait|il (?:faut|faudrait)|attentes|solution|prochaines étapes|évolutions",
        r"规则|(?:功能|业务|产品|具体|主要|用户)?需求|功能(?:点|要求|描述|列表)?$|要求|任务|待办|改动|(?:改造|功能|需求)?范围|方案|建议|用户故事|行动项|后续(?:行动|措施|工作)?$|修改(?:点|内容)?$|希望|我们(?:想|要|需要)|(?:改进|整改)?措施|开发内容|内容$|工作项|解决",
        r"ルール|(?:機能|業務)?要件|要望|依頼|やりたいこと|(?:対応|実装|作業|修正|変更|開発|改修)(?:内容|方針|事項|案|範囲)?$|タスク|対象$|スコープ|提案|ほしい|希望|仕様|必要な|機能$|今後の対応|対策|再発防止|ユーザーストーリー",
    ),
}  # fmt: skip

MARKS: Final = {
    "en": {
        "exclusion": r"(?:we|you|i) (?:should(?:n'?t| not)|must(?:n'?t| not)|need(?:n'?t| not)) (?:add|change|touch|build|alter|remove|rewrite|introduce|start|do|replace|redesign|support|migrate)|(?:isn'?t|aren'?t|wasn'?t|n't be) (?:needed|required|necessary|planned|part of|included|in scope|a goal|relevant|affected|covered)|out of scope"
        r"|not (?:in|within) scope|not part of|not included|not (?:in|for) (?:this|the first|v1|the mvp)|no need (?:to|for)|(?:we|i|you) (?:don'?t|do not) (?:need|want|have to)\b|^(?:but |and |also |please |so )*(?:don'?t|do not) (?:touch|change|alter|modify|refactor|rewrite|migrate|redesign|build|implement|include|add|support"
        r"|bother|worry|spend|start|replace|rename)|\bwon'?t (?:do|be|need|build|support|change|touch|include|cover)|will not (?:do|be (?:part|included|done|changed|touched|built|covered)|cover|touch|change|include|support)|can (?:\w+ )?wait|leave .{2,60} (?:alone|as (?:it|they|is)|untouched|out\b)|not (?:needed|required"
        r"|necessary|planned|touched|affected|relevant|a goal)|exempt|\b(?:no|not|without|skip|ignore)\b.{2,80}(?:for now|at this (?:stage|point)|this time|this (?:sprint|quarter|year|iteration|release)|right now$|yet please)|(?:come|comes|do|add|done|look at|happen|handle|tackle)\b.{0,40}\blater\b|\blater (?:version|release"
        r"|phase|iteration|ticket)|(?:in|for|until|till?|to|of) (?:phase (?:2|two|ii)|v2)\b|(?:separate|another|different|follow-?up|own) (?:ticket|card|issue|story|project|epic)|exclud(?:ed|ing)|not (?:going to|planning to|doing|touching|changing|asking)|stays?(?: exactly| just)? (?:as|the way|the same)|remains? (?:as"
        r"|unchanged|untouched)|(?:skip|ignore|forget) (?:the|this|that|about|it)\b|not now\b|\bunchanged\b|keep .{2,60} as (?:it|they|is)\b|someone else'?s|next (?:quarter|year|release)$",
        "criterion": r"^(?:done|dod) ?(?:=|means\b)|consider(?:ed)? (?:it|this|that)?(?: as)? ?(?:done|finished|complete)|^(?:it'?s|it is|this is|we're|we are|(?:the|this) (?:card|task|ticket|work|story|feature) is|i consider .{0,30})? ?(?:only )?(?:considered )?(?:done|finished|complete|ready|successful) (?:when|once|if|means)\b"
        r"|acceptance criteri|definition of done|^success (?:means|is|looks)|^we(?:'ll| will)? know (?:it|this|that)",
        "strict": r"\b(?:asked us to|requires us to|(?:is|are|was) asked to|requests? that)\b|^as an? [^,.]{2,80},? ?(?:i|we)\b|\bplease\b|\bpls\b|\bplz\b|\b(?:we|i|they|he|she)(?:'d| would)? (?:really |also |just |then |now )*(?:need|want|like|love) |(?:would|it'd|that'd|'d) (?:also |really )*be (?:great|nice|good|cool|helpful|useful"
        r"|awesome|lovely|handy)|(?:\blet'?s (?!discuss|talk|see|wait|think|chat|sync)|make sure\b|ensure\b)|^(?:also |maybe |and |so |hi[,!]? )*(?:can|could|would|will) (?:we|you|someone|somebody|anyone|it be possible)\b|is it possible to|any chance|(?:i|we) (?:propose|suggest|ask|request)|^(?:request|proposal|ask)\b",
        "modal": r"\b(?:shouldn'?t|mustn'?t)\b|^(?:the |it |this |that |each |every |all |both )(?:(?!user|customer|client|admin|people|team|staff|support|guest|member|manager|nurse|doctor|student|\w+(?:ists?|ants?|ians?|[^i]ers?|ors?)\b)[\w-]+ ){0,3}(?:has|have) to\b|\b(?:must|shall|should|ought to|needs? to|needs? (?:an?|the|some"
        r"|more|one|two|three)|(?:has|have) to be|(?:wants?|would like)|(?:is|are) (?:required|needed)|we need|be able to|needed\b)\b",
        "can": r"^(?:the |an? |every |each |all |any |only )?(?:[\w-]+ ){1,4}(?:can|may)(?: only| also)? (?!not\b|currently|still|today|be (?:slow|confusing|hard))[a-z]+",
        "start": r"^(?:also |and |then |now |next |finally |first,? |maybe |optionally |possibly |\(?optional\)?:? )*(?:add|allow|alert|announce|apply|archive|ask|assign|attach|audit|automate|back up|backfill|block|build|bump|cache|change|check|clean|close|collect|configure|connect|convert|copy|create|cut|default|define|delete|deploy"
        r"|deprecate|design|detect|disable|display|document|drop|email|enable|encrypt|enforce|expose|export|extend|extract|filter|fix|flag|force|generate|get|give|group|hide|highlight|implement|import|include|increase|index|inform|install|integrate|introduce|invalidate|investigate|invite|keep|let(?!'s)|limit|link|list|load"
        r"|lock|log|mail|make|mark|mask|match|measure|merge|migrate|mirror|monitor|move|notify|offer|open|optimi[sz]e|order|paginate|pin|point|post|preserve|prevent|print|propagate|provide|provision|publish|purge|put|raise|read|rebuild|record|redirect|reduce|refactor|reject|release|remind|remove|rename|render|replace|require"
        r"|rerun|reset|resize|restore|restrict|retry|return|reuse|revert|review|rewrite|roll|rotate|round|run|sanitize|save|scan|schedule|search|send|separate|serve|set|share|ship|show|skip|sort|split|start|stop|store|stream|submit|support|swap|switch|sync|tag|take|tell|test|throttle|track|translate|trigger|turn|unify|update"
        r"|upgrade|upload|use|validate|verify|warn|wire|wrap|write|respond|improve|enhance|look|onboard|revoke|rate|snapshot|compress|deduplicate|normali[sz]e|compare)\b(?! of\b)(?!(?: (?!that\b|if\b|whether\b|when\b|so\b|how\b|which\b|who\b|every\b|what\b|where\b|to\b)\S+){0,3} (?:is|are|was|were|fails?|failed|does|doesn'?t"
        r"|got|gets|had|has|said|says|shows?|takes?|took|can'?t|cannot|don'?t|crash\w*|hangs?|didn'?t|isn'?t|aren'?t|broke|breaks|returns|works)\b)",
        "problem": r"\b(?:currently|today|slow|by hand|manual(?:ly)?|errors?|fail(?:s|ed|ing|ure)?|br(?:ea|o)k\w*|crash\w*|wrong|missing|complain\w*|lost|los(?:e|es|ing)|confus\w+|hard to|difficult|impossible|too (?:long|many|much|late|slow)|nobody|no one|cannot|can't|couldn't|doesn'?t|does not|don't|isn't|frustrat\w+|wast\w+|stuck"
        r"|timeouts?|exception|hangs?|annoying|painful|have to|has to|drop off|outage|expos\w+|leak\w*|keeps)\b",
        "now": r"^.{0,25}\b(?:currently|today|at the moment|right now|nowadays|so far|still)\b|\b(?:have|has|need|needs|must|can only)\b.{0,50}\b(?:by hand|manually|every time|each time|over and over)\b",
        "vague": r"\bmake (?:it|this|that|them|things|(?:the|our|my) [\w -]{2,30}?) (?:\w+er|more \w+|less \w+|great|good|nice|cool|pretty|shine|work)\b|\b(?:better|best|improv\w+|nicer|easier|faster|simpler|smoother|cleaner|quicker|clearer|optimi[sz]\w+|enhanc\w+|polish\w*|rethink|revamp|overhaul|moderni[sz]\w+|modern|intuitive"
        r"|user[- ]friendly|look into|look at (?:it|this|that)|figure (?:it|this|that)? ?out|do something|clean(?:ed)? up|(?:fix|solve|address|tackle|sort out|check|investigate) (?:this|it|that|these|asap|soon)\b|more (?:fun|modern|intuitive|robust|stable|professional|engaging|attractive|reliable|delightful|appealing"
        r"|responsive|efficient|scalable)|next level|pop\b|fresher|great again|discuss)",
        "person": r"\b(?:talk to|ask|contact|reach out to|reported by|owner|reviewer|ping|questions to|speak (?:to|with)) [A-Z@]",
        "who": r"\b(?:users?|customers?|clients?|people|admins?|administrators?|team|teams|staff|support|visitors?|guests?|members?|managers?|sales|developers?|ops|operators?|owners?|agents?|everyone|everybody|colleagues|folks|guys|tenants?|analysts?|patients?|students?|teachers?|parents?|kids|drivers?|nurses?|doctors?|for us"
        r"|[a-z]{3,}(?:ists|ants|ians|eers|tors|yers|kers|chers|lers|ters|ders|sers|ners|pers|gers|vers)|finance|marketing|legal|hr|on-call|we|our)\b",
        "why": r"\b(?:so that|because|in order to|so (?:we|they|i|that|people|users)|since|to avoid|due to|as (?:we|they) |otherwise|reason|helps?|saves?|costs?|per (?:day|week|month|year))\b",
        "depends": r"\b(?:after|once|as soon as|depends on|requires|blocked by|only when)\b",
        "then": r"^(?:after that|afterwards|then|and then|once that)\b",
    },
    "de": {
        "exclusion": r"(?:eigenes|anderes|separates) (?:thema|projekt|epic)|(?:nichts|nicht) (?:\w+ ){0,2}(?:ändern|anfassen|umbauen|anpassen|verändern|anrühren)|nicht (?:teil|im umfang|im scope|enthalten|inbegriffen|vorgesehen|nötig|notwendig|erforderlich|gewünscht|gefordert|dabei|relevant|geplant|anfassen|ändern|gebraucht|benötigt"
        r"|umgesetzt|angefasst|notwendig|betrachtet|betroffen)|kein(?:e|en)? (?:teil|bestandteil|thema|ziel)|(?:brauchen|benötigen|wollen|machen|möchten) wir (?:\w+ ){0,3}(?:nicht|kein\w*)|wir (?:brauchen|benötigen|wollen|machen) (?:\w+ ){0,2}(?:nicht|kein\w*)|\b(?:erst|kommt|folgt|machen wir|kommen|folgen)\b.{0,60}(?:später"
        r"|phase (?:2|zwei|ii)|nächst\w+ (?:version|schritt|release|jahr|quartal))|(?:vorerst|erst ?mal|zunächst|momentan|für(?:s)? erste|diesmal).{0,40}(?:\bnicht|\bkein|\bohne)|(?:\bnicht|\bkein\w*|\bohne)\b.{0,60}(?:vorerst|erst ?mal|zunächst|fürs erste|diesmal|in diesem (?:schritt|ticket|sprint))|bleib(?:t"
        r"|en) (?:\w+ ){0,3}(?:unverändert|wie|so|unberührt|bestehen|gleich)|außen vor|ausgenommen|ausgeschlossen|(?:kann|können) (?:\w+ )?(?:warten|später)|(?:separates|eigenes|anderes|extra) ticket|muss (?:\w+ )?nicht\b|müssen (?:\w+ )?nicht\b|^kein\w* (?:änderung|neue|umbau)|später\.?$|(?:fassen|rühren) wir nicht",
        "criterion": r"^(?:fertig|erledigt|abgeschlossen)\b.{0,25}\b(?:wenn|sobald)\b|(?:fertig|erledigt) (?:ist|sind|sind wir).{0,20}\bwenn\b|(?:gilt|gelten) als (?:fertig|erledigt|abgenommen)|abnahmekriteri|akzeptanzkriteri",
        "strict": r"^gewünscht|(?:ist|wäre|sind) (?:\w+ )?(?:gewünscht|gefordert|erwünscht)|^als [^,.]{2,80} (?:möchte|will|kann|brauche|muss|wünsche) (?:ich|wir)\b|\bbitte\b|\b(?:wir|ich) (?:\w+ )?(?:brauchen?|benötigen?|möchten?|wollen|will|wünschen|hätten?)\b|(?:brauchen|benötigen|möchten|wollen|wünschen|hätten) wir\b|(?:wäre"
        r"|wären) (?:\w+ )?(?:schön|gut|toll|super|hilfreich|cool|klasse|praktisch|prima|nett)|^(?:können|könnten|kann|könnte|könntet) (?:wir|ihr|man|jemand|sie|bitte)\b|hätten? (?:\w+ )?gern",
        "modal": r"\b(?:soll(?:en|te|ten)?|muss|müssen|müssten?|möchten?|wünsch\w+|(?:ist|sind) (?:nötig|erforderlich|notwendig)|es (?:fehlt|braucht))\b",
        "can": r"^(?:der |die |das |ein |eine |jeder |alle |nur )?(?:[\w-]+ ){1,4}(?:kann|können|darf|dürfen) (?!nicht\b|derzeit|aktuell|man)\w+",
        "start": r"^(?:[\wäöüß-]+[ ,/()\"]+){1,14}[a-zäöüß]{3,}(?:en|ern|eln)\.?$|^(?:füge|erstelle|zeige|sende|entferne|ergänze|ändere|ersetze|baue|mache)\b",
        "problem": r"\b(?:heute|aktuell|derzeit|momentan|bisher|langsam|von hand|manuell|fehler\w*|bricht|abbruch|abgestürzt|stürzt|kaputt|falsch|fehlt|fehlen|beschwer\w+|verlor\w*|verlier\w+|verwirr\w+|schwer|schwierig|umständlich|unmöglich|niemand|kann nicht|können nicht|geht nicht|funktioniert nicht|leider|mühsam|nervt|kostet|hängt"
        r"|zu (?:lang\w*|viel\w*|spät)|ständig|immer wieder)\b",
        "now": r"^.{0,25}\b(?:heute|aktuell|derzeit|momentan|bisher|zurzeit|im moment)\b|\b(?:muss|müssen|kann|können)\b.{0,60}\b(?:von hand|manuell|jedes mal|händisch)\b",
        "vague": r"\b(?:besser\w*|verbesser\w*|optimier\w*|schöner|einfacher|schneller|moderner\w*|übersichtlicher|intuitiv\w*|aufhübschen|aufräumen|überarbeite\w*|überarbeitung|(?:an)?schauen|kümmer\w+|benutzerfreundlich\w*|nutzerfreundlich\w*|attraktiver\w*|ansprechender\w*|angehen|prüfen|ordentlich)\b",
        "person": r"(?:ansprechpartner\w*|rückfragen an|melden bei|fragt|frag|wenden an|gemeldet von) ",
        "who": r"\b(?:nutzer\w*|benutzer\w*|anwender\w*|kund\w+|mitarbeiter\w*|kolleg\w+|admin\w*|team|teams|leute|buchhaltung|vertrieb|support|einkauf|lager|chef\w*|leiter\w*|wir|uns|unser\w*|[a-zäöü]+innen|patient\w*|schüler\w*|eltern|abteilung\w*|besucher\w*|gäste|mandant\w+|[a-zäöü]+leiter)\b",
        "why": r"\b(?:damit|weil|denn|um .{2,60} zu \w+|sodass|so dass|dadurch|wegen|kostet|spart|sonst|deshalb|deswegen)\b",
        "depends": r"\b(?:nach|nachdem|sobald|erst wenn|hängt ab von|setzt voraus)\b",
        "then": r"^(?:danach|anschließend|dann|im anschluss)\b",
    },
    "es": {
        "exclusion": r"otro (?:tema|proyecto)|fuera de|no (?:se )?inclu|no (?:hace|es) (?:falta|necesari)|no (?:forma|es|son) parte|queda[n]? fuera|más adelante|por ahora|de momento|(?:fase|versión|etapa) (?:2|dos)\b(?!\.\d)|segunda fase|no (?:hay que |se )?toc|no (?:lo )?queremos|puede[n]? esperar|sin cambios|no necesitamos"
        r"|no se (?:cambia|modifica|toca)|(?:se )?deja(?:mos)? para|otro ticket|otra tarea|no cambi|sigue[n]? igual|excepto|exclu|no entra[n]?|no haremos|no haga",
        "criterion": r"^(?:list|hech|terminad)\w+ (?:cuando|si)\b|(?:está|estará|se da por|se considera|quedará).{0,20}(?:list|hech|terminad|aceptad)\w+ (?:cuando|si)|criterios? de aceptación",
        "strict": r"\bse (?:pide|solicita|requiere|desea)\b|^como [^,.]{2,80},? ?(?:quiero|necesito|me gustaría|puedo|quisiera|queremos)|por favor|\bporfa\b|\b(?:necesit(?:amos|o)|queremos|quiero|quisiéramos|nos gustaría|me gustaría|deseamos|pedimos|solicitamos)\b|(?:estaría|sería) (?:muy )?(?:bien|genial|buen\w*|útil|ideal|estupendo"
        r"|perfecto)|^¿?(?:podemos|podríamos|podéis|pueden|puedes|podrías?|podríais|se puede|se podría|sería posible|es posible)\b",
        "modal": r"\b(?:debe(?:n|mos|ría|rían|ríamos|rá|rán)?|tiene[n]? que|tenemos que|hay que|habría que|ha[n]? de|necesita[n]?|que (?:se )?(?:pueda|puedan|envíe|muestre|permita|avise))\b",
        "can": r"^(?:el |la |los |las |un |una |cada |todos los |solo )?(?:[\w-]+ ){1,4}(?:puede|pueden|podrá|podrán) (?!no\b)\w+",
        "start": r"^(?:también |y |luego )*[a-záéíóúñ]{2,}(?:ar|er|ir)(?:lo|la|los|las|se|le|les|nos)?\b",
        "problem": r"\b(?:hoy|actualmente|lent\w+|a mano|manual\w*|error\w*|falla\w*|fallo\w*|no (?:funciona|pueden?|puedo|podemos|sale|llega)|roto|rota|mal|falta|quej\w+|pierd\w+|perdemos|olvida\w*|confus\w+|difícil|imposible|nadie|tarda\w*|cuesta|se (?:cuelga|bloquea|cae))\b",
        "now": r"^.{0,25}\b(?:hoy|actualmente|ahora|por el momento)\b|\b(?:que|debe\w*)\b.{0,50}\b(?:a mano|manualmente|cada vez)\b",
        "vague": r"\b(?:mejor\w*|optimi[zc]\w*|más (?:fácil|rápid\w+|modern\w+|bonit\w+|intuitiv\w+|sencill\w+|ágil|clar\w+|simple\w*|atractiv\w+)|moderniz\w*|intuitiv\w*|revisar(?:lo|la)?|echar(?:le)? un vistazo|(?:arregl|solucion|corrig|corrij)\w*(?: esto| eso)?|amigable)\b",
        "person": r"(?:contact\w+ (?:a|con)|hablar con|preguntar a|reportado por) ",
        "who": r"\b(?:famili\w+|hijos?|soci[oa]s?|vecin[oa]s?|tutor\w*|[a-záéíóúñ]{3,}(?:ores|oras|istas|arios|arias|ientes)|usuari\w+|client\w+|emplead\w+|compañer\w+|admin\w*|equipo\w*|gente|personas?|pacient\w+|recepcionist\w+|contabilidad|ventas|soporte|alumn\w+|profesor\w*|padres|médic\w+|conductor\w*|nosotros|nuestr\w+"
        r"|[a-záéíóú]+ores|responsable\w*|comercial\w*|técnic\w+)\b",
        "why": r"\b(?:para que|para|porque|ya que|así|debido|perdemos|cuesta|ahorra\w*|por eso|de lo contrario|si no)\b",
        "depends": r"\b(?:después de|tras|una vez|en cuanto|depende de)\b",
        "then": r"^(?:después|luego|a continuación|entonces)\b",
    },
    "fr": {
        "exclusion": r"un autre (?:sujet|projet)|ne (?:rien|pas) (?:toucher|modifier|changer)|hors (?:périmètre|scope|sujet|lot)|(?:pas|non) inclus|ne (?:fait|font) pas partie|pas (?:besoin|nécessaire|demandé|prévu|concern)|(?:on|nous) ne (?:touche|change|fait|veut|touchons|voulons|fai|gère|traite)\w* (?:pas|rien)"
        r"|ne (?:pas )?(?:touche[zr]?|change[zr]?|modifie[zr]?) (?:pas|à|au|le|la|les)|plus tard|(?:phase|version|lot) (?:2|deux)\b(?!\.\d)|pour (?:l.instant|le moment)|peu(?:t|vent) attendre|reste(?:nt)? (?:inchangé|tel|comme|en l.état)|autre ticket|second temps|exclu|inutile d|pas (?:dans|pour) (?:ce|cette)"
        r"|sera(?:ont)? trait|à part",
        "criterion": r"^(?:terminé|fini|prêt)\w* (?:quand|lorsque|si|dès)\b|(?:c.est|sera|est|considéré\w*).{0,20}(?:terminé|fini|bon|prêt|accepté)\w* (?:quand|lorsque|si|dès)|critères? d.acceptation",
        "strict": r"il est demandé|\bon aurait besoin|^en tant qu.{1,3}[^,.]{2,80},? ?(?:je|nous|on) \w+|\b(?:merci de|s.il (?:vous|te) pla[iî]t|svp|stp|prière de|veuillez)\b|\bil (?:faut|faudrait|nous faut)\b|\b(?:nous|on|je) (?:\w+ )?(?:voulons|veut|voudrai\w*|souhait\w+|aimer\w+|a besoin|avons besoin|ai besoin|veux)|(?:ce serait"
        r"|ça serait|serait) (?:bien|super|utile|top|génial|pratique)|^(?:peut-on|pourrait-on|pourriez-vous|pouvez-vous|peux-tu|pourrais-tu|est-ce qu.on (?:peut|pourrait)|on pourrait|serait-il possible)",
        "modal": r"\b(?:doi(?:t|vent)|devra(?:it|ient|ont)?|devons|faut|nécessaire (?:de|que)|besoin (?:de|d.))\b",
        "can": r"^(?:le |la |les |un |une |l.|chaque |tous les |seuls? )?(?:[\w-]+ ){1,4}(?:peut|peuvent|pourra|pourront) (?!pas\b|être lent)\w+",
        "start": r"^(?:aussi |et |puis )*(?:[a-zàâçéèêëîïôûù]{2,}(?:er|ir|re|oir)|ajoute[rz]|corrige[rz])\b",
        "problem": r"\b(?:aujourd.hui|actuellement|lent\w*|à la main|manuel\w*|erreurs?|échoue\w*|échec|plant\w+|cassé\w*|faux|fausse|manqu\w+|se plai\w+|perd\w*|oubli\w+|confus\w*|difficile|impossible|personne ne|ne (?:fonctionne|marche|peut|peuvent|correspond)|bloqu\w+|trop (?:long\w*|lent\w*|tard)|coûte)\b",
        "now": r"^.{0,25}\b(?:aujourd.hui|actuellement|pour l.heure|en ce moment)\b|\b(?:doi\w+|faut|devons)\b.{0,50}\b(?:à la main|manuellement|à chaque fois)\b",
        "vague": r"\b(?:mieux|meilleure?s?|amélior\w*|optimis\w*|plus (?:simple|rapide|facile|moderne|joli|intuitif|fluide|clair|ergonomique|agréable)\w*|modernis\w*|intuiti\w+|convivial\w*|revoir|regarder|(?:corrig|régl|résoud|arrang)\w+ (?:ça|cela|ceci)|jeter un (?:œil|oeil))\b",
        "person": r"(?:contacter|voir avec|demander à|signalé par) ",
        "who": r"\b(?:utilisat\w+|client\w*|employé\w*|collègue\w*|collaborat\w+|admin\w*|équipes?|gens|personnes?|patients?|commercia\w+|comptabl\w+|compta|support|élèves?|profs?|parents?|médecins?|nous|notre|nos|visiteurs?|responsable\w*|gestionnaires?|technicien\w*|[a-zé]+eurs)\b",
        "why": r"\b(?:afin|pour que|pour|parce que|car|puisque|sinon|perd|coûte|évite\w*|éviter|à cause|permet\w*)\b",
        "depends": r"\b(?:après|une fois|dès que|dépend de)\b",
        "then": r"^(?:ensuite|puis|après cela|après quoi)\b",
    },
    "zh": {
        "exclusion": r"不在.{0,6}(?:范围|需求)|不(?:包含|包括|涉及|含)|(?:暂时?|先|本期|这次|本次|此次|一期|目前阶段)(?:都|也|先)?(?:不|无需|不用)|不(?:用|需要|必)(?:改|做|动|支持|考虑|处理)|(?:二|第二|下一?)(?:期|版|阶段)(?:再|做)?|(?:以后|后续|之后|后面)(?:再|可以再)|^(?:.{0,12})不做|不要(?:动|改)|保持不变|除外|无需",
        "criterion": r"(?:才|就)?算(?:是|作)?(?:完成|通过)|完成的?标准|验收",
        "strict": r"希望|请(?!求)|想要|麻烦|建议|我们(?:需要|想|要)|最好|^作为.{1,20}(?:我|，)|(?:能不能|可不可以|是否可以|能否|可否)|需要(?!手)",
        "modal": r"需要|应(?:该|当)?|必须|支持|可以|要求|允许|能够|能(?!力)|得(?:要)?有|要(?:有|能|可)|不得|不能",
        "can": r"可以|能够",
        "start": r"^(?:也|并|然后|再|同时)?(?:增加|新增|添加|加|实现|改成|改为|提供|显示|自动|支持|修复|修改|删除|去掉|导出|导入|发送|记录|限制|优化|调整|隐藏|替换|迁移|创建|生成|校验|通知|展示|把|将|让|允许|补充|更新|接入|升级|清理|统一)",
        "problem": r"目前|现在|每次|手工|手动|无法|失败(?! ?\d)|出错|错误|报错|太慢|很慢|慢|卡|崩溃|丢失|缺少|投诉|反馈|抱怨|混乱|困难|麻烦|不方便|容易|浪费|一直|异常|超时",
        "now": r"^.{0,8}(?:目前|现在|当前)|手工|手动|每次",
        "vague": r"优化|改善|改进|提升|更(?:好|快|方便|简单|易用|美观|流畅|现代|清晰)|好用|好看|易用|体验|看一?下|处理一?下|完善|修复",
        "person": r"联系|负责人|找.{1,6}(?:确认|沟通)|@",
        "who": r"用户|客户|同事|运营|管理员|客服|商家|员工|团队|老师|学生|家长|医生|患者|司机|财务|销售|会员|我们|大家|店|人员|经理|师",
        "why": r"因为|由于|以便|为了|所以|避免|否则|导致|从而|节省|方便|大约花|浪费",
        "depends": r"(?:之?后|以后)|一旦|等.{1,20}(?:完成|好)|依赖|取决于",
        "then": r"^(?:然后|之后|接着|随后)",
    },
    "ja": {
        "exclusion": r"対象外|(?:範囲|スコープ)外|(?:含|ふく)(?:み|め|まれ)(?:ません|ない)|今回は.{0,40}(?:ない|ません|見送|不要|除)|不要|必要(?:は|が)?(?:あり|ない)(?:ません)?|後日|(?:次|第二|二次|次期)(?:フェーズ|期|回|リリース)|フェーズ ?2|触らない|変更し(?:ない|ません)|やらない|やりません|行わない|行いません|しなくて(?:も)?(?:よ|い|結構)|そのまま|別(?:チケット|件|途)|見送",
        "criterion": r"(?:たら|れば|時点で|をもって)(?:完了|合格|ok)|完了(?:とする|とみなす|条件)|受け入れ条件",
        "strict": r"ほしい|欲しい|(?:て|で)ください|お願い|お願|いただ(?:け|き)(?:ます|ません|たい)|もらえ(?:ます|ません|ない)|(?:し|り|き|み|え|け|せ|れ|べ|い|ち)たい(?:です|と|。|$)|希望|要望|ありがたい|嬉しい|うれしい|助かり|として.{1,40}たい",
        "modal": r"べき|必要(?:が|です|。|$)|ように(?:する|し|なる)|なければ|すること|できること|ること(?:。|$)|ないこと(?:。|$)",
        "can": r"できる(?:。|$)|できます(?:。|$)",
        "start": r"(?:を|に|へ|も|と|で|が).{0,20}(?:する|させる|送る|表示|追加|削除|変更|修正|通知|出す|作る|設ける|残す|止める|見せる|入れる|付ける|つける|対応)(?:。|$)",
        "problem": r"現在|毎回|毎月|毎日|手作業|手動|できない|できません|失敗|エラー|遅い|遅く|落ちる|消え|間違|不具合|困って|クレーム|問い合わせ|わかりにく|使いにく|面倒|時間(?:が|を)?かか|かけて|しまう|しまい|漏れ|ミス|されない|されません|0件",
        "now": r"^.{0,10}(?:現在|今は|現状)|手作業|手動|毎回",
        "vague": r"改善|最適化|使いやす|見やす|分かりやす|わかりやす|もっと|より(?:良|よ)|快適|速く|早くし|きれい|見直|調べて|調査|なんとか|何とか|いい感じ|至急|おしゃれ",
        "person": r"担当|連絡|まで(?:ご連絡|お問い合わせ)|さんに(?:確認|相談)",
        "who": r"ユーザー|利用者|お客様|顧客|社員|本人|上長|管理者|担当|人事|経理|営業|スタッフ|メンバー|会員|先生|生徒|保護者|患者|ドライバー|チーム|私たち|弊社|者|員|店舗|部",
        "why": r"ため|ので|から|おかげ|防ぐ|防止|時間|手間|ミス|困って|負担",
        "depends": r"(?:た|の)後|(?:し|っ)?たら|次第|完了後|してから|依存",
        "then": r"^(?:その後|次に|それから|続いて)",
    },
}  # fmt: skip

STORY: Final = r"^(?:as an? |als (?!ob\b|wenn\b|ich\b)\w+|como (?:un[ao]? )?\w+|en tant qu|作为)"
PURPOSE: Final = r"\b(?:so that|so (?=(?:i|we|they|he|she|people|users) )|in order (?:not )?to|because|damit|weil|para (?:que|no)|porque|afin|pour (?:que|ne)|parce que)\b"
GREETING: Final = (
    r"^(?:hi|hey|hello|dear|hallo|moin|liebe[rs]?|guten (?:tag|morgen)|hola|buen[oa]s \w+|bonjour|salut|thanks?(?: you)?|thx|cheers|best|regards|kind regards|best regards|danke\w*|vielen dank|viele grüße|vg|lg|mfg|gruß|"
    r"gracias|un saludo|saludos|merci(?: d.avance)?|cordialement|谢谢|多谢|你好|大家好|您好|お疲れ様です|よろしくお願いします|よろしくお願いいたします|ありがとうございます)(?: [\w'@]+){0,2}[,.!。！，、]*$"
)
GIVEN: Final = r"(?:scenario(?: outline)?|szenario|escenario|scénario|example|场景|シナリオ)\b|(?:given|angenommen|gegeben (?:sei|ist|sind)|dado|dada|dados|étant donné|soit)\b|假如|假设|前提"
WHEN: Final = r"(?:when|wenn|cuando|quand|lorsque)\b|当|もし|とき"
THEN: Final = r"(?:then|dann|entonces|alors)\b|那么|ならば|なら"
AND: Final = r"(?:and|but|und|aber|y|pero|et|mais|examples:)\b|而且|并且|但是|かつ|しかし|\|"
