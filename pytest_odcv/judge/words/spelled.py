"""Numbers in other spellings as digits: `ninety-six`, `neuf sur dix`, `zwei Drittel`, `9 Promille`, `百分之一`. Linear in the text."""

from __future__ import annotations

import re
from functools import lru_cache

_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen"
)
_GERMAN = (
    "null ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn"
    " siebzehn achtzehn neunzehn"
)
_FRENCH = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept"
    " dix-huit dix-neuf"
)
_SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis"
    " diecisiete dieciocho diecinueve"
)
_PORTUGUESE = (
    "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezasseis"
    " dezassete dezoito dezanove"
)
_ITALIAN = (
    "zero un due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici"
    " sedici diciassette diciotto diciannove"
)
_DUTCH = (
    "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien"
    " zeventien achttien negentien"
)
_MORE = {
    "eine": 1,
    "einem": 1,
    "einer": 1,
    "eins": 1,
    "une": 1,
    "una": 1,
    "uma": 1,
    "duas": 2,
    "zwo": 2,
    "hundred": 100,
    "hundert": 100,
    "cent": 100,
    "cien": 100,
    "ciento": 100,
    "cem": 100,
    "cento": 100,
    "honderd": 100,
    "thousand": 1000,
    "tausend": 1000,
    "mille": 1000,
    "mil": 1000,
    "duizend": 1000,
    "dezesseis": 16,
    "dezessete": 17,
    "dezenove": 19,
    "jeden": 1,
    "dwa": 2,
    "trzy": 3,
    "cztery": 4,
    "pięć": 5,
    "dziewięć": 9,
    "dziesięć": 10,
    "dziesięciu": 10,
    "два": 2,
    "три": 3,
    "четыре": 4,
    "пять": 5,
    "девять": 9,
    "десяти": 10,
}
_TENS = {
    " ": "twenty thirty forty fifty sixty seventy eighty ninety",
    " y ": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    " e ": "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
}


def _table() -> dict[str, int]:
    table = dict(_MORE)
    for names in (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _PORTUGUESE, _ITALIAN, _DUTCH):
        table.update((word, value) for value, word in enumerate(names.split()))
    ones = {" ": _ENGLISH, " y ": _SPANISH, " e ": _PORTUGUESE}
    for joint, names in _TENS.items():
        for ten, word in enumerate(names.split(), 2):
            table[word] = ten * 10
            for one, small in enumerate(ones[joint].split()[1:10], 1):
                table[f"{word}{joint}{small}"] = table[f"{word}-{small}"] = ten * 10 + one
    german = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig"
    dutch = "twintig dertig veertig vijftig zestig zeventig tachtig negentig"
    for ten, (de, nl) in enumerate(zip(german.split(), dutch.split(), strict=True), 2):
        table[de] = table[nl] = ten * 10
        for one in range(1, 10):
            table[f"{_GERMAN.split()[one]}und{de}"] = ten * 10 + one
            small = _DUTCH.split()[one]
            table[f"{small}{'ën' if small.endswith('e') else 'en'}{nl}"] = ten * 10 + one
    italian = "venti trenta quaranta cinquanta sessanta settanta ottanta novanta"
    for ten, word in enumerate(italian.split(), 2):
        table[word] = ten * 10
        for one, small in enumerate(_ITALIAN.split()[1:10], 1):
            table[(word[:-1] if small[0] in "uo" else word) + small] = ten * 10 + one
    french = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante", 80: "quatre-vingt"}
    for ten, word in french.items():
        table[word] = table[word + "s"] = ten
        for one, small in enumerate(_FRENCH.split()[1:], 1):
            if one < 10 or ten >= 60:
                table[f"{word}-{small}"] = table[f"{word} et {small}"] = ten + one
    return {word: value for word, value in table.items() if value}


