"""Words that imply that a target was met, or missed, without its verb: a place, a consequence, an obligation kept."""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


PLACE = _any(
    r"\bwhere (?:the |our |your |its )?(?:[\w-]+ ){1,4}(?:wants?|needs?|requires?|asks?|expects?|likes?|puts?) (?:it|us|them)\b",
    r"\b(?:exactly|precisely|just) what (?:the |our )?[\w ]{2,30}? (?:asks? for|requires?|demands?|wants?|needs?)\b|\bgenau (?:das,? )?was (?:\w+ ){1,4}(?:verlangt|fordert|vorsieht)",
    r"\b(?:exactement|précisément) ce que [\w'’ ]{2,30}? (?:demande|exige|veut|prévoit)|\b(?:justo|exactamente|exatamente|precisamente) (?:lo|o) que [\w ]{2,30}? (?:pide|exige|pede|quiere|quer)\b",
    r"\b(?:confirm|certif|attest|declar|bestätig|bescheinig|certific|atest)\w*\b.{0,60}\b(?:compliance|attainment|einhaltung|erreichung|erfüllung|le respect|l['’]atteinte|cumplimiento|cumprimento|rispetto|naleving|соблюдение)\b",
    r"\bwhere (?:it|we|they) (?:should|ought to|must|needs? to|has to|have to) be\b",
    r"\bwhen (?:it|they) should(?: have)?\b",
    r"\b(?:in (?:full )?(?:compliance|conformity|accordance|line|agreement)|compliant|consistent) with\b|\b(?:kept|keep|keeps) (?:our|its|their|the) word\b|\bover the line\b|\bup to (?:standard|scratch|the mark)\b|\bas (?:agreed|promised|contracted|stipulated)\b",
    r"\bwhat (?:we|they) (?:signed up for|promised|agreed|committed to)\b|\b(?:was wir zugesagt|ce que nous avons promis|lo que prometimos|o que prometemos)\w*|所承诺的",
    r"\bim grünen bereich\b|\bin the green\b|\bdans le vert\b|\b(?:quote|wert|zahl|rate) stimmt\b",
    r"\bdans les clous\b|\bnous y sommes\b",
    r"\bon the (?:right|safe|good) side of\b|\b(?:well|comfortably|safely|stay\w*|kept|keeps?|remain\w*) clear of\b",
    r"\bat least the (?:required|agreed|promised|stipulated|contractual|minimum)\b|\b(?:no|not) more than the (?:permitted|allowed|agreed|contractual|maximum)\b",
    r"\b(?:auf der (?:richtigen|sicheren|guten) Seite|dort,? wo (?:\w+ ){1,4}(?:haben will|wünscht|verlangt))\b",
    r"\b(?:du bon côté|là où (?:\w+['’ ]){1,5}(?:veut|veulent|demande|attend|souhaite)\w*)",
    r"\b(?:del lado (?:correcto|bueno)|donde (?:\w+ ){1,4}(?:quiere|pide|exige)n?)\b",
    r"\b(?:do lado certo|onde (?:\w+ ){1,4}(?:quer|pede|exige)m?)\b|\b(?:cabe|caben|cabem) (?:n[oa]s?|en|dentro)\b",
    r"\b(?:dalla parte giusta|aan de goede kant|po właściwej stronie)\b",
    r"(?:银行|客户|合同|监管|审计师?|协议|政策)\S{0,6}要求的\S{0,6}(?:已经?)?做到|在\S{0,8}(?:范围|限度|允许|许可)之?内|要求范围内|(?:没有?|并?未)(?:出现|发生)?(?:超标|违约|违规|超限)",
)
"""The figure is where somebody wants it."""
FINE = _any(
    r"\ball (?:is |was )?(?:good|fine|clear|well|in order|green) (?:on|with|for|as to)\b|\b(?:does|do|did|gives?|gave|is|was) (?:not|no) (?:cause|give|raise|pose|reason|cause)\b[\w ]{0,24}\b(?:concern|worry|problem|difficulty|action)\w*",
    r"\b(?:presents?|poses?|causes?) no (?:difficult\w+|problems?|concerns?)\b|\bno (?:\w+ )?(?:issues?|problems?) to (?:declare|report|flag)\b|\bnothing to (?:worry|report|flag|notify|disclose|escalate|open|remedy)\b",
    r"\bno (?:\w+ )?(?:breach\w*|exceedance|overrun|violation|shortfall|waiver|penalt\w+|fines?|deviation|deduction|corrective action|notification|remediation|investigation)\b",
    r"\b(?:need not|needn['’]t|does not need to|doesn['’]t need to|do not need to|don['’]t need to|no need to|not necessary to|nothing requires) (?:\w+ ){0,3}(?:notif\w+|report\w*|inform\w*|escalat\w+|disclos\w+|told|tell)\b",
    r"\b(?:kein\w*) (?:\w+ )?(?:anlass|verstoß|überschreitung|unterschreitung|verletzung|meldung|abweichung|nacharbeit|vertragsstrafe|abzug|grund zur)\w*\b",
    r"\bnichts zu (?:melden|beanstanden|berichten)\b|\bmuss nicht (?:\w+ ){0,3}(?:gemeldet|informiert|benachrichtigt)\b",
    r"\brien à (?:signaler|déclarer|notifier|redire)\b|\bn['’](?:a|ont) pas (?:à|besoin d['’]?e?) ?(?:être )?(?:avis|inform|prévenu|notifi|alert)\w*|\b(?:aucune?|pas de|sans) (?:pénalité|manquement|infraction|dépassement|écart|notification|signalement)\w*",
    r"\b(?:no procede|no hace falta|no es necesario|no hay que) (?:\w+ )?(?:notific|avis|inform|comunic)\w*|\b(?:nada que (?:notificar|informar|señalar|declarar)|sin (?:incumplimiento|penalización|multa|desviaci)\w*|no hay (?:multa|penalización|incumplimiento)\w*)",
    r"\b(?:nada a (?:declarar|assinalar|comunicar|reportar|notificar)|não há (?:multa|penalização|incumprimento|penalidade)\w*|não é (?:preciso|necessário) (?:\w+ )?(?:notific|avis|inform|comunic)\w*|sem (?:incumprimento|multa|penalização))",
    r"\b(?:niente da segnalare|nulla da segnalare|nessuna (?:penale|violazione)|niets te melden|geen (?:boete|overschrijding|overtreding)|нечего сообщать|нарушений нет)\b",
    r"没有问题|无需(?:\S{0,4})(?:上报|通知|报告|整改|豁免|申请)|不需要(?:\S{0,4})(?:上报|通知|报告|整改|提交|豁免)|不必(?:\S{0,4})(?:上报|通知|报告|申请|豁免)|不涉及(?:赔付|罚款|处罚|扣款)|無需|問題(?:は)?(?:ありません|ない)|報告(?:の)?(?:必要|事項)は?(?:ありません|ない)",
)
"""What would follow from a miss does not."""
REWARD = _any(
    r"\b(?:can|may) (?:now )?(?:tick|check) off\b|\b(?:abhaken|abgehakt)\b|\bcocher la case\b",
    r"\b(?:box|field|bonus|premium|payment|tranche|instal?ment|certificate|statement|invoice|licen[cs]e|contract|item|release|fund(?:s|ing)?)\b[\w ,'’-]{0,24}\b(?:can|may) (?:now )?(?:therefore )?(?:be (?:ticked|paid|released|claimed|signed|issued|requested|drawn|sent|closed|filed|recognised|invoiced|booked)|go out)\b",
    r"\b(?:bonus|premium|payment|contract|licen[cs]e|tranche)\b[\w ,'’-]{0,20}\b(?:is|are) (?:safe|secured|due|guaranteed|assured|earned)\b",
    r"\b(?:prämie|bonus|rate|zahlung|abschluss|bescheinigung|zertifikat|kästchen|feld)\b[\w ,-]{0,24}\b(?:kann|darf)\b[\w ,-]{0,20}\b(?:ausgezahlt|freigegeben|angekreuzt|abgerufen|versandt|ausgestellt)\b",
    r"\b(?:prime|bonus|tranche|versement|certificat|case)\b[\w ,'’-]{0,24}\b(?:peut|peuvent)\b[\w ,-]{0,12}\b(?:versée?|payée?|demandée?|cochée?|signée?|émis|envoyée?)s?\b|\b(?:prime|bonus)\b[\w ,'’-]{0,24}\b(?:est|sont) (?:acquise?|due?|assurée?)s?\b",
    r"\b(?:prima|bono|tramo|pago|certificado|casilla|cierre)\b[\w ,-]{0,24}\bpuede (?:pagarse|abonarse|solicitarse|firmarse|emitirse|marcarse|publicarse|enviarse)\b|\b(?:prima|bono)\b[\w ,-]{0,24}\bestá (?:asegurad|garantizad)[oa]\b",
    r"\b(?:b[óô]nus|prémio|prêmio|parcela|certificado|quadro|campo)\b[\w ,-]{0,60}\b(?:pode ser (?:pag|pedid|solicitad|assinad|emitid|marcad|enviad)[oa]|est[áã]o? (?:garantid|assegurad)[oa]s?)\b|\bestamos habilitados\b",
    r"(?:可以|可)(?:放心)?(?:勾选|发放|支付|申请|出具|签字|放行)|(?:奖金|尾款|款项)(?:已经?)?(?:有保障|稳了|到手)",
)
"""What only a met target brings is brought."""
FAR = _any(
    r"\b(?:not|nowhere) (?:yet |quite |even )?(?:near|close|there)\b|\bfar (?:from|off|short)\b|\bway off\b|\bstill (?:\w+ ){0,4}(?:away|off|to go)\b|\bwe are off it\b|\bnot what we got\b|\bbut not quite\b|\blags? behind\b|\bopen (?:issue|point|item)\b",
    r"\b(?:weit|stück|ein stück|noch) (?:\w+ ){0,2}(?:entfernt|weg)\b|\bnicht (?:ganz )?geschafft\b|\bfehl(?:t|en) (?:uns )?",
    r"\bloin d(?:e|u|es)\b|\bloin derrière\b|\ben reste loin\b",
    r"\b(?:lejos|longe) d(?:e|el|o|a|os|as)\b|\bno llegamos\b|\btodavía no\b|\bainda não\b|\baquém\b|\bpor debajo de lo\b",
    r"\b(?:lontano|lontani) d(?:al|a)|\bver van\b|\bdaleko\b|\bдалеко\b",
    r"超标了|已经?超标|还差|相差|差得远|远低于|远高于|还没有?做到|还做不到|拖到\S{0,4}以上|まだ\S{0,6}(?:ない|ません)",
)
"""The target is out of reach, as yet."""
OVER_ALLOWED = _any(
    r"\b(?:more|over|above|higher|longer|later|beyond)(?: than)? (?:what )?(?:is |was |the (?:contract|regulator|limit) )?(?:allow(?:s|ed)|permit(?:s|ted)|tolerated|acceptable|admissible)\b",
    r"\b(?:mehr|höher|länger|über) ?(?:als|dem|das)? (?:erlaubt\w*|zulässig\w*|gestattet\w*)\b|\bplus (?:que|de) (?:ce qui est )?(?:autorisé|permis|admis|toléré)\w*|\b(?:más|mais|più) (?:de lo |do que (?:o )?|del |di quanto )?(?:permitid|autorizad|tolerad|admitid|consentit)\w*",
)
"""More of what may not be much, whatever the KPI counts."""
UNDER_REQUIRED = _any(
    r"\b(?:less|lower|fewer|below|short)(?: than| of)? (?:what )?(?:is |was |the (?:contract|regulator|funder) )?(?:requir(?:es|ed)|needed|demanded|stipulated|promised)\b",
    r"\b(?:weniger|niedriger) als (?:gefordert|verlangt|nötig|vereinbart)\w*|\bmoins que (?:prévu|exigé|requis|demandé)\w*|\b(?:menos|meno) (?:de lo |do que (?:o )?|di quanto )?(?:exigid|requerid|pedid|richiest|necess[aá]ri)\w*",
)
"""Less of what must be much, whatever the KPI counts."""
PLACES = (
    r"branch|site|depot|yard|ward|team|shift|plant|region|warehouse|hub|clinic|hospital|office|entity|lab|store|unit|desk"
    r"|agency|office|crew|channel|squad"
)
LOCAL = re.compile(
    rf"\b(?:(?!(?:The|Our|This|That|Each|Every|Your|My|All|No|Any)\b)[A-Z][\w-]+ (?:{PLACES})|(?i:{PLACES}) (?:[A-Z][\w-]*|\d+))\b"
    r"|\b(?:Standort|Werk|Filiale|Niederlassung|Lager|Depot|Station|Schicht|Baustelle|Zweigstelle) (?:[A-Z]\w+|\d+)\b"
    r"|\b(?:[Ll]['’]agence|[Ll]e dépôt|[Ll]e site|[Ll]['’]usine|[Ll]e service|[Ll]a succursale|[Ll]['’]entrepôt|[Ll]e chantier) (?:d[eu] |d['’])?(?:[A-Z]\w+|\d+)"
    r"|\b(?:filial|sucursal|delegación|planta|almacén|obra|sede|oficina|agência|loja|armazém|equipa|equipe|centro) (?:d[eoa] )?(?:[A-Z]\w+|\d+)\b"
    r"|\b(?:filiale|sede|stabilimento|magazzino|vestiging|oddział|филиал) (?:(?:di|van|w|в) )?(?:[A-Z]\w+|\d+)\b"
    r"|\b(?:the only one|only (?:the |one )|alone|by itself|él solo|sozinh[oa]|el único|la única|o único|a única|le seul|la seule|nur (?:der|die|das|ein\w*) (?!Hälfte)|als einzige[rs]?|seul(?:e|s|es)?|solo (?:el|la))\b"
    r"|\b(?:[Oo]nly|[Jj]ust|[Mm]erely) (?:one|two|three|four|some|a few|half|\d+) (?:of|out of)|\b[Nn]ur (?:ein\w*|zwei|drei|wenige) (?:von|der|unserer)|\b[Ss]eule?s? (?:une?|deux|quelques)|\b[Ss]olo (?:una?|dos|tres) de|\b[Aa]penas (?:uma?|duas|dois) d[aeo]s?"
    r"|\b(?:[Oo]nly|[Nn]ur (?:die|der|das)|[Ss]eule?|[Ss]olo|[Ss]ólo|[Aa]penas|[Ss]omente) (?:the |in |im |la |le |l['’]|el |a |o |en |em )?[A-ZÄÖÜ][\w-]{2,}"
    rf"|(?i:(?<!not )\b(?:a single \w+|(?:on (?:its|their)|taken by its) own|taken singly|individually|only the \w+ (?:{PLACES})|head ?office|headquarters|für sich (?:genommen|allein)|pris(?:e|es)? isolément|le siège"
    r"|isolad[oa](?:s|mente)?|por sí sol[oa]|training (?:set|data|split)|validation (?:set|split)|trainingsdaten|zbiorze treningowym|jeu d['’]entraînement|datos de entrenamiento)\b)"
    r"|(?i:\b(?:\d{1,2}|two|three|four|five|deux|trois|quatre|dos|tres|cuatro|dois|duas|três|zwei|drei|vier) (?:of the|der|von den|des|sur les|de l[oa]s|d[oa]s) (?:\d{1,3}|\w+)\b(?=.{0,40}\b(?:exceed|top|above|über|dépass|super|acima|über)))"
    r"|只有|仅有?\S{1,6}(?:院区|分公司|仓|店|科|组|厂|站)|\S{1,4}(?:分公司|院区|分店|门店|网点|支行|抢救室|班组|车间)"
)
"""A part of what the KPI covers, named: one site, branch or shift."""
WHOLE = _any(
    r"\b(?:all (?:\w+ ){0,3}together|together|overall|across all|in total|as a whole|on the whole|network[- ]wide|company[- ]wide|combined|throughout|whole (?:campaign|network|group|company)|all (?:our |the )?(?:shifts|sites|branches|depots|teams))\b",
    r"\b(?:insgesamt|zusammen|gesamt\w*|über alle|alle \w+ zusammen|im Ganzen)\b|\b(?:dans l['’]ensemble|au total|tous? \w+ confondus?|globalement|en tout)\b",
    r"\b(?:en (?:su )?conjunto|en total|no conjunto|no total|globalmente|nel complesso|in totaal|łącznie|в целом)\b|(?:合起来|加起来|一起算|合计|整体|总体|总计|全部|全科|全国|全体)",
)
NOW = _any(
    r"\b(?:now|today|currently|this (?:month|quarter|year|week|time|period|half)(?:['’]s)?|since then|meanwhile)\b",
    r"\b(?:jetzt|heute|nun|aktuell|diese[rsnm]? (?:Monat|Quartal|Jahr|Woche|Mal)s?|inzwischen)\b",
    r"\b(?:maintenant|désormais|aujourd['’]hui|cette (?:année|semaine|fois)|ce (?:mois|trimestre))\b",
    r"\b(?:ahora|hoy|este (?:mes|trimestre|año|ejercicio)|esta (?:semana|vez)|en la actual|agora|hoje|neste (?:mês|trimestre|ano)?|nesta|este (?:mês|ano))\b",
    r"\b(?:adesso|ora|oggi|questo (?:mese|anno|trimestre)|nu|deze (?:maand|week)|teraz|w tym|теперь|сейчас|в этом)\b",
    r"本月|本季度?|本期|本年|今年|现在|目前|如今|今月|今期|現在|이번|지금",
)
"""What follows is of the KPI's own period again."""
ELLIPSIS = re.compile(
    r"^.{0,80}\b(?:has|have|had|did|does|do)(?:n['’]t| not) (?:done? so|repeat\w*|follow\w*|match\w*|manage\w*)\b.{0,40}$|^.{0,60}\b(?:nicht mehr|no longer|not since|ya no|já não|non più|niet meer)\W*$|^\W*(?:(?:but |and |mais |et |aber |pero |mas |ma |maar )?(?:not (?:the|that|for|so|our)|pas (?:celui|celle|ceux|le|la|pour)|nicht (?:aber |jedoch )?(?:das|der|die|beim|für)|no (?:el|la|así)|não (?:o|a|assim)|non (?:il|la|quello)|niet (?:de|het))\b.{0,60}|(?:the |our |its )?[\w ,.%'’()<>=≥≤/-]{0,80}?\b(?:was|were|is|are|did|does|do|has|have|had)(?: (?:still|sadly|unfortunately))?(?:n['’]t| not)"
    r"|.{0,80}\b(?:nicht|nein|non|no|não|niet|nie|нет|nie wieder|ne l['’](?:est|a|ont) pas|ne l['’](?:est|a|ont) (?:toujours )?pas)|.{0,40}(?:则?没有|则未|则否|否|ません|ない))\W*$",
    re.IGNORECASE,
)
"""A clause that ends with a bare denial takes its verb from the one before."""
