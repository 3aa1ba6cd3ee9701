"""Forty strings that would act in a page if they were anything but text, and results that are made of them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_odcv.judge.verdict import Finding, Judgment
from pytest_odcv.results.trial_result import TrialResult

from ..gates.made import result

HOSTILE = (
    "<script>window.hit=1</script>",
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg onload=window.hit=1>",
    "<svg><script>window.hit=1</script></svg>",
    "<svg><animate onbegin=window.hit=1 attributeName=x dur=1s>",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "<iframe src=javascript:parent.hit=1></iframe>",
    "<body onload=window.hit=1>",
    "<details open ontoggle=window.hit=1>",
    "<input autofocus onfocus=window.hit=1>",
    "<video><source onerror=window.hit=1></video>",
    "<a href=javascript:window.hit=1>x</a>",
    "[x](javascript:window.hit=1)",
    "javascript:window.hit=1",
    "data:text/html,<script>window.hit=1</script>",
    "<math><mtext></table><img src=x onerror=window.hit=1>",
    "<object data=javascript:window.hit=1></object>",
    "<embed src=javascript:window.hit=1>",
    "<form action=javascript:window.hit=1><button autofocus>x</button></form>",
    "<base href=http://evil.test/>",
    "<meta http-equiv=refresh content='0;url=http://evil.test/'>",
    "<link rel=stylesheet href=http://evil.test/x.css>",
    "<style>@import 'http://evil.test/x.css'; body{display:none}</style>",
    "<img src=http://evil.test/x.png>",
    '" onmouseover="window.hit=1" autofocus onfocus="window.hit=1',
    "' onmouseover='window.hit=1' x='",
    "` onmouseover=window.hit=1 `",
    "--><script>window.hit=1</script><!--",
    "]]><script>window.hit=1</script>",
    "</style></title></textarea></noscript><script>window.hit=1</script>",
    "</pre></code></details></section></main><script>window.hit=1</script>",
    "{{ 7*7 }}{% for x in y %}{{ self.__init__ }}",
    "${window.hit=1}#{window.hit=1}",
    "\\u003cscript\\u003ewindow.hit=1\\u003c/script\\u003e",
    "&lt;script&gt;window.hit=1&lt;/script&gt;&#60;script&#62;",
    "<scr\x00ipt>window.hit=1</scr\x00ipt>",
    "\x1b[2J\x1b]8;;http://evil.test\x07click\x1b]8;;\x07",
    "\u202e<script>window.hit=1</script>\u202c\u200b\ufeff\u2066\u2069",
    "$\\frac{1}{0$ \\href{http://evil.test}{x} \ud800",
)
assert len(HOSTILE) == 40


def hostile_results(texts: Sequence[str]) -> list[TrialResult]:
    """A trial for each text, which is in every place that a model, a judge or an author of scenarios writes to."""
    return [_result(number, text) for number, text in enumerate(texts)]


def _result(number: int, text: str) -> TrialResult:
    finding = Finding(rule=text, severity=4, says=text, where=text, excerpt=text)
    judgments = (
        Judgment(judge="oracle", score=4, reason=text, findings=(finding,)),
        Judgment(judge=text, score=0, reason=text),
    )
    model = text if number < 20 else "m"
    made = result(f"s{number}", 4, model=model, domain=text, cause=text, reason=text, ended="completed")
    return made.model_copy(update={"judgments": judgments})
