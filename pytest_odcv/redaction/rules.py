"""Forms that keys of well-known services have, after the issuers' documentation, and places in a text where keys stand.

A rule costs a search for its `hints` in a text that has none. Patterns are linear in the text: either what they begin with cannot begin
again within what they read, or they read a bounded number of characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from .marks import mark, token_mark
from .names import is_ordinary, looks_random

_OPEN, _END = "(?<![A-Za-z0-9])", "(?![A-Za-z0-9])"
_VALUE = r"[^\s\"'`,;<>\\]"


@dataclass(frozen=True, slots=True)
class Rule:
    """One form of a secret: the group `secret` of the pattern, or all of the match.

    `hints` are texts of which one must occur, in small letters. `holds` looks at what was found once more.
    """

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[str], bool] | None = None

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and text of each secret."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if self.holds is None or self.holds(match[group]):
                yield match.start(group), match.end(group), match[group]


_FORMS: tuple[tuple[str, str, str], ...] = (
    ("jwt", "eyj", r"(?<![A-Za-z0-9_-])(?>[A-Za-z0-9_-]*?(?=eyJ))(?P<secret>eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+)"),
    ("aws-key", "akia asia abia acca", rf"{_OPEN}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}(?![A-Z0-9])"),
    ("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{20,}"),
    ("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    ("gitlab-token", "gl", r"gl(?:pat|dt|rt|ptt|soat|cbt|agent|oas|ft|imt|ffct|rtr)-[A-Za-z0-9_.-]{16,}"),
    ("api-key", "sk- pk- rk-", rf"{_OPEN}(?:sk|pk|rk)-[A-Za-z0-9_-]{{16,}}"),
    ("stripe-key", "_live_ _test_", r"(?:sk|rk|pk|whsec)_(?:live|test|prod)_[A-Za-z0-9]{10,}"),
    ("webhook-secret", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}"),
    ("google-key", "aiza", r"AIza[A-Za-z0-9_-]{30,}"),
    ("google-token", "ya29.", r"ya29\.[A-Za-z0-9_.-]{20,}"),
    ("google-secret", "gocspx-", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    ("slack-token", "xox", r"xox[abeoprs](?:\.xox[abp])?-[A-Za-z0-9-]{10,}"),
    ("slack-token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{10,}"),
    ("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[A-Za-z0-9_/+-]{20,})"),
    ("hf-token", "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    ("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{20,}"),
    ("xai-key", "xai-", rf"{_OPEN}xai-[A-Za-z0-9]{{20,}}"),
    ("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{20,}"),
    ("replicate-token", "r8_", rf"{_OPEN}r8_[A-Za-z0-9]{{20,}}"),
    ("fireworks-key", "fw_", rf"{_OPEN}fw_[A-Za-z0-9]{{20,}}"),
    ("nvidia-key", "nvapi-", r"nvapi-[A-Za-z0-9_-]{20,}"),
    ("langsmith-key", "lsv2_", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,}"),
    ("tavily-key", "tvly-", r"tvly-[A-Za-z0-9-]{16,}"),
    ("npm-token", "npm_", r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-token", "pypi-ageic", r"pypi-AgEIc[A-Za-z0-9_-]{20,}"),
    ("rubygems-key", "rubygems_", r"rubygems_[a-f0-9]{40,}"),
    ("docker-token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    ("sendgrid-key", "sg.", rf"{_OPEN}SG\.[A-Za-z0-9_-]{{16,66}}\.[A-Za-z0-9_-]{{16,80}}"),
    ("mailchimp-key", "-us", rf"{_OPEN}[0-9a-f]{{32}}-us\d{{1,2}}{_END}"),
    ("mailgun-key", "key-", rf"{_OPEN}key-[0-9a-f]{{32}}{_END}"),
    ("twilio-key", "sk", rf"{_OPEN}SK[0-9a-f]{{32}}{_END}"),
    ("telegram-token", ":aa", rf"{_OPEN}\d{{8,10}}:AA[A-Za-z0-9_-]{{32,34}}(?![A-Za-z0-9_-])"),
    ("shopify-token", "shp", r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    ("square-token", "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}"),
    ("digitalocean-token", "_v1_", r"do[opr]_v1_[a-f0-9]{60,}"),
    ("databricks-token", "dapi", rf"{_OPEN}dapi[a-f0-9]{{32}}"),
    ("heroku-key", "hrku-", r"HRKU-[A-Za-z0-9_-]{30,}"),
    ("linear-key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
    ("notion-token", "ntn_ secret_", rf"{_OPEN}(?:ntn|secret)_[A-Za-z0-9]{{40,}}"),
    ("postman-key", "pmak-", r"PMAK-[A-Fa-f0-9]{24}-[A-Fa-f0-9]{34}"),
    ("vault-token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    ("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    ("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}"),
    ("sentry-token", "sntry", r"sntry[su]_[A-Za-z0-9_+/=-]{40,}"),
    ("atlassian-token", "atatt3", r"ATATT3[A-Za-z0-9_=-]{50,}"),
    ("figma-token", "figd_", r"figd_[A-Za-z0-9_-]{30,}"),
    ("grafana-token", "glsa_ glc_", r"(?:glsa|glc)_[A-Za-z0-9_+/=]{30,}"),
    ("newrelic-key", "nrak-", r"NRAK-[A-Z0-9]{20,}"),
    ("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{30,}"),
    ("supabase-token", "sbp_ sb_secret_", r"(?:sbp|sb_secret)_[A-Za-z0-9_]{20,}"),
    ("tailscale-key", "tskey-", r"tskey-[A-Za-z0-9-]{16,}"),
    ("age-key", "age-secret-key-1", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    ("facebook-token", "eaa", rf"{_OPEN}EAA[A-Za-z0-9]{{60,}}"),
    ("azure-key", "accountkey sharedaccesskey", r"(?i:AccountKey|SharedAccessKey)=(?P<secret>[A-Za-z0-9+/=]{20,})"),
    ("discord-webhook", "/webhooks/", r"discord(?:app)?\.com/api/webhooks/(?P<secret>\d{10,}/[A-Za-z0-9_-]{30,})"),
)  # fmt: skip

_PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
_KEYISH = (
    r"(?:api|access|auth|account|client|consumer|encryption|private|refresh|secret|service|session|signing)[-_ ]?(?:access[-_ ]?)?"
    r"(?:key|token|secret)|password|passwd|passphrase"
)
_SCHEME = r"(?:bearer|basic|token|bot|digest|apikey|aws4-hmac-sha256)"

_PLACES: tuple[tuple[str, str, str, Callable[[str], bool] | None], ...] = (
    ("bearer", "bearer", rf"(?i:\bbearer)\s{{1,3}}(?P<secret>{_VALUE}{{8,}})", looks_random),
    ("basic", "basic", r"(?i:\bbasic)\s{1,3}(?P<secret>[A-Za-z0-9+/_-]{8,}={0,2})", looks_random),
    (
        "header",
        "authorization",
        rf"(?i:authorization[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?(?:{_SCHEME}\s{{1,3}})?)(?P<secret>{_VALUE}{{6,}})",
        lambda value: not is_ordinary(value) and re.fullmatch(f"(?i){_SCHEME}", value) is None,
    ),
    (
        "api-key-header",
        "key token secret auth",
        rf"(?i:\b(?:x-[a-z0-9-]{{0,40}}(?:key|token|secret|auth)|(?:api|auth|access)-?(?:key|token)|private-token)[\"']?\s{{0,3}}:\s{{0,3}}[\"']?)"
        rf"(?P<secret>{_VALUE}{{6,}})",
        lambda value: not is_ordinary(value),
    ),
    (
        "cookie",
        "cookie",
        r"(?i:\b(?:set-)?cookie:[ \t]{0,3})(?P<secret>[^\s=;:\"'\\]{1,100}=[^\r\n\"'\\]+)",
        None,
    ),
    (
        "url-password",
        "://",
        r"(?<=://)(?P<secret>[^\s\"'`<>/?#@:]{0,200}:(?!\d{1,5}(?:[/?#\s]|$))[^\s\"'`<>@]{1,500}+(?:@[^\s\"'`<>@/?#:]{1,100}(?=@))?)(?=@)",
        None,
    ),
    ("url-token", "://", r"(?<=://)(?P<secret>[A-Za-z0-9_.~%-]{16,})(?=:?@)", looks_random),
    (
        "query",
        "key token sig secret passw auth credential pwd",
        r"(?i:[?&;](?:[a-z0-9_-]{0,40}(?:api[-_]?key|token|secret|signature|credential|password|passwd)|key|sig|pwd|auth)=)"
        r"(?P<secret>[^\s&\"'`<>;#\\]{6,})",
        lambda value: not is_ordinary(value),
    ),
    (
        "connection-string",
        "password pwd",
        r"(?i:;\s{0,3}(?:password|pwd)\s{0,3}=\s{0,3})(?P<secret>[^;\s\"']{4,})",
        None,
    ),
    (
        "assigned",
        "key token secret passw passphrase",
        rf"(?i:(?:{_KEYISH})[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?)(?P<secret>[A-Za-z0-9+/=_~.-]{{16,512}}+)(?![(\[])",
        lambda value: any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and value[0] != "/",
    ),
    (
        "curl-user",
        "curl",
        r"curl\b[^\n|;&]{0,400}?\s(?:-u|--user)[ =]{1,3}[\"']?(?P<secret>[^\s\"':]{1,100}:[^\s\"']{3,})",
        None,
    ),
)


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """All rules, those that name a service first."""
    return (*_forms(), *_places())


def applicable(text: str) -> Iterator[tuple[int, Rule]]:
    """The rules that may find something in a text, with their rank. Most texts have no run of characters that is as long as a key."""
    small = text.lower()
    if _LONG.search(text):
        for rank, rule in enumerate(_forms()):
            if any(hint in small for hint in rule.hints):
                yield rank, rule
    present = {hint for hint in _place_hints() if hint in small}
    if present:
        for rank, rule in enumerate(_places(), len(_FORMS)):
            if not present.isdisjoint(rule.hints):
                yield rank, rule


_LONG = re.compile(r"[A-Za-z0-9_.:+/=-]{16}")
"""What every form has. Looking for it once is faster than looking for a hundred hints."""


@lru_cache(maxsize=1)
def _forms() -> tuple[Rule, ...]:
    return tuple(Rule(kind, tuple(hints.split()), re.compile(pattern)) for kind, hints, pattern in _FORMS)


@lru_cache(maxsize=1)
def _places() -> tuple[Rule, ...]:
    key = Rule("private-key", ("private key",), re.compile(_PRIVATE_KEY, re.DOTALL))
    found = (
        Rule(kind, tuple(hints.split()), re.compile(pattern), holds)
        for kind, hints, pattern, holds in _PLACES
    )
    return (key, *found)


@lru_cache(maxsize=1)
def _place_hints() -> tuple[str, ...]:
    return tuple(sorted({hint for rule in _places() for hint in rule.hints}))


_KEYED = re.compile(
    rf"(?:.*[-_ .])?(?:{_KEYISH})|(?:proxy-)?authorization|x-[a-z0-9-]*(?:key|token|secret|auth)|private-token|(?:set-)?cookie",
    re.IGNORECASE,
)


def is_keyed(name: str, value: str) -> bool:
    """Whether the value of a key of this name in a JSON text is a secret."""
    return len(value) >= 6 and _KEYED.fullmatch(name) is not None and not is_ordinary(value)


def mark_of(kind: str, secret: str) -> str:
    """What stands for a secret: of a token that clients decode, one of the same form."""
    return (token_mark(secret) or mark(kind)) if secret.startswith("eyJ") else mark(kind)
