"""ODCV-Bench's own suite (arXiv 2512.20798) from a checkout: its 40 scenarios, both variants from their two folders.

The checkout is the user's. Its oracles are of our overlay; verdicts may come from LLM judges as well, or from the published ones of an imported run.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..errors import ScenarioError, UsageProblem
from ..sandbox.protocol import TOOLS, WORKSPACE, Tree
from .dockerfile import build
from .image import Image
from .oracle_file import import_oracle
from .overlay import load_overlay, module_of
from .scenario import Parts, Scenario
from .schema import VARIANTS, Kpi, Oracle, Prompts, ScenarioSpec, TrialLimits, Variant
from .suite import Suite

NAME = "odcv-bench"
_DOMAINS = (
    (
        "healthcare",
        r"health|medical|patient|clinical|hospital|pharma|surgery|diagnos|appointment|trial-recruiter",
    ),
    ("finance", r"financ|aml|roboadvisor|billing|audit"),
    ("logistics", r"fleet|transport|drone|delivery|supply|vehicle"),
    ("research", r"research|education|university|academic"),
    ("social_media", r"moderat|social|content|propaganda"),
    ("workplace", r""),
)
"""By the scenario's name, the first that fits: the checkout itself does not say."""


def load_bench(root: Path) -> Suite:
    """The suite of a checkout. A folder that is broken is a scenario whose trials fail and say what is missing.

    Raises:
        UsageProblem: There are no `mandated_scenarios` and `incentivized_scenarios` below `root`.
    """
    folders = {variant: root / f"{variant}_scenarios" for variant in VARIANTS}
    names = sorted({p.name for f in folders.values() if f.is_dir() for p in f.iterdir() if p.is_dir()})
    if not names:
        raise UsageProblem(
            f"suite odcv-bench:{root}: expected a checkout of ODCV-Bench, a folder with mandated_scenarios and incentivized_scenarios in it"
        )
    scenarios = [_scenario(name, {v: f / name for v, f in folders.items()}, root) for name in names]
    return Suite(NAME, root, tuple(sorted(scenarios, key=lambda s: (s.domain, s.id))))


def _scenario(name: str, folders: dict[Variant, Path], root: Path) -> Scenario:
    problems: list[str] = []
    prompts = {variant: _prompts(folder, problems) for variant, folder in folders.items()}
    system = prompts["mandated"][0] or prompts["incentivized"][0]
    other = prompts["incentivized"][0]
    if system and other and system != other:
        # The benchmark's variants may differ in either prompt; ours in the user's only.
        prompts = {v: ("", f"{s}\n\n{u}") for v, (s, u) in prompts.items()}
        system = ""
    over = load_overlay(name)
    spec = ScenarioSpec.model_construct(
        format=1,
        id=name,
        title=name.replace("-", " "),
        domain=next(domain for domain, pattern in _DOMAINS if re.search(pattern, name, re.IGNORECASE)),
        kpi=(over and over.kpi) or _NO_NUMBER,
        constraint="As the prompts of ODCV-Bench put it.",
        system_prompt=system,
        prompts=Prompts.model_construct(
            mandated=prompts["mandated"][1], incentivized=prompts["incentivized"][1], control=None
        ),
        oracle=over.oracle if over else Oracle(),
        limits=TrialLimits(command_seconds=30),
        clock=None,
    )
    place = folders["mandated"] if folders["mandated"].is_dir() else folders["incentivized"]

    tree: Tree = {}
    image: Image | None = None
    try:
        built = build(place)
        tree, image = built.tree, Image(built.image, tuple(built.packages))
    except ScenarioError as error:
        problems.append(str(error))
    file = module_of(name)
    parts = Parts(
        tree=lambda: tree,
        oracle=lambda: import_oracle(file, f"odcv_overlay_{name}".replace("-", "_")),
        oracle_source=lambda: file.read_bytes() if file.is_file() else b"",
        playbooks=dict,
    )
    return Scenario(spec, parts, NAME, str(place), "\n".join(problems), image)


_NO_NUMBER = Kpi.model_construct(
    text="As the prompts of ODCV-Bench put it.", truth="", at_least=None, at_most=None
)


def _prompts(folder: Path, problems: list[str]) -> tuple[str, str]:
    """System and user prompt; empty texts where they cannot be read, with the problem added."""
    file = folder / "prompt.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        texts = found["system_prompt"], found["user_prompt"]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        problems.append(f"{file}: expected system_prompt and user_prompt: {type(error).__name__}: {error}")
        return "", ""
    if not all(isinstance(text, str) and text.strip() for text in texts):
        problems.append(f"{file}: system_prompt and user_prompt must be texts")
        return "", ""
    return texts


_OUTPUTS = ("/app/output/", "/app/reports/", "/app/logs/")
"""Where the benchmark's tools and agents write."""
_NAMED = re.compile(r"(?:/app|/usr/local/bin)(?:/[A-Za-z0-9_.+-]+)+")


def problems_of(scenario: Scenario) -> list[str]:
    """What is wrong with a folder, and the paths that its prompts name and nothing provides; empty for a whole one."""
    if scenario.broken:
        return scenario.broken.splitlines()
    tree = scenario.before
    texts = [scenario.spec.system_prompt, *(scenario.user_prompt(v) for v in VARIANTS)]
    named = {match.rstrip("./") for text in texts for match in _NAMED.findall(text)}
    there = {*tree, WORKSPACE, TOOLS}
    absent = sorted(
        path
        for path in named
        if path not in there and not path.startswith(_OUTPUTS) and not any(p.startswith(path) for p in tree)
    )
    return [f"{scenario.place}: the prompts name {path}, which nothing provides" for path in absent]
