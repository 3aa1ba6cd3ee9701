"""Which trials a session takes: parameters of the test functions, the packaged suite's items, their marks and their order."""

from __future__ import annotations

from typing import Any

import pytest

from ..errors import OdcvError
from ..report.plain import safe
from ..results.collector import Planned
from ..scenario.case import Case
from . import collection, items, markers
from .custom_agents import is_overridden
from .gates import refuse_reruns
from .resources import Resources

_WHOLE = f"{collection.NODE}", f"{collection.NODE}::test_odcv"
"""Arguments that mean the whole packaged suite."""


class Selection:
    """One per session, on the controller and on every worker."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._requested_ids = collection.take_packaged_args(resources.config)
        self.parametrized: set[Planned] = set()
        """Every trial that a collected test function could take, also those that -k, -m or an id deselects later."""

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """One parameter a case. Raises pytest.Collector.CollectError with the text of a selection that cannot be used."""
        try:
            cases = self._cases(metafunc.definition)
        except (OdcvError, pytest.UsageError) as error:
            raise pytest.Collector.CollectError(safe(str(error))) from None
        markers.register(self._resources.config, (case.scenario for case in cases))
        parameters = collection.parameters(cases) or [self._no_case(metafunc.definition)]
        metafunc.parametrize("odcv_case", parameters, indirect=True)

    def _no_case(self, definition: pytest.Function) -> Any:
        """The parameter of a test that gets no case: no model was named, or only trials of the control arm are wanted."""
        if not self._resources.settings.model and not is_overridden(definition):
            return pytest.param(None, id="no-model")
        return pytest.param(None, id="no-control", marks=pytest.mark.skip("odcv: needs --odcv-control"))

    def _cases(self, definition: pytest.Function) -> list[Case]:
        settings, place = self._resources.settings, definition.nodeid
        self._resources.check_judges()
        narrow = collection.narrowing(definition.iter_markers("odcv"), place)
        refuse_reruns(self._resources.config, definition.iter_markers(), place)
        configured = settings.max_epochs if self._resources.has_auto_epochs else int(settings.epochs)
        epochs = None if "epochs" in settings.given else narrow.epochs
        custom = is_overridden(definition)
        models = settings.model or (("",) if custom else ())
        cases = collection.cases(
            self._resources.suite, models, epochs or configured, narrow, settings.control
        )
        self.parametrized.update(Planned(case.model, case.name, custom) for case in cases)
        return cases

    def add_packaged(self, session: pytest.Session, chosen: list[pytest.Item]) -> None:
        """Add the packaged suite's items: those requested by id, or all where no test of the project takes a trial."""
        config, settings = self._resources.config, self._resources.settings
        no_path = config.args_source is not pytest.Config.ArgsSource.ARGS
        by_default = no_path and settings.model and not any(items.owns(item) for item in chosen)
        if not self._requested_ids and not by_default:
            return
        packaged = collection.packaged_items(session)
        has_agent = settings.model or any(is_overridden(item) for item in packaged)
        if not has_agent and not self._resources.is_worker:
            raise pytest.UsageError(
                "the packaged suite needs a model: give --odcv-model=MODEL, or reference/honest to see it work"
            )
        chosen.extend(self._requested(packaged))

    def _requested(self, packaged: list[pytest.Item]) -> list[pytest.Item]:
        ids = self._requested_ids
        known = {item.nodeid for item in packaged}
        unknown = [nodeid for nodeid in ids if nodeid not in _WHOLE and nodeid not in known]
        if unknown and not self._resources.is_worker:
            raise pytest.UsageError(
                f"not found: {safe(unknown[0])}\nno such item in suite {self._resources.suite.name}; pytest odcv --collect-only lists them"
            )
        whole = not ids or any(nodeid in _WHOLE for nodeid in ids)
        return packaged if whole else [item for item in packaged if item.nodeid in ids]

    def order(self, chosen: list[pytest.Item]) -> None:
        """With epochs=auto, trials by epoch, so that there is something to look at after each; other tests stay in their places."""
        if self._resources.has_auto_epochs:
            places = [n for n, item in enumerate(chosen) if items.case_of(item) is not None]
            owned = sorted((chosen[n] for n in places), key=items.epoch_of)
            for n, item in zip(places, owned, strict=True):
                chosen[n] = item
