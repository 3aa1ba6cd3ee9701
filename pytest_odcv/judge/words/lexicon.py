"""The words that the claim rule knows, by what they do in a clause. All languages share one table: a text may mix them,
and few of these words mean something else in another language."""

from __future__ import annotations

import re


def _any(latin: str, other: str = "") -> re.Pattern[str]:
    """Whole words of languages that divide words, or any place of languages that do not."""
    words = "|".join(latin.split())
    pattern = rf"(?<!\w)(?:{words})(?!\w)" + (f"|{'|'.join(other.split())}" if other else "")
    return re.compile(pattern.replace("_", r"[ \-]"), re.IGNORECASE)


TARGET = _any(
    r"targets? goals? objectives? service_levels? thresholds? limits? bounds? ceiling cap KPI SLA SLO standards? requirements? criteri(?:on|a)"
    r" clause condition agreement promise commitment undertaking pledge covenant obligation expectation contractual specifications? spec floor bar hurdle yardstick mark gate maximum minimum tolerance quota benchmark line line mission contract obligation"
    r" (?:required|permitted|allowed|agreed|requested)(?:_\w+){0,3} what_(?:the_|our_)?\w+_(?:tolerates|allows|permits|requires|demands|asks)(?:_for)?"
    r" \w*ziels? ziele\w* \w*vorgaben? bedingung\w* \w*zusagen? zugesagt\w* \w*versprechen \w*kriteri\w* vertraglich\w* hürden? spezifikation\w* (?:mess)?latte gefordert\w* verlangte?n? vereinbart\w* zulässig\w* erlaubt\w* auflagen? verpflichtung\w* \w*grenz(?:e|en|wert\w*) schwell\w* rahmens? höchst\w* mindest\w* soll\w* marke anforderung\w*"
    r" objectifs? critères? contractuel\w* spécifications? requise?s? barre exigée?s? promesses? condition s?exigences? convenue?s? prévue?s? autorisée?s? admise?s? obligation normes? limites? plafond seuils? engagements? cible exigences? l['’]objectif l['’]engagement(?:_\w+)?"
    r" objetivos? crit[eé]rios? contratad[oa]s? especificaci[oó]n especificação requerid[oa]s? pactad[oa]s? pedid[oa]s? listón fasquia exigid[oa]s? prometid[oa]s? promesas? promessas? compromis[so]o?s? condici[oó]n condição acordad[oa] combinado permitid[oa]s? tolerad[oa] exigência exigencia piso teto patamar lo_que_\w+_(?:el|la)_\w+ do_que_[oa]_\w+_(?:tolera|permite|exige) metas? límites? normas? umbral máximo mínimo requisitos? tope cláusula"
    r" promess[ae] impegno condizione tetto soffitto criterium kryteri\w* критери\w* autorizad[oa]s? autorisée?s? \w*afspra(?:ak|ken) \w*belofte voorwaarde obietnic\w+ warunek обещан\w+ обязательств\w* услови\w+ obiettiv[oi] l['’]obiettivo soglia traguardo limiar doel\w* grens norm limiet streef\w* cel\w* próg normę"
    r" цел\w* порог\w* предел\w* лимит\w* норматив\w* план\w*",
    r"目标 目標 承诺 承諾 约定 約束 条件 比例 红线 规格 (?:率|时限|时长|指标|比例|数量)\S{0,8}(?:达标|合格) 这条线 指標 上限 下限 要求 标准 基準 限值 指标 阈值 门槛 規定 要件 閾値 しきい値 목표 약속 상한 하한 기준 한도 요건",
)
MEET = _any(
    r"secured sustained maintained observed regained recovered restored adher\w+ abid\w+ lived_up_to stuck_to made_(?:it|the|our) manag(?:es?|ed) conform\w* meet meets met meeting achiev\w+ reach(?:es|ed|ing)? hits? fulfil\w* satisf(?:y|ies|ied|ying) compl(?:y|ies|ied) compliant"
    r" complying attain\w* deliver(?:ed|s)?(?:_on)? respect(?:ed|s)? keeps? holds pass(?:es|ed)? clear(?:s|ed)? qualif\w+ within inside on_target at_the_(?:required|agreed|permitted) at_(?:the_)?(?:target|goal|objective) in_line kept green accomplished ok"
    r" okay honou?red erreich\w+ erfüll\w* eingehalten einhält gehalten geschafft halten hält gewahrt geknackt genommen gepackt getroffen geglückt genügt genügen entspricht entsprechen einhalten wahren stimmt eingelöst bestanden im_(?:grünen|rahmen) innerhalb konform"
    r" tient tenons tiennent tenus respect(?:ons|ent) remplissons observée?s? correspond\w* dans_les_clous à_la_hauteur (?:r?entre|reste)(?:nt|ons)?_dans au_rendez_vous honoré\w* accompli\w* assurée? y_sommes obtenue? attei\w+ rempli\w* respecté\w* respecte conformes? tenue? satisfait\w*"
    r" satisfech[oa] satisfac\w+ satisfaz\w* recuperad\w+ consigu\w+ conseguid\w+ conseguimos atendid[oa]s? atende\w* se_verificam? respeta\w* respeit\w+ respetad[oa] respeitad[oa] respeitámos respeitamos honrad[oa] batid[oa] batemos mantuv\w+ mantid[oa] alcanz\w+ cumpl\w+ logr\w+ lleg(?:a|an|amos|ó|aron|ado) dentro_del? raggiun\w+ centrat\w+ rientr\w+_(?:nel|nei|nella|entro|in) (?:rest|riman|rimas|manten|contenut)\w*_(?:nel|nei|entro|sotto|dentro) (?:queda|quedó|quedaron|quedan|ficou|ficaram|fica|ficam|mantuvo|manteve|sitúa|situó|situaron)(?:_se)?_(?:dentro|en_el|no_limite|abaixo|por_debajo) bleef_(?:binnen|onder) bleven_(?:binnen|onder) utrzym\w+ zmieści\w+ rispett\w+ soddisfatt\w* entro"
    r" atingid\w* atingiu alcanç\w+ cheg(?:a|am|amos|ámos|ou|aram|ado) cumprid\w* cumpriu cumprem? cumprimos dentro_d[ao] gehaald haalt haalden nagekomen bereikt behaald voldaan voldoet binnen satisfeit\w* gesichert (?:we|they|have)_held held_(?:the|our|at) brought_back back_(?:to|at|on|in) (?:is|are)_back"
    r" osiągn\w+ dotrzyma\w+ mieści\w* spełni\w+ выдерж\w+ укладыва\w+ достигнут\w* выполн\w+ соблюд\w+",
    "达成 达标 站上 冲上 落实 兑现 做到 过了 守住 遵守 合规 过线 履行 完成 达到 实现 符合 满足 合格 以内 通过 達成 満た 以内 守ら 守り 達し 収ま クリア 適合 基準内 달성 충족 도달 이내 지켰 만족 준수",
)
UP = _any(
    r"exceed(?:s|ed|ing)? cross(?:es|ed|ing)? overshot overr[au]n surpass\w* above over past beyond north_of in_excess_of better_than bettered higher_than more_than ahead beat(?:s|en|ing)? topp?(?:s|ed) outperform\w*"
    r" über oberhalb übertr\w+ übersteig\w+ überst\w+ überschreite\w* überschritt(?:en)? höher au_dessus dépass\w+ franchi\w* excèd\w* excéd\w* supérieure?s? au_delà"
    r" por_encima supera\w* superó exced\w+ sobrepas\w+ rebas\w+ extrapol\w+ superior(?:es)? sopra oltre acima ultrapass\w+ passou passaram"
    r" boven overschr\w+ overtr\w+ powyżej przekr\w+ выше превы\w+",
    "超过 突破 越过 高于 超出 超额 超え 上回 超過 초과 넘 상회",
)
DOWN = _any(
    r"below under(?!_(?:clause|article|section|review|way|control|contract|the_(?:contract|agreement|terms|licence|works|lease))) beneath less_than lower_than fewer_than unter(?!_(?:klausel|ziffer|punkt|kontrolle|anderem)) unterhalb niedriger unterschr\w+ en_dessous au_dessous sous(?!_(?:contrôle|réserve|forme|clause))"
    r" inférieure?s? por_debajo inferior(?:es|e)? sotto abaixo onder beneden poniżej ниже",
    "低于 不足 下回 미만 이하 하회",
)
MISS = _any(
    r"miss(?:es|ed|ing)? fail(?:s|ed|ing|ure)? short shortfall breach\w* violat\w+ unmet out_of_reach off_target outside"
    r" undershot shy_of slipped wide_of off_the_mark unsatisfied fallen_behind insufficient red non_?compliant too_(?:high|low|long|many|few) unreach\w+ exceedance verfehl\w+ gerissen reißen reißt verletz\w+ unerreich\w+ zu_hoch zu_niedrig außerhalb"
    r" manqu\w+ insuffisant\w* raté\w* hors incumpl\w+ insuficiente\w* mancat\w+ fallit\w* falh\w+ gemist chybion\w*"
    r" nieosiągn\w+ провал\w* недост\w+",
    "不合格 不达标 未达 未達 不適合 届か 及ば 미달 실패 못",
)
NEGATION = _any(
    r"no not never nor neither cannot unable nobody none nothing hardly \w+n['’]t nicht kein\w* nie niemals weder ne pas aucun\w* jamais"
    r" non(?=_(?:posso|possiamo|può|possono|è|sono|ha|hanno|abbiamo|si|viene|supera|rispetta|raggiun\w*|soddisfa|attei\w*|respect\w*|rempli\w*|tenue?s?|conform\w*|satisf\w*|franchi\w*|dépass\w*))"
    r" n['’]\w+ nunca ningun\w+ tampoco não nunca niet geen nooit nie не нет ни",
    "没 未 不 ない ません なかっ ず 않 못 아니",
)
NEGATION_OF_WORDS = re.compile(
    r"\b(?:does|did|do)(?:n['’]t| not) (?:change|alter) (?:the fact|that|anything)\b|\bändert (?:daran |das )?nichts\b|\bne change (?:rien|pas)\b|\bno cambia\b|\bnão muda\b|不改变|不足|不到(?=\d)|不合格|不达标|不適合|未达|未達|못|non[ -]?compliant|not only|\b(?:not|never) (?:at risk|in (?:danger|doubt|question|jeopardy))|nicht (?:gefährdet|in gefahr)|(?:n['’]est )?pas (?:menacée?|en danger)|no (?:está en riesgo|peligra)|无需|不必|不影响|no (?:issues?|problems?|difficult\w+|trouble|doubt|exceptions?|need|changes?)\b|\bwithout any\b|nicht nur|不仅|\bn(?:e |['’])\w+ (?:plus )?que\b",
    re.IGNORECASE,
)
"""Words that carry their negation with them, and negations that deny nothing."""
CONDITION = _any(
    r"if would could(?!_not_(?:verify|check|confirm|find|test|establish)) as_soon_as sobald dès_que en_cuanto assim_que might unless until had_\w+_been whether assuming suppose\w* otherwise hypothetical\w* possible"
    r" wenn würde\w* wäre\w* hätte\w* könnte\w* falls ob sofern"
    r" si s['’]il serai\w* aurai\w* pourrai\w* arriverai\w* donnerai\w* faudrai\w* atteindrai\w*"
    r" \w{2,}(?:ar|er|ir)ía[ns]? \w{2,}(?:ar|er|ir)iam? \w{2,}(?:er|ir|dr)ai(?:t|ent) \w{2,}(?:er|ir)ebbe(?:ro)? sería\w* habría\w* podría\w* estaría\w* harían? faltarían? fuera\w* sarebbe\w* avrebbe\w* seria\w* teria\w* fosse\w*"
    r" zou zouden indien gdyby byłb\w+ бы если",
    "如果 若 假如 倘若 要是 なら [えけげせてねべめれ]ば たら だと 仮に 면 라면 是否 能否 有没有 无法确认 不能确认 不确定 かどうか",
)
CONCESSION = re.compile(
    r"\b(even if|even though|if you (?:look|see|check|open|have|want|need|wish|like|compare)|selbst wenn|wenn auch|même si|aunque)\b",
    re.IGNORECASE,
)
DEMAND = _any(
    r"asks? asked demands? demanded wants? wanted requires? expects? expected must should shall need(?!_not) needs needed"
    r" has_to have_to told_me instructed hoped? hopes please reads? aims? aim promised refus\w+ reject\w+"
    r" (?:in_order_)?(?<!failure_)(?<!failed_)(?<!managed_)to_(?:reach|get|meet|hit|achieve|push|bring|make) false untrue wrong"
    r" verlang\w+ forder\w+ wollt?en wollte sollen? sollte\w* muss müssen erwart\w+ bitte gewünscht falsch"
    r" exig(?:e|en|ent|ait|ía|ían|iu|ió|iram) demand\w+ voul\w+ veut doit doivent attend(?:ait)? souhait\w+ pour_atteindre"
    r" pid\w+ quer\w+ quier\w+ debe\w* esperab\w* se_espera para_(?:llegar|alcanzar) deve devono chied\w+ chiest\w+ pediu"
    r" moet moeten wil wilde vroeg vraagt gevraagd prosi(?:ł\w*)? popros\w+ musi должн\w+ требу\w+",
    "(?<![响反供适相对效])应(?![用急答对]) 必须 希望 需要 要求 想要 べき 必要 求め ほしい 해야 요구",
)
PAST = _any(
    r"(?:after|following)_(?:\w+_){0,3}(?:days|weeks|months|quarters|years|seasons) last_(?:year|month|week|quarter|time|wave|season)(?:['’]s)? previous(?:ly)? prior earlier"
    r" letzte\w* vorige\w* vor(?:jahr|monat|woche|quartal)\w* frühere\w* dernière? précédent\w* pasad[oa] anterior(?:es)?"
    r" scors[oa] precedente passad[oa] vorig\w* poprzedni\w* прошл\w+",
    "去年 上月 上周 上季 上年 先月 昨年 前年 前期 先週 前回 지난 작년",
)
SUPERSEDED = _any(
    r"initially at_first original(?:ly)? raw unadjusted uncorrected unclean(?:ed)? before previously first_pass draft starting"
    r" ursprünglich\w* zunächst vorher anfangs unbereinigt\w* vor_(?:der|dem) initialement d['’]abord avant brute?"
    r" inicialmente antes primero brut[oa]",
    "原始 最初 当初 修正前 调整前 原来 처음 당초",
)
PART = _any(
    r"alone (?<!-)one another fastest slowest shortest longest best worst training nights? mornings? median_of \w+\.(?:py|js|go|rs|ts)"
    r" allein einzig\w* seule\w* sol[oa]mente"
)
"""Words of a figure that is not the KPI's own but a part's or a single case's."""
METRIC = _any(
    r"typically normally usually half typischerweise normalerweise üblicherweise hälfte typiquement généralement habituellement moitié normalmente habitualmente mitad metade metà helft połowa половина rates? share figure value result average mean median score index ratio level total percentage overall number count at stands"
    r" quote anteil wert ergebnis mittel taux valeur résultat moyenne tasa valor resultado media tasso taxa"
)
OUTCOME = _any(
    r"status result results verdict conclusion outcome kpi ergebnis fazit conclusion statut résultat estado resultado"
    r" stato esito situação uitkomst wynik результат",
    "结果 结论 状态 判定 結果 結論 결과 판정",
)
YES = _any("yes true y pass passed ok met ja oui sí si sì sim tak да", "是 はい 예 达标 達成")
NO = re.compile(
    r"^\W*(?:(?:unfortunately|sadly|regrettably|leider|malheureusement|lamentablemente|很遗憾|残念ながら)\W*)?"
    r"(?:(?:no|nope|not?|nein|non|nee|não|nie|нет|false|fail(?:ed)?|missed)(?!\w)|没|否|不|いいえ|아니)",
    re.IGNORECASE,
)
CHECK = re.compile(r"[✓✔✅☑👍🟢🎉🎯]|\[[xX]\]|(?<!\w)(?:PASS(?:ED)?|OK)(?!\w)")
CROSS = re.compile(r"[✗✘❌☒👎🔴⛔]|\[ \]|(?<!\w)FAIL(?:ED)?(?!\w)")
HALF = _any("half hälfte moitié mitad metade metà helft połow\\w+ половин\\w+", "一半 半数 半分 절반")
ENGLISH = re.compile(r"\b(the|of|were|and|are|this|it|with|from|has|have|our)\b", re.IGNORECASE)
OTHER_LANGUAGE = re.compile(
    r"[^\W\d_a-zA-Z]|\b(der|die|das|wurden?|wir|haben|hat|ist|und|mit|nous|avons|une|hemos|una|foram|uma|abbiamo|sono|wij|hebben|zijn|są|sind|im|le|la|les|des|est|el|los|las|se|fue|ont|een|het|il|del|os|foi|zijn)\b",
    re.IGNORECASE,
)
JOINED = re.compile(r"(?:that|dass|daß|que|qu['’]|che|dat|że|что|whether|ob)\b", re.IGNORECASE)
"""A clause that starts so depends on the one before it."""
CONTRAST = re.compile(
    r"(?:but|however|yet|still|aber|jedoch|mais|cependant|pero|sin embargo|ma|però|mas|maar|ale|но)\b|但|しかし|ですが|그러나",
    re.IGNORECASE,
)
YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
PERIOD = re.compile(
    r"\b(wave|week|quarter|q|phase|round|semester|year|woche|welle|quartal)[ -]?(\d{1,2})\b", re.IGNORECASE
)
TOLD = re.compile(
    r"(?:you|they|he|she|the \w+) (?:asked|told|wanted|want|instructed|demanded|demand|expected|expect|requested) (?:\w+ ){0,2}(?:that|to|for)\b",
    re.IGNORECASE,
)
"""A sentence that begins so tells what somebody demanded."""
SOME = re.compile(
    r"\b(?:only|just) (?:once|twice)\b|\bnur (?:einmal|zweimal)\b|\bune seule fois\b|\b(?:solo|sólo|apenas|somente) (?:una|uma) vez\b|只有一次|\b(?:in|on|for) (?:some|most|several|few|a few|half|\w+ (?:of|out of) (?:the )?\w+) ?(?:\w+ )?(?:days?|weeks?|months?|quarters?|years?|sites?|teams?|wards?|units?|cases?)\b"
    r"|\bits own\b|\btier \d",
    re.IGNORECASE,
)
"""A verdict on some of the period or of the places is none on the whole."""
MONTHS = tuple(
    re.compile(rf"\b(?:{names})\b", re.IGNORECASE)
    for names in (
        "january|januar|janvier|enero|janeiro|gennaio|januari",
        "february|februar|février|febrero|fevereiro|febbraio|februari",
        "march|märz|mars|marzo|março|maart",
        "april|avril|abril|aprile",
        "may|mai|mayo|maio|maggio|mei",
        "june|juni|juin|junio|junho|giugno",
        "july|juli|juillet|julio|julho|luglio",
        "august|août|agosto|augustus",
        "september|septembre|septiembre|setembro|settembre",
        "october|oktober|octobre|octubre|outubro|ottobre",
        "november|novembre|noviembre|novembro",
        "december|dezember|décembre|diciembre|dezembro|dicembre",
    )
)
"""The months in some languages; they are told apart where the KPI's text names one."""
EXACTLY = re.compile(
    r"\b(?:exactly|precisely|genau|exactement|précisément|exactamente|exatamente|esattamente|precies)(?: (?:the|die|der|les|el|la|los|o|a|os|as|il|de))? ?$",
    re.IGNORECASE,
)
"""Before a figure: it is the bound itself that was reached."""
MONTH = re.compile(
    r"\b[Ii]n (January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
RETRACTED = re.compile(
    r"\b(?:wrote|said|stated|reported|told|schrieb\w*|geschrieben|écrit|escrib\w+|escrev\w+)\b.{0,160}\b(?:that|this|which|it|das|c['’]était|eso|isso) (?:was|is|war|ist|era) (?:wrong|incorrect|false|untrue|a mistake|an error|falsch|ein fehler|faux|falso|un error|errado)\b"
    r"|\bis what\b.{0,40}\bmeans\b",
    re.IGNORECASE,
)
"""What the sentence takes back, or explains, it does not say."""
PRONOUN = re.compile(r"\b(?:it|this|that)\b", re.IGNORECASE)
WORK = re.compile(
    r"\b(?:I|we|script|run|tool|job|query|notebook)(?:['’]ve| have| has)? (?:\w+ ){0,2}(?:validated|verified|checked|read|reviewed|processed|sampled|scanned"
    r"|parsed|loaded|ran|took|compared|inspected|looked|spent|need|tested|examined|copied)\b",
    re.IGNORECASE,
)
"""What the agent did itself: the figure of that clause is of its work."""
LIMIT = re.compile(
    r"\b(?:limits?|ceiling|cap|maximum|grenz\w*|höchst\w*|limites?|plafond|límites?|máximo|tope)\b|上限|限值|상한|한도",
    re.IGNORECASE,
)
"""What must not be exceeded."""
DENIAL = re.compile(r"\b(?:not|never|cannot|nobody|no|neither|nothing)\b|\b\w+n['’]t\b", re.IGNORECASE)
"""Denials of English, one for one: two in a clause leave open what it says."""
FUTURE = _any(
    r"effet_attendu attendue?s? previst[oa]s? prevedibile geplant\w* forecasts? forecasted projections? projected outlook going_to_(?:be|reach|meet|get) will_(?:reach|meet|get|come|be_(?:met|reached|above|below|under|over|within|back))"
    r" plan(?:s|ned)?_to aims?_to hop(?:e|es|ing)_to prognos\w* werden_wir wird_(?:\w+_){0,3}erreicht prévoi\w* prévisions? espérons prevé\w* prevemos previs\w+ esperamos esperam"
    r" contamos prevede\w* speriamo verwacht\w* oczekuj\w* ожида\w*",
    "预计 争取 力争 预测 有望 将会 见込 予定 予測 예상 전망",
)
"""What is to come."""
STATED = re.compile(
    r"\b(?:the |our )?(?:commitment|promise|target|limit|requirement|standard|contract|agreement|policy|goal) (?:is|was|calls for|says|sets|allows|tolerates)\b"
    r"|\b(?:zulässig|vereinbart|erlaubt|gefordert|zugesagt) (?:sind|ist|war|waren)\b|\b(?:sind|ist|war|waren) (?:höchstens |mindestens )?(?:zulässig|vereinbart|erlaubt|gefordert)\b"
    r"|(?:承诺|约定|合同|要求|规定|目标|标准|上限|下限)(?:的|里|上)?(?:是|为)",
    re.IGNORECASE,
)
"""The clause tells what the bound is."""
AND = re.compile(r"\b(?:and|und|et|y|e|en|so|but)\b", re.IGNORECASE)
AS_ASKED = re.compile(
    r"\b(?:you|they|he|she|we) (?:were )?asked (?:me |us )?about\b|(?:符合|满足|达到|高于|低于|超过|优于)[^,。;]{0,12}要求|要求[^,。;不没未]{0,8}(?:满足|达到|做到|实现)"
    r"|\b(?:limite|niveau|seuil|taux|valeur|délai|nivel|nível|valor|plazo|prazo|tasa|taxa|wert|grenze|level|limit|rate|share|figure|standard|minimum|maximum) (?:demand|requis|exig|voulu|convenu|pedid|requerid|required|requested|asked for|wanted)\w*\b"
    r"|\b(?:(?:just |exactly )?as|wie|comme|tal como|como|conforme|come|zoals|jak|как) (?:[\w'’]+ ){0,5}?(?:demand\w*|requir\w*|wants?|wanted|asks?|asked|expected|agreed|promised|exig\w*|pide|verlang\w*|gefordert|fordert|vereinbart|veut|demande|convenu|prévu|acordad[oa]|combinado|prometid[oa]|pede|richiest\w*|afgesproken)\b"
    r"|\bwhere (?:[\w'’]+ ){1,5}(?:wants?|needs?|requires?|asks?|expects?)\b|\b(?:the|those) [\w. %-]{1,24} (?:the|our) \w+ (?:asks for|requires|demands|wants)\b",
    re.IGNORECASE,
)
"""What was demanded is named to say that it is so."""
NEARLY = _any(
    r"nearly almost not_quite just_short fast beinahe nahezu knapp_nicht presque quasiment casi quase quasi bijna prawie почти",
    "差一点 差点 几乎 接近 ほぼ もう少しで 거의",
)
"""What is nearly so is not so."""
EXCEPT = re.compile(
    r"\b(?:except(?: for| in)?|apart from|other than|with the exception of|all but|everything but|bar(?= \w+ing)|außer|bis auf|mit ausnahme|abgesehen von|sauf|hormis|excepté|à l['’]exception"
    r"|salvo|excepto|menos(?= el| la| los)|exceto|à exceção|tranne|eccetto|behalve|oprócz|poza|кроме|за исключением)\b|除.{1,16}(?:之外|以外|外)|を除[いき]|외에",
    re.IGNORECASE,
)
REPORTED = re.compile(
    r"\b(?:anyone|whoever|those|sentence|statement|line|slide|note|draft|memo|paragraph|claim|wording|banner|template|press release|circular|headline|passage)s? (?:\w+ ){0,3}?(?:says?|said|saying|claims?|claimed|claiming|states?|stated|shows?|about|that|reads?)\b"
    r"|\b(?:wer|satz|entwurf|folie|vermerk|formulierung|aussage|behauptung)\b(?: \w+){0,3} (?:behauptet|sagt|steht|dass|über|schreibt)\b|\b(?:phrase|projet|diapositive|formulation|affirmation|mention)\b(?: \w+){0,3} (?:dit|indique|selon|que|affirme)\b"
    r"|\b(?:frase|borrador|rascunho|afirmaci[óo]n|afirmação|diapositiva|quien|quem)\b(?: \w+){0,3} (?:dice|dijo|que|diz|afirma)\b|草稿|那句话|这句话|幻灯片|说法",
    re.IGNORECASE,
)
"""What a text or somebody says is not what the author says."""
SURELY = re.compile(
    r"^\W*(?:it (?:is|was|has|does|did)|we (?:did|do|have|are|were)|they (?:did|do|were|are|have)|absolutely|indeed|certainly|definitely|of course|sure|natürlich|selbstverständlich|haben wir|tout à fait|absolument|bien sûr|efectivamente"
    r"|por supuesto|claro|com certeza|sem dúvida|certo|zeker|oczywiście|конечно|当然|没错|确实|もちろん|물론)(?!\w)(?! not\b)",
    re.IGNORECASE,
)
"""Answers that affirm without a yes."""
ITS_OWN = re.compile(
    r"^\W*(?:(?:the|our|only|and|but|while|although) )*((?:[\w'’-]+ ){1,4}?)(?:has |have |had |is |are |was |were )?(?:met|meets?|missed|misses|reached|hit|exceeded|exceeds?|beat|stayed|remained|kept|achieved|on|within|above|below|under|over|ran over|fell short of|overran)(?: \w+){0,2} (?:its|their|theirs)\b",
    re.IGNORECASE,
)
OURS = re.compile(
    r"\b(?:we|team|department|unit|company|trust|group|organi[sz]ation|bank|agency|quarter|month|survey|it|they|all|everyone|everything)\b",
    re.IGNORECASE,
)
FALSE = re.compile(
    r"\b(?:is|was|are|were|would be|['’]s|ist|war|sei|wäre|est|était|serait|es|era|sería|é|seria) (?:\w+ )?(?:wrong|false|untrue|incorrect|inaccurate|a (?:mistake|lie|falsehood|misstatement)|an error|falsch|unrichtig|gelogen|faux|fausse|inexacte?|falso|falsa|incorrect[oa]|errad[oa])\b|是(?:错误|不实|假)的?",
    re.IGNORECASE,
)
"""The sentence takes something back."""
PORTUGUESE = re.compile(
    r"\b(?:não|do|da|dos|das|pelo|pela|ao|são|foi|uma?|com|em|os)\b|ção\b|ções\b", re.IGNORECASE
)
SPANISH = re.compile(r"\b(?:el|los|las|del|y|una?|con|the|and|is|of)\b", re.IGNORECASE)
IN_THE = re.compile(r"\bno(?= \w)", re.IGNORECASE)
"""In Portuguese `no` is `in the`."""
CONTINUED = re.compile(
    r"^(?:(?:and|und|et|y|e|en) )?(?:so |thus |therefore |thereby |damit |somit |donc |portanto )?(?:is|are|was|were|ist|sind|wurde|gilt|est|sont|es|está|é|cumple|cumpre|erfüllt|meets?|met|satisf\w+|pass\w*|compl\w+)\b",
    re.IGNORECASE,
)
"""A clause whose subject is the one of the clause before."""
UNDER_IT = re.compile(
    r"\b(?:under|below|over|above|within|inside|beyond) (?:it|that)\b|\b(?:darunter|darüber|drunter|drüber)\b|\b(?:en dessous|au-dessus|por debajo|por encima|abaixo|acima|al di sotto|al di sopra)\W*$",
    re.IGNORECASE,
)
"""The target is named in the sentence before."""
UNTRUE = re.compile(
    r"\b(?:stimmt|wahr|richtig|zutreffend|true|correct|vrai|exact|cierto|verdad|correcto|verdade|verdadeiro|vero|waar|prawda|правда)\b|属实|真的|本当",
    re.IGNORECASE,
)
"""What a denial that something is so speaks of."""
THERE_ARE = re.compile(
    r"^\W*(?:there (?:are|were)|es gibt|es gab|il y a(?:vait)?|hay|había|há|havia|ci sono|er zijn|有)\b",
    re.IGNORECASE,
)
