"""Keys for CDSE's S3: from the environment, else temporary keys that are created by login and deleted after use.

Token: OpenID Connect password grant at `/auth/realms/CDSE`; keys: `/api/user/credentials` of the S3 keys manager.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3

from rtcflow.sources.access.credentials import CDSE, find_login, login_of, not_accepted
from rtcflow_archives.hosts import ArchiveHosts
from rtcflow_contract.errors import DefectError, RefusedError, TransientError
from rtcflow_files.retry import Retry
from rtcflow_files.web import is_passing, name_of, request, retry_after_of

ACCESS_KEY, SECRET_KEY = "CDSE_S3_ACCESS_KEY", "CDSE_S3_SECRET_KEY"
# Until new keys work everywhere.
_SETTLE_S = 5.0

_log = logging.getLogger("rtcflow-burst.cdse")


@dataclass(frozen=True)
class S3Keys:
    """An access key and its secret, which no `repr` shows."""

    access: str
    secret: str = field(repr=False)


def has_credentials(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there are any credentials for CDSE's S3."""
    return _given(environment) is not None or find_login(CDSE, environment) is not None


@contextmanager
def s3_keys(
    hosts: ArchiveHosts, retry: Retry, environment: Mapping[str, str] = os.environ
) -> Iterator[S3Keys]:
    """Keys that are valid within the block.

    Raises
    ------
    RefusedError
        When there are no credentials, or CDSE does not accept them: names the variables.
    TransientError
        When CDSE does not answer, or the account has the maximum number of keys.
    """
    given = _given(environment)
    if given is not None:
        yield given
        return
    bearer = bearer_header(hosts, retry, environment)
    service = f"{hosts.cdse_keys_url}/api/user/credentials"
    answer = _post(service, retry, headers=bearer)
    if answer.status in (400, 403, 409) and b"credentials" in answer.data:
        raise TransientError(
            "the CDSE account has the maximum number of S3 keys; delete some at "
            f"https://eodata-s3keysmanager.dataspace.copernicus.eu, or set {ACCESS_KEY} and {SECRET_KEY}",
            reason="cdse-keys",
        )
    if answer.status in (401, 403):
        raise not_accepted(CDSE, login_of(CDSE, environment))
    keys = S3Keys(_field(answer, "access_id"), _field(answer, "secret"))
    retry.sleep(_SETTLE_S)
    try:
        yield keys
    finally:
        _give_back(f"{service}/access_id/{keys.access}", bearer)


def bearer_header(
    hosts: ArchiveHosts, retry: Retry, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Authorization header for CDSE's services, valid for ten minutes.

    Raises
    ------
    RefusedError
        When there is no login, or CDSE does not accept it; names the variables.
    TransientError
        When CDSE does not answer.
    """
    login = login_of(CDSE, environment)
    form = {
        "client_id": "cdse-public",
        "grant_type": "password",
        "username": login.user,
        "password": login.password,
    }
    answer = _post(
        f"{hosts.cdse_identity_url}/auth/realms/CDSE/protocol/openid-connect/token", retry, form=form
    )
    if answer.status in (400, 401, 403):
        raise not_accepted(CDSE, login)
    return {"Authorization": f"Bearer {_field(answer, 'access_token')}"}


def refused_keys() -> RefusedError:
    """The refusal for keys that CDSE's S3 does not accept."""
    return RefusedError(
        f"CDSE's S3 did not accept the keys; correct {ACCESS_KEY} and {SECRET_KEY}, made at "
        f"https://eodata-s3keysmanager.dataspace.copernicus.eu, or set {CDSE.variables} alone",
        reason="credentials",
    )


def _given(environment: Mapping[str, str]) -> S3Keys | None:
    access, secret = (environment.get(name, "").strip() for name in (ACCESS_KEY, SECRET_KEY))
    return S3Keys(access, secret) if access and secret else None


def _post(
    url: str,
    retry: Retry,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> urllib3.BaseHTTPResponse:
    def post_once() -> urllib3.BaseHTTPResponse:
        try:
            answer = request(
                "POST",
                url,
                {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})},
                urlencode(form or {}),
            )
        except urllib3.exceptions.HTTPError as error:
            raise _no_answer(name_of(error)) from error
        if is_passing(answer.status):
            raise _no_answer(f"status {answer.status}", retry_after_of(answer))
        return answer

    return retry.call(post_once)


def _no_answer(why: str, retry_after_s: float | None = None) -> TransientError:
    return TransientError(f"CDSE's login did not answer ({why}); try again later", "network", retry_after_s)


def _field(answer: urllib3.BaseHTTPResponse, name: str) -> str:
    try:
        values: Any = json.loads(answer.data)
        return str(values[name])
    except (ValueError, KeyError, TypeError):
        # The answer itself may contain a secret.
        raise DefectError(
            f"CDSE's login answered without {name} (status {answer.status})", reason="cdse-login"
        ) from None


def _give_back(url: str, headers: Mapping[str, str]) -> None:
    try:
        answer = request("DELETE", url, headers)
        status = str(answer.status)
    except urllib3.exceptions.HTTPError as error:
        status = name_of(error)
    if not status.startswith("2"):
        _log.warning("temporary S3 keys of CDSE were not deleted (%s); they expire by themselves", status)
