"""Requests to ASF with NASA Earthdata Login: log in once, then use the cookie.

The login service (URS) asks for the password by HTTP basic authentication and redirects to ASF with a code, for which
ASF sets its `asf-urs` cookie; ASF's burst extractor accepts nothing else. Redirects are followed here one by one,
because the password may go only to the login service's host.
"""

import http.cookiejar
import threading
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urljoin, urlsplit

import urllib3

from rtcflow.sources.access.credentials import EARTHDATA, Login, not_accepted
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_files.web import name_of, request

_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 12
_COOKIE = "asf-urs"
# ASF's, as registered with the login service.
_CLIENT_ID = "BO_n7nTIlMljdvU6kRRB3g"


class EarthdataSession:
    """Session that logs in when asked to; thread-safe.

    Parameters
    ----------
    login : Login
    login_url, asf_url : str
        Base addresses of the login service, and of ASF's side of a login.
    read_s : float, optional
        Read timeout, seconds.
    """

    def __init__(self, login: Login, login_url: str, asf_url: str, read_s: float | None = None) -> None:
        self._login = login
        self._login_host = _host(login_url)
        self._authorize = (
            f"{login_url}/oauth/authorize?response_type=code&client_id={_CLIENT_ID}"
            f"&redirect_uri={quote(f'{asf_url}/login', safe='')}"
        )
        self._cookies = http.cookiejar.CookieJar()
        self._read_s = read_s
        self._lock = threading.RLock()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        """The answer after all redirects, its body not yet read; any status except redirects, 401 and 403.

        Raises
        ------
        RefusedError
            When the login service does not accept the login, or requires a step in a browser first.
        TransientError
            When a host does not answer.
        """
        with self._lock:
            if not any(cookie.name == _COOKIE for cookie in self._cookies):
                self._log_in()
        return self._follow(url, headers or {})

    def _log_in(self) -> None:
        answer = self._follow(self._authorize, {})
        status = answer.status
        answer.close()
        if any(cookie.name == _COOKIE for cookie in self._cookies):
            return
        if status == 429 or status >= 500:
            raise TransientError(f"the login at ASF did not answer ({status}); try again later", "network")
        raise RefusedError(
            f"the login at ASF gave no cookie (status {status}); log in once in a browser at "
            "https://search.asf.alaska.edu and download any scene",
            reason="earthdata-agreement",
        )

    def _follow(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        at = url
        for _ in range(_MOST_REDIRECTS):
            answer = self._once(at, dict(headers))
            if answer.status not in _REDIRECTS:
                return self._checked(answer, at)
            answer.drain_conn()
            target = urljoin(at, answer.headers.get("Location", ""))
            if urlsplit(at).scheme == "https" and urlsplit(target).scheme != "https":
                raise RefusedError(
                    f"{_host(at)} redirects to an address without encryption", reason="redirect"
                )
            at = target
        raise TransientError(
            f"{_host(url)} and the login service redirect to each other; try again later",
            reason="redirects",
        )

    def _once(self, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        asked = urllib.request.Request(url)
        with self._lock:
            self._cookies.add_cookie_header(asked)
        headers |= dict(asked.unredirected_hdrs)
        if _host(url) == self._login_host:
            text = f"{self._login.user}:{self._login.password}"
            headers["Authorization"] = f"Basic {b64encode(text.encode()).decode()}"
        try:
            answer = request("GET", url, headers, follow=False, stream=True, read_s=self._read_s)
        except urllib3.exceptions.HTTPError as error:
            # URLs of redirects contain one-time codes, so messages name only hosts.
            raise TransientError(
                f"{_host(url)} could not be reached ({name_of(error)}); try again", reason="network"
            ) from None
        with self._lock:
            self._cookies.extract_cookies(_WithInfo(answer), asked)  # type: ignore[arg-type]
        return answer

    def _checked(self, answer: urllib3.BaseHTTPResponse, at: str) -> urllib3.BaseHTTPResponse:
        status = answer.status
        if _host(at) != self._login_host:
            if status in (401, 403):
                answer.close()
                raise RefusedError(
                    f"{_host(at)} refused access ({status}); check {EARTHDATA.variables} and that the account may "
                    f"fetch from ASF (log in once at https://search.asf.alaska.edu and download a scene); an account "
                    f"is free at {EARTHDATA.registration}",
                    reason="access-denied",
                )
            return answer
        answer.close()
        if status in (401, 403):
            raise not_accepted(EARTHDATA, self._login)
        if status == 429 or status >= 500:
            raise TransientError(
                f"the NASA Earthdata login service did not answer ({status}); try again later",
                reason="network",
            )
        raise RefusedError(
            "NASA Earthdata asks for an agreement first; log in once in a browser at "
            "https://search.asf.alaska.edu, download any scene, and accept the agreement",
            reason="earthdata-agreement",
        )


class _WithInfo:
    """The part of a response that a cookie jar needs."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._headers = answer.headers

    def info(self) -> "_WithInfo":
        return self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str]:
        return self._headers.getlist(name) or default or []


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower()
