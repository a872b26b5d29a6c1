"""Search granules of NASA's Common Metadata Repository (CMR) with asf_search: all pages, or an error.

CMR may return a page with too few granules, so the number received is compared with the hits that it reports. An
incomplete search is an error, never a short list.
"""

from typing import Any, NamedTuple

from rtcflow_contract.errors import DefectError, TransientError
from rtcflow_files.retry import Attempts, Retry

CMR_URL = "https://cmr.earthdata.nasa.gov"
_RETRY = Retry(first_s=2.0)
# Raised by asf_search when a granule lacks a field that it reads.
_UNREADABLE = (AttributeError, IndexError, KeyError, TypeError, ValueError)


class Cmr(NamedTuple):
    """CMR at an address, with a policy of retries."""

    url: str = CMR_URL
    retry: Retry = _RETRY

    def granules(self, attempts: Attempts | None = None, /, **options: Any) -> list[dict[str, Any]]:
        """All granules that match a search, as UMM-JSON items (`meta` and `umm`).

        Parameters
        ----------
        attempts : Attempts, optional
            Shared with other calls of the same piece of work.
        **options
            Of `asf_search.search`, as long as they make a single CMR search. Do not give a platform: asf_search then
            drops both platform and dataset.

        Raises
        ------
        TransientError
            When CMR does not answer, or pages are incomplete.
        RefusedError
            When CMR refuses the parameters.
        DefectError
            When a granule has an unknown form.
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
        # This imports NumPy and Shapely, which most functions and commands do not need.
        import asf_search

        from rtcflow_archives.cmr_session import CmrSession

        # asf_search reports short pages to ASF; we retry them ourselves.
        asf_search.REPORT_ERRORS = False
        with CmrSession(self.url, attempts) as session:
            pages = asf_search.search_generator(session=session, **options)
            try:
                granules = [granule for page in pages for granule in page]
            except _UNREADABLE as error:
                raise DefectError(
                    f"CMR lists a granule in an unknown form ({error!r})", reason="cmr-form"
                ) from error
            return {g.meta["concept-id"]: {"meta": g.meta, "umm": g.umm} for g in granules}, session.hits