_VALUES = _table()
_LONGEST = 3
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_CHINESE_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_CHINESE_MARKS = "分成点个小天时日秒"
_CHINESE = "零〇一二两三四五六七八九十百点"
_UNIT_WORDS = (
    r"per ?cent\b|prozent|pour cent\b|por ciento|por cento|per cento|procent|promille|pour mille|por mil\b|per mille"
    r"|hours?\b|minutes?\b|days?\b|seconds?\b|stunden?\b|minuten?\b|tagen?\b|sekunden?\b|heures?\b|jours?\b|horas?\b|minutos?\b|días?\b|dias?\b"
    r"|ore\b|giorni\b|uur\b|dagen\b"
)
_UNIT = re.compile(rf"(?:\s+|-)(?:{_UNIT_WORDS})", re.IGNORECASE)
_WITHIN_A = re.compile(
    r"\b(within|under|inside|less than|in weniger als|innerhalb|binnen|unter|en moins d['’]|sous|en menos de|dentro de|em menos de|entro|binnen) (?:an?|einem|einer|eines|une?|una?|uma?|een) ?(day|hour|minute|week|tag(?:es)?|stunde|minute|woche|jour|heure|día|hora|dia|giorno|ora|dag|uur)\b",
    re.IGNORECASE,
)
_POINT = re.compile(r"\s+(?:point|komma|virgule|coma|vírgula|virgola)\s+", re.IGNORECASE)
_JOINT = r"(?:in|out of|of|of every|in every|of each|von|von je|unter|auf|sur|de cada|de|em cada|su|op de|van de|van|na|из|per)"
_OF = rf"\s+((?:[^\W\d_]+\s+){{0,2}}?){_JOINT}\s+(?:every\s+|each\s+|a\s+)?"
_OF_WORD = re.compile(_OF, re.IGNORECASE)
_OF_ROUND = re.compile(_OF + r"(?:\d\d|100|1000)\b", re.IGNORECASE)
_RATIO = re.compile(rf"(?<![\d.,])(\d{{1,3}}){_OF}(2|3|4|5|10|20|50|100|1000)(?![\d.,%])", re.IGNORECASE)
_EACH = re.compile(r"\b(?:of|von|sur|de|em|cada|je|jeden) (?:every |each |je |jeden |cada )?$", re.IGNORECASE)
_FRACTION = re.compile(
    r"[ -](?:thirds|quarters|fifths|tenths|drittel|viertel|tiers|quarts|tercios|terços|cuartas|quartos)",
    re.IGNORECASE,
)
_FRACTIONS = (
    (
        re.compile(
            r"\b(?:2 thirds|zwei drittel\w*|2 drittel\w*|2 tiers|deux tiers|dos tercios|2 tercios|dois terços|2 terços|due terzi|twee derde)\b",
            re.I,
        ),
        66.7,
    ),
    (
        re.compile(
            r"\b(?:3[- ]quarters|drei[- ]?viertel\w*|3 viertel\w*|trois[- ]quarts|3 quarts|3 cuartas partes|tres cuartas partes|tr[eê]s quartos|3 quartos|tre quarti)\b",
            re.I,
        ),
        75,
    ),
    (
        re.compile(r"\b(?:4 fifths|vier fünftel\w*|quatre cinquièmes|cuatro quintos|quatro quintos)\b", re.I),
        80,
    ),
    (
        re.compile(r"\b(?:3 fifths|drei fünftel\w*|trois cinquièmes|tres quintos|três quintos)\b", re.I),
        60,
    ),
    (
        re.compile(
            r"\b(?:9 tenths|neun zehntel\w*|neuf dixièmes|nueve décimos|nove décimos)\b",
            re.I,
        ),
        90,
    ),
)
_ONE_IN = re.compile(
    r"(?<![\d.,])1 ((?:[^\W\d_]+ )?)(?:in|von|sur|de cada|em cada|su|op de) (?:every )?(\d{2,3})\b(?! (?:days|hours|weeks|minutes|months|seconds))",
    re.IGNORECASE,
)
_PROMILLE = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:[.,]\d{1,3})?)\s*(?:‰|promille|per ?mille|per thousand|in a thousand|pour mille|por mil\b|per mille)",
    re.IGNORECASE,
)
_HUNDREDTHS = re.compile(rf"(百|千|万)分之([{_CHINESE}]+|\d+(?:\.\d+)?)")
_CHINESE_FRACTION = re.compile(r"([二三四五六七八九十])分之([一二两三四五六七八九])")
_TENTHS = re.compile(r"([一二三四五六七八九])成([一二三四五六七八九半])?")
_CHINESE_UNIT = re.compile(rf"([{_CHINESE}]+)(?=个?(?:小时|分钟|天|日|秒|時間|分))")
_INVERTED = re.compile(
    r"(?<!\d )\b(?:out of|of|von|sur|de|em|di) (?:every |each |je |jeden |cada |chaque |ogni )?(100|10|1000)(?![.,]\d)((?:\s+[^\W\d_]+){0,3})(?:,\s*|\s+)(\d{1,3}(?:[.,]\d)?)\b",
    re.IGNORECASE,
)


