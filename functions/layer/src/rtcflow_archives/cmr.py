"""Granules of NASA's Common Metadata Repository (CMR), searched with asf_search: to the last page or not at all.

CMR may answer a page with fewer granules than there are, so what came is held against the number of hits that it
tells; a search that stays incomplete is an error, never a short list.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rtcflow_contract.errors import DefectError, TransientError

CMR_URL = "https://cmr.earthdata.nasa.gov"
_SEARCHES = 3
# How asf_search fails on granules that lack what it reads of them.
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Cmr(NamedTuple):
    """A repository: its address, and how to wait between tries (seconds)."""

    url: str = CMR_URL
    wait: Callable[[float], None] = time.sleep

    def granules(self, **options: Any) -> list[dict[str, Any]]:
        """Every granule that a search finds, as items of UMM-JSON (`meta` and `umm`).

        Parameters
        ----------
        **options
            Of `asf_search.search`; such as make one search of CMR, not several. Platform is not one of them:
            asf_search drops it together with the dataset that it is given with.

        Raises
        ------
        TransientError
            When CMR does not answer, or the pages stay incomplete.
        RefusedError
            When CMR refuses the parameters.
        DefectError
            When a granule is not as CMR's are.
        """
        found: dict[str, dict[str, Any]] = {}
        hits = 0
        for attempt in range(_SEARCHES):
            if attempt:
                self.wait(2.0**attempt)
            found, hits = self._search(options)
            if len(found) == hits:
                return list(found.values())
        raise TransientError(
            f"CMR gave {len(found)} of {hits} granules, {_SEARCHES} times over; try again later",
            reason="cmr-incomplete",
        )

    def _search(self, options: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], int]:
        # NumPy and Shapely come with it, which most functions and commands do without.
        import asf_search

        from rtcflow_archives.cmr_session import CmrSession

        # Of a page that is short, asf_search would tell ASF.
        asf_search.REPORT_ERRORS = False
        with CmrSession(self.url, self.wait) as session:
            pages = asf_search.search_generator(session=session, **options)
            try:
                granules = [granule for page in pages for granule in page]
            except _UNREADABLE as error:
                raise DefectError(
                    f"CMR lists a granule in a form that is not known ({error!r})", reason="cmr-form"
                ) from error
            return {g.meta["concept-id"]: {"meta": g.meta, "umm": g.umm} for g in granules}, session.hits
