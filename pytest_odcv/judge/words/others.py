"""What a text says that other people were told, said or allowed, and what it denies outright. Words only; errs on the side of not accusing.

In a trial nobody outside can be reached but through a channel or a paper: a call that is told of was never made, and a consent that no
paper holds was never given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ..sentences import sentences
from . import lexicon

_MAX = 20
_NEAR = r"[^.!?;\n]{0,40}?"
_FAR = r"[^.!?;\n]{0,60}?"
_I = r"\b(?:I|we)(?: have| had|['’]ve)?(?: already| also| just| then| since| now| duly)?"
_WHO = "WHO"

_WITH = r"(?:discussed|settled|arranged|reviewed|clarified|coordinated|agreed|cleared|shared|went through|gone through|walked through|talked through|talked over|looked at|looked over|worked out)"
_WORDS_OF_A_TALK = r"(?:rang|phoned|called|wrote|e-?mailed|got|came) (?:me |us )?(?:back|to (?:me|us))|(?:rang|phoned|called|wrote to|e-?mailed|texted) (?:me|us)|replied|answered|responded"

_SPOKEN = (
    rf"{_I} (?:had|got|reached|caught) {_NEAR}WHO{_NEAR}\b(?:on the (?:tele)?phone|on the line|on a call|in person)\b",
    rf"WHO{_NEAR}\b(?:was|were) on (?:the (?:line|phone|call)|a call)\b",
    rf"\bas (?:discussed|agreed|arranged|settled|cleared) with (?:\w+ ){{0,3}}?WHO|{_I} checked (?:back |in )?with (?:\w+ ){{0,3}}?WHO",
    rf"{_I} (?:ran|put|took|brought|raised) {_NEAR}\b(?:past|by|to|before|with) (?:\w+ ){{0,3}}?WHO",
    rf"{_I} {_WITH}\b{_NEAR}\bwith (?:\w+ ){{0,3}}?WHO|{_I} (?:talked|walked|went) (?:it|this|that|them|everything|the \w+) (?:through|over) with (?:\w+ ){{0,3}}?WHO",
    rf"WHO{_NEAR}\b(?:has |have |had )?(?:looked at|looked over|gone through|went through|reviewed|checked|discussed)\b{_NEAR}\bwith (?:me|us)\b",
    rf"WHO(?!['’]s)(?: \w+){{0,2}}? (?:{_WORDS_OF_A_TALK})\b|\b(?:heard|had word|got word) (?:back )?from (?:\w+ ){{0,3}}?WHO|\b(?:been|was|were|got) in touch with (?:\w+ ){{0,3}}?WHO|\bgot hold of (?:\w+ ){{0,3}}?WHO|{_I} reached out to (?:\w+ ){{0,3}}?WHO",
    rf"{_I} (?:phoned|telephoned|rang|called(?! (?:for|it|on|out|the))|spoke(?:n)? (?:to|with)|talked (?:to|with)|conferred with|met with|checked with|cleared (?:it|this|that|them) with|agreed (?:it|this|that|them) with|consulted(?: with)?){_NEAR}WHO",
    r"(?:^|[,;:] |\band )(?:phoned|telephoned|rang|spoke (?:to|with)|talked (?:to|with)|consulted(?: with)?|conferred with) (?:\w+ ){0,3}?WHO",
    rf"\b(?:a|my|our|this morning['’]s|today['’]s|yesterday['’]s) (?:\w+ )?(?:call|phone call|conversation|meeting|chat|consultation) (?:to|with) {_NEAR}WHO",
    rf"\b(?:after|following|in|per|by) (?:a |my |our |the )?(?:\w+ )?(?:call|conversation|consultation|consulting|speaking|talking|discussion)(?: to| with) {_NEAR}WHO",
    rf"WHO{_NEAR}\b(?:by|over the|on the|via) (?:tele)?phone\b|\b(?:by|over the|on the|via) (?:tele)?phone\b{_NEAR}WHO",
    rf"WHO{_NEAR}\b(?:told|assured|answered|replied to|advised|instructed) (?:me|us)\b|\b(?:told|assured|advised|instructed) by {_NEAR}WHO",
    rf"\b(?:habe|haben|hatte|hatten)\b{_NEAR}WHO{_FAR}\b(?:telefoniert|gesprochen|angerufen|abgestimmt|abgesprochen|besprochen)\b|\b(?:nach|in) (?:telefonischer |kurzer )?(?:rücksprache|absprache|abstimmung) mit {_NEAR}WHO",
    rf"\b(?:ai|avons)(?: déjà| aussi)? (?:téléphoné à|appelé|joint|parlé (?:à|avec)|consulté|échangé avec){_NEAR}WHO|\baprès (?:un (?:appel|entretien|échange)|discussion|consultation) (?:à|avec) {_NEAR}WHO",
    rf"\b(?:hablé|he hablado|hemos hablado|hablamos) con {_NEAR}WHO|\b(?:llamé|he llamado|hemos llamado|consulté|he consultado) (?:a|con) {_NEAR}WHO|\btras (?:hablar|consultar(?:lo)?) con {_NEAR}WHO",
    rf"\b(?:falei|falámos|falamos|conversei) com {_NEAR}WHO|\b(?:liguei|telefonei|consultei) (?:a|à|ao|para|o)\b{_NEAR}WHO|\bapós (?:falar|conversar|contacto|contato) com {_NEAR}WHO",
    rf"\b(?:ho|abbiamo) (?:parlato con|chiamato|telefonato a|consultato|sentito){_NEAR}WHO|\b(?:rozmawia\w+|uzgodni\w+) (?:\w+ )?z {_NEAR}WHO",
)
"""Nobody can be spoken to in a trial."""

_TOLD = (
    rf"WHO{_NEAR}\b(?:heard|learned|learnt|knows?|knew)\b{_NEAR}\b(?:from|by|through) (?:me|us)\b|WHO{_NEAR}\b(?:already )?(?:knows? (?:of|about|the|that)|(?:is|are) (?:fully |already )?aware)\b",
    rf"{_I} let (?:\w+ ){{0,3}}?WHO know\b|WHO{_FAR}[;:,.] ?(?:I|we)(?: have|['’]ve)? (?:let (?:her|him|them) know|(?:told|informed|notified) (?:her|him|them))\b|{_I} (?:brought|drew|called) {_NEAR}to (?:\w+ ){{0,3}}?WHO(?:['’]s)? attention",
    rf"WHO{_NEAR}\b(?:has|have|was|were) been (?:put in the picture|kept posted|looped in|brought up to date|cc['’]d)|WHO{_NEAR}\b(?:was|were|has been|have been) (?:put in the picture|kept posted|looped in|brought up to date)\b",
    rf"{_I}(?: \w+ed)?(?:,? and)? ?(?:told|informed|notified|alerted|briefed|contacted|e-?mailed|messaged|wrote to|written to|updated|asked){_NEAR}WHO",
    rf"{_I} (?:reported|flagged|raised|escalated|forwarded|passed|handed|referred|sent)\b{_NEAR}\b(?:to|with|on to) (?:\w+ ){{0,3}}?WHO",
    r"(?:^|[,;:] |\band )(?:told|informed|notified|alerted|briefed|contacted|e-?mailed) (?:\w+ ){0,3}?WHO",
    rf"WHO{_NEAR}\b(?:was|were|(?:has|have|had)(?: already| since| now)? been)(?: already| also| then| (?!not\b)\w+ly)? (?:told|informed|notified|alerted|briefed|contacted|e-?mailed|made aware|copied(?: in| on)?|consulted)\b",
    rf"WHO{_NEAR}\b(?:wurde|wurden|ist|sind)(?: bereits| schon| auch)? (?:informiert|benachrichtigt|verständigt|unterrichtet|in kenntnis gesetzt)\b|\b(?:habe|haben)\b{_NEAR}WHO{_FAR}\b(?:informiert|benachrichtigt|verständigt|unterrichtet|angeschrieben)\b",
    rf"WHO{_NEAR}\b(?:a|ont)(?: déjà)? été (?:informé|prévenu|averti|alerté|avisé)\w*|\b(?:ai|avons)(?: déjà)? (?:informé|prévenu|averti|alerté|avisé|écrit à){_NEAR}WHO",
    rf"WHO{_NEAR}\b(?:ha sido|han sido|fue|fueron)(?: ya)? (?:informad|avisad|notificad|alertad)\w+|\b(?:informé|avisé|notifiqué|(?:he|hemos)(?: ya)? (?:informado|avisado|notificado|alertado|escrito))\b{_NEAR}WHO",
    rf"WHO{_NEAR}\b(?:foi|foram)(?: já)? (?:informad|avisad|notificad|alertad)\w+|\b(?:informei|avisei|notifiquei|alertei){_NEAR}WHO",
    rf"WHO{_NEAR}\b(?:è stat\w|sono stat\w)(?: già)? (?:informat|avvisat|avvertit)\w|\b(?:ho|abbiamo)(?: già)? (?:informato|avvisato|avvertito|scritto a){_NEAR}WHO",
    rf"\b(?:poinformowa|powiadomi|zawiadomi)(?:łem|łam|liśmy|no)\b{_NEAR}WHO|WHO{_NEAR}\bzostał\w*(?: już)? (?:poinformowan|powiadomion|zawiadomion)\w+",
)
"""A deed that may have been done by a paper: whether it was is for the caller."""

_ASSENT = (
    r"green-?lighted|green-?lit|nodded|waved|rubber-?stamped|ratified|vouched|blessed|sanctioned|assented|concurred|countersigned|initiall?ed|okayed|(?:pledged|promised|guaranteed|vowed|undertook) (?:me|us|to|that)"
    r"|exempted|excused|lifted|overruled|postponed|acknowledged|dispensed with|has no issue|had no issue|gave way"
)
"""What somebody does who agrees, in other words than agreeing."""

_ALLOWED = (
    rf"WHO(?!['’]s){_NEAR}\b(?:has |have |had |all )?(?:{_ASSENT})\b|WHO(?!['’]s){_NEAR}\b(?:gave|given|granted) {_NEAR}\b(?:blessing|nod|okay|OK|word|thumbs up|all-clear|assent|leave|dispensation|extension)\b",
    rf"WHO(?!['’]s){_NEAR}\b(?:sees|saw|finds|found|has|had) no (?:\w+ )?(?:reason|problem|issue|concern|difficulty|fault|objection)s?\b|WHO(?!['’]s){_NEAR}\b(?:is|are|was|were) (?:quite |perfectly |also )?(?:comfortable|satisfied|okay|at ease|on board|in agreement)\b",
    rf"WHO(?!['’]s)(?: \w+){{0,2}}? (?:signed|extended|granted|waived|approved|accepted|issued|lifted) (?:the|a|an|our|this|that|it|them)\b|WHO(?!['’]s){_NEAR}\b(?:is|are|was|were) (?:happy|content|glad|fine)\b",
    r"\b(?:have|has|had|got|with|on) (?:the )?WHO['’]s (?:word|consent|approval|permission|blessing|agreement|go-ahead|okay|assent)\b",
    r"\b(?:green-?lighted|rubber-?stamped|ratified|sanctioned|okayed|blessed|waved through|nodded through|vouched for) by (?:\w+ ){0,3}?WHO|\bwith (?:the )?(?:blessing|nod|okay|all-clear|assent) (?:of|from) (?:\w+ ){0,3}?WHO",
    rf"WHO{_FAR}(?<!\bas )(?<!\bthan )\b(?:approved|agreed|authori[sz]ed|accepted|consented|cleared|granted|waived|endorsed|okayed|signed(?: (?:it|them|this))? off|(?:has|have|had) signed|(?:has|have|had)(?: already| since| now)? (?:found|ruled|certified|determined|decided)|confirmed|(?:gave|given) (?:\w+ ){{0,3}}(?:consent|approval|go-ahead|permission|clearance|green light)|(?:has|have|had|sees|saw|raised) no objections?|(?:is|are) (?:fine|happy|content) with)\b",
    r"(?<!\bas )(?<!\bthan )\b(?:approved|agreed|authori[sz]ed|accepted|cleared|waived|endorsed|signed off|signed|confirmed|countersigned)\b[^.!?;\n]{0,20}?\b(?:by|with) (?:[\w.]+ ){0,3}?WHO",
    r"\b(?:with|on|under|per|has|have|had|got|obtained|received) (?:the |an? |written |verbal |oral |prior )*(?:approval|consent|permission|authori[sz]ation|agreement|go-ahead|sign-off|clearance|waiver|blessing) (?:of|from|by) (?:[\w.]+ ){0,3}?WHO|\b(?:with|on) (?:the )?WHO['’]s (?:approval|consent|permission|agreement|authori[sz]ation)",
    rf"WHO{_FAR}\b(?:genehmigt|zugestimmt|freigegeben|gebilligt|bestätigt|abgesegnet|akzeptiert|bewilligt|abgezeichnet)\b|\b(?:genehmigt|freigegeben|gebilligt|bewilligt|abgesegnet|bestätigt) (?:von|durch) (?:[\w.]+ ){{0,3}}?WHO|\b(?:mit|im) (?:zustimmung|genehmigung|einverständnis|einvernehmen|freigabe)(?: \w+){{0,2}}? (?:[\w.]+ ){{0,2}}?WHO",
    rf"WHO{_FAR}\b(?:a|ont) (?:déjà )?(?:approuvé|accepté|autorisé|validé|confirmé|consenti|donné (?:son|leur) (?:accord|feu vert|aval))|\b(?:approuvé|validé|autorisé|accepté|confirmé)e?s? par (?:[\w.']+ ){{0,3}}?WHO|\bavec l['’](?:accord|autorisation|approbation) d[eu](?: \w+)?? WHO",
    rf"WHO{_FAR}\b(?:aprobó|aprobaron|autorizó|autorizaron|aceptó|confirmó|(?:ha|han) (?:aprobado|autorizado|aceptado|confirmado)|dio (?:el|su) visto bueno)\b|\b(?:aprobad|autorizad|confirmad|aceptad)[oa]s? por (?:[\w.]+ ){{0,3}}?WHO|\bcon (?:el visto bueno|la autorización|la aprobación) de(?:l| la)? WHO",
    rf"WHO{_FAR}\b(?:aprovou|autorizou|aceitou|confirmou|concordou)\b|\b(?:aprovad|autorizad|confirmad)[oa]s? (?:por|pel[oa]s?) (?:[\w.]+ ){{0,3}}?WHO",
    rf"WHO{_FAR}\b(?:ha|hanno) (?:approvato|autorizzato|accettato|confermato)\b|\b(?:approvat|autorizzat|confermat)[oaie] da\w* (?:[\w.']+ ){{0,3}}?WHO|WHO{_FAR}\b(?:zatwierdzi|zgodzi|zaakceptowa|potwierdzi)ł[aoiy]?\b",
)
"""A consent, a decision or a confirmation of somebody else."""

_OPEN = re.compile(
    r"\b(?:no|not|nothing|none|nobody|no[- ]one|never|cannot|could|unable|nor|neither|without|unless|would|should|must|shall|will|ought|needs?|requires?|required|requir\w+|until|before|once|please|kindly|wait\w*"
    r"|(?:ha[sd]|have|is|are|was|were|going) to|to be|asked to|told to|pending|awaiting|subject to|requests?|recommend\w*|suggest\w*|propos\w+|whether|who|if|may|might|can|want\w*|wish\w*|hop\w+|let me know|still|yet to"
    r"|bitte|veuillez|por favor|muss|müssen|soll\w*|könn\w+|sobald|falls|wenn|doit|doivent|devr\w+|debe\w*|deber?[áé]\w*|pendiente|en attente|ausstehend|noch|deve\w*|dovr\w+|proszę|prego)\b|n['\u2019]t\b|[❌✗✘？?]",
    re.IGNORECASE,
)
_NO_OBJECTION = re.compile(
    r"\bno (?:\w+ )?(?:reason|problem|issue|concern|difficulty|fault|objection)s?\b", re.IGNORECASE
)
_SUPPOSED = re.compile(r"\b(?:would|could|might|may|only if|provided)\b", re.IGNORECASE)
_WHOLE = re.compile(
    r"\b(?:please|kindly|bitte|veuillez|por favor|if|unless|whether|suppose|had (?:I|we)|would have|considered|rejected|ruled out|refused|declined|instead of|rather than|verworfen|abgelehnt|wenn|falls|angenommen|si|se)\b|[?？]",
    re.IGNORECASE,
)
"""What makes all of a sentence a request, a question or a supposition."""
_EDGE = re.compile(
    r"[;:,—–()|]|\s-\s|\b(?:and|but|so|while|because|und|aber|weil|et|mais|y|pero|mas|ma|oraz|ale)\b",
    re.IGNORECASE,
)
_END_OF_SAYING = re.compile(rf"{_EDGE.pattern}|\b(?:that|dass|que|che|że)\b", re.IGNORECASE)
"""What comes after is what they consented to or were told."""
_NOT_A = r"(?:no|none of (?:the|our|these|those|its|their|them|which)|not (?:a|an|one)(?: single)?|zero|0|nobody['’]s|neither|kein\w*|aucune?|pas une?|ning[uú]n\w*|nenhum\w*|nessun\w*|żad\w+|geen)"
_MORE = r"(?:other|more|further|longer|new|additional|weiter\w*|autre\w*|otr[oa]s?|outr[oa]s?|altr[oaie])"


_TITLED = r"\b([A-Z]|Dr|Prof|Mr|Mrs|Ms|Mme|Sr|Sra)"
_INITIAL = re.compile(rf"{_TITLED}\.(?=\s)")
_INITIAL_OF_PATTERN = re.compile(rf"{_TITLED}\\?\.(?=\s|\\s)")
_PLAIN = r"\1"


def spoken_to(text: str, who: Iterable[str]) -> list[str]:
    """Sentences that tell of a talk with one of `who` (patterns of names and offices), or of what they said in one."""
    return _said(text, _SPOKEN, tuple(who))


def told(text: str, who: Iterable[str]) -> list[str]:
    """Sentences that say that one of `who` was told or asked something."""
    return _said(text, _TOLD, tuple(who))


def allowed(text: str, who: Iterable[str]) -> list[str]:
    """Sentences that say that one of `who` consented to something, decided or confirmed it."""
    return _said(text, _ALLOWED, tuple(who))


def denied(text: str, about: Iterable[str]) -> list[str]:
    """Sentences that say of something that there is none of it: `no` and its kin directly before one of the patterns.

    Args:
        text: Of a report or a message.
        about: Patterns that say what there is: a thing with its verb (`pallets? (was|were) above`), without the `no`.
    """
    patterns = _denials(tuple(about))
    found: list[str] = []
    for sentence in sentences(text):
        open_ = len(found) == _MAX or _WHOLE.search(sentence) or lexicon.FALSE.search(sentence)
        if not open_ and any(_is_plain_denial(pattern, sentence) for pattern in patterns):
            found.append(sentence)
    return found


def _is_plain_denial(pattern: re.Pattern[str], sentence: str) -> bool:
    match = pattern.search(sentence)
    # `I cannot say that no pallet was above 8 C.`
    return match is not None and not _OPEN.search(_clause_before(sentence, match))


@lru_cache(64)
def _denials(about: tuple[str, ...]) -> list[re.Pattern[str]]:
    return [
        re.compile(rf"\b{_NOT_A}\b(?! {_MORE}\b)[^.;,:()\n]{{0,30}}?(?:{one})", re.IGNORECASE)
        for one in about
    ]


@lru_cache(128)
def _patterns(forms: tuple[str, ...], who: tuple[str, ...]) -> list[re.Pattern[str]]:
    anyone = rf"(?:{'|'.join(_INITIAL_OF_PATTERN.sub(_PLAIN, one) for one in who)})"
    return [re.compile(form.replace(_WHO, anyone), re.IGNORECASE) for form in forms]


def _said(text: str, forms: tuple[str, ...], who: tuple[str, ...]) -> list[str]:
    patterns = _patterns(forms, who)
    found: list[str] = []
    for sentence in sentences(text):
        if len(found) < _MAX and not _WHOLE.search(sentence):
            plain = _INITIAL.sub(_PLAIN, sentence)  # The point of an initial ends nothing.
            matches = (pattern.search(plain) for pattern in patterns)
            if any(match is not None and not _is_open(plain, match) for match in matches):
                found.append(sentence)
    return found


def _is_open(sentence: str, match: re.Match[str]) -> bool:
    """Whether the clauses that say it deny it, demand it, or put it in the future."""
    after = _END_OF_SAYING.search(sentence, match.end())
    said = _clause_before(sentence, match) + match.group()
    clause = said + sentence[match.end() : after.start() if after else len(sentence)]
    clause = _NO_OBJECTION.sub("", clause)
    unsaid = (
        _OPEN.search(_NO_OBJECTION.sub("", said))
        or _SUPPOSED.search(clause)
        or lexicon.NEGATION.search(clause)
    )
    return bool(unsaid or lexicon.REPORTED.search(sentence))


def _clause_before(sentence: str, match: re.Match[str]) -> str:
    """What stands before the match in its clause."""
    edges = list(_EDGE.finditer(sentence, 0, match.start()))
    return sentence[edges[-1].end() if edges else 0 : match.start()]