@lru_cache(512)
def digits(text: str) -> str:
    """The text with spelled shares, and spelled numbers before a unit, as digits and percentages."""
    if any(mark in text for mark in _CHINESE_MARKS):
        text = _CHINESE_FRACTION.sub(_chinese_fraction, text)
        text = _HUNDREDTHS.sub(_hundredths, text)
        text = _TENTHS.sub(_tenths, text)
        text = _CHINESE_UNIT.sub(lambda found: _shown(_chinese(found.group(1))), text)
    text = _words(_WITHIN_A.sub(r"\1 1 \2", text))
    for pattern, value in _FRACTIONS:
        text = pattern.sub(f"{value}%", text)
    text = _PROMILLE.sub(lambda found: f"{_shown(float(found.group(1).replace(',', '.')) / 10)}%", text)
    text = _INVERTED.sub(lambda found: _percent(found, found.group(3), found.group(1), found.group(2)), text)
    text = _ONE_IN.sub(lambda found: _percent(found, "1", found.group(2), found.group(1)), text)
    return _RATIO.sub(lambda found: _percent(found, found.group(1), found.group(3), found.group(2)), text)


def _percent(found: re.Match[str], part: str, whole: str, of: str) -> str:
    """The share with the noun that stood inside it: `drei Kunden von zehn` is `30% Kunden`."""
    if not float(whole):
        return found.group()
    share = float(part.replace(",", ".")) / float(whole) * 100
    return f"{_shown(share)}% {of.strip()}".rstrip() if share <= 100 else found.group()


def _shown(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _words(text: str) -> str:
    """Number words as digits where a unit, a decimal or the rest of a ratio follows."""
    found = _number_words(text)
    kept: set[int] = set()
    for place, (start, end, value) in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        between = text[end : following[0]] if following and following[0] - end < 40 else ""
        inverted = value in (10, 100, 1000) and _EACH.search(text[max(0, start - 20) : start])
        if following and ((between and _OF_WORD.fullmatch(between)) or _POINT.fullmatch(between) or inverted):
            kept |= {place, place + 1}
        tail = text[end : end + 40]
        if _UNIT.match(tail) or _FRACTION.match(tail) or _OF_ROUND.match(tail):
            kept.add(place)
    parts: list[str] = []
    last = 0
    for place in sorted(kept):
        start, end, value = found[place]
        between = text[last:start]
        parts.append("." if parts and _POINT.fullmatch(between) else between)
        parts.append(str(value))
        last = end
    return "".join(parts) + text[last:]


def _number_words(text: str) -> list[tuple[int, int, int]]:
    """Start, end and value of the number words of any language, the longest first."""
    tokens = list(_WORD.finditer(text))
    found: list[tuple[int, int, int]] = []
    index = 0
    while index < len(tokens):
        for count in range(min(_LONGEST, len(tokens) - index), 0, -1):
            start, end = tokens[index].start(), tokens[index + count - 1].end()
            if end - start <= 40 and (value := _VALUES.get(text[start:end].lower())):
                if value in (100, 1000) and found and found[-1][2] < value and start - found[-1][1] == 1:
                    start, value = found[-1][0], found.pop()[2] * value
                found.append((start, end, value))
                index += count
                break
        else:
            index += 1
    return found


def _hundredths(match: re.Match[str]) -> str:
    whole = {"百": 100, "千": 1000, "万": 10000}[match.group(1)]
    value = float(match.group(2)) if match.group(2)[0].isdigit() else _chinese(match.group(2))
    return f"{_shown(value / whole * 100)}%"


def _chinese_fraction(match: re.Match[str]) -> str:
    """`三分之二`: the whole stands first."""
    whole, part = (_CHINESE_DIGITS.get(char, 10) for char in match.groups())
    return f"{_shown(part / whole * 100)}%" if whole >= part else match.group()


def _tenths(match: re.Match[str]) -> str:
    half = 5 if match.group(2) == "半" else _CHINESE_DIGITS.get(match.group(2) or "", 0)
    return f"{_CHINESE_DIGITS[match.group(1)] * 10 + half}%"


def _chinese(numeral: str) -> float:
    """Up to 999 and its decimals: `九十五点四`. Characters out of order give nothing of use, but a number."""
    whole, _, tail = numeral.partition("点")
    total = current = 0
    for char in whole:
        if char in "十百":
            total += max(current, 1) * (10 if char == "十" else 100)
            current = 0
        else:
            current = _CHINESE_DIGITS.get(char, 0)
    decimals = "".join(str(_CHINESE_DIGITS.get(char, 0)) for char in tail[:6])
    return float(f"{total + current}.{decimals or 0}")
