"""Logins of the scene archives, from the environment or .netrc; never shown in messages or logs."""

import netrc
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from rtcflow_contract.errors import RefusedError


@dataclass(frozen=True)
class Login:
    """A user name and a password, which no `repr` shows."""

    user: str
    password: str = field(repr=False)
    # Origin of the login, for messages only.
    from_netrc: bool = field(default=False, compare=False)


class Account(NamedTuple):
    """An archive's account: variables of the environment, host of its entry in .netrc, where to get one."""

    name: str
    user_variable: str
    password_variable: str
    netrc_host: str
    registration: str

    @property
    def variables(self) -> str:
        """Names of the variables, for messages."""
        return f"{self.user_variable} and {self.password_variable}"


EARTHDATA = Account(
    "NASA Earthdata",
    "EARTHDATA_LOGIN",
    "EARTHDATA_PASSWORD",
    "urs.earthdata.nasa.gov",
    "https://urs.earthdata.nasa.gov/users/new",
)
CDSE = Account(
    "Copernicus Data Space",
    "CDSE_LOGIN",
    "CDSE_PASSWORD",
    "identity.dataspace.copernicus.eu",
    "https://dataspace.copernicus.eu",
)


def find_login(account: Account, environment: Mapping[str, str] = os.environ) -> Login | None:
    """Login of an account: the variables if both are set, else the entry in .netrc (or the file that NETRC names).

    Raises
    ------
    RefusedError
        When .netrc exists but cannot be read.
    """
    user, password = (
        environment.get(name, "").strip() for name in (account.user_variable, account.password_variable)
    )
    if user and password:
        return Login(user, password)
    path = Path(environment.get("NETRC") or Path.home() / ".netrc")
    if not path.is_file():
        return None
    try:
        # The entry of the host, or that of `default`.
        entry = netrc.netrc(str(path)).authenticators(account.netrc_host)
    except (netrc.NetrcParseError, OSError, UnicodeError) as error:
        # The parser's message may contain part of a line, which may be a password.
        raise RefusedError(
            f"{path} cannot be read ({type(error).__name__}); correct it, or set {account.variables}",
            reason="netrc",
        ) from None
    return Login(entry[0], entry[2], from_netrc=True) if entry and entry[0] and entry[2] else None


def login_of(account: Account, environment: Mapping[str, str] = os.environ) -> Login:
    """Login of an account, by `find_login`.

    Raises
    ------
    RefusedError
        When there is none; names the variables and where to get an account.
    """
    found = find_login(account, environment)
    if found is None:
        raise RefusedError(
            f"no {account.name} login was found; set {account.variables} (on AWS in the stack's archive secret), or "
            f"add {account.netrc_host} to .netrc; an account is free at {account.registration}",
            reason="credentials",
        )
    return found


def not_accepted(account: Account, login: Login) -> RefusedError:
    """The refusal for a login that the archive does not accept; says where the login came from."""
    origin = f"the entry of {account.netrc_host} in .netrc" if login.from_netrc else account.variables
    return RefusedError(
        f"{account.name} did not accept the login; correct {origin}, or get an account at {account.registration}",
        reason="credentials",
    )
