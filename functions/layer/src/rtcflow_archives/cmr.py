"""Granules of NASA's Common Metadata Repository (CMR), searched with asf_search: to the last page or not at all.

CMR may answer a page with fewer granules than there are, so the granules received are compared with the number of hits
that it reports; a search that stays incomplete is an error, never a short list.
"""

from typing import Any, NamedTuple

from rtcflow_contract.errors import DefectError, TransientError
from rtcflow_files.retry import Attempts, Retry

CMR_URL = "https://cmr.earthdata.nasa.gov"
_RETRY = Retry(first_s=2.0)
# How asf_search fails on granules that lack what it reads of them.
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Cmr(NamedTuple):
    """A repository: its address, and when a request is tried again."""

    url: str = CMR_URL
    retry: Retry = _RETRY

    def granules(self, attempts: Attempts | None = None, /, **options: Any) -> list[dict[str, Any]]:
        """Every granule that a search finds, as items of UMM-JSON (`meta` and `umm`).

        Parameters
        ----------
        attempts : Attempts, optional
            Of a larger piece of work that this search is a part of.
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
        attempts = attempts or Attempts(self.retry)
        while True:
            found, hits = self._search(options, attempts)
            if len(found) == hits:
                return list(found.values())
            attempts.again(
                TransientError(
                    f"CMR gave {len(found)} of {hits} granules; try again later", reason="cmr-incomplete"
                )
            )

    def _search(self, options: dict[str, Any], attempts: Attempts) -> tuple[dict[str, dict[str, Any]], int]:
        # NumPy and Shapely come with it, which most functions and commands do without.
        import asf_search

        from rtcflow_archives.cmr_session import CmrSession

        # asf_search reports short pages to ASF; they are retried here.
        asf_search.REPORT_ERRORS = False
        with CmrSession(self.url, attempts) as session:
            pages = asf_search.search_generator(session=session, **options)
            try:
                granules = [granule for page in pages for granule in page]
            except _UNREADABLE as error:
                raise DefectError(
                    f"CMR lists a granule in a form that is not known ({error!r})", reason="cmr-form"
                ) from error
            return {g.meta["concept-id"]: {"meta": g.meta, "umm": g.umm} for g in granules}, session.hits
