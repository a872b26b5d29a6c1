"""CDSE's catalogue and download service with orbit files, in place of the real one."""

import json
from urllib.parse import urlsplit

from tests.support.archive_loopback import Answer, Asked, Loopback

ID = "0f2b1d7e-orbit"


class CdseOrbitFiles(Loopback):
    """Holds files by name, each with its text; downloads need the token that `archive_cdse.Identity` gives."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.conditions: list[str] = []
        super().__init__()

    def answer(self, asked: Asked) -> Answer:
        path = urlsplit(asked.path).path
        if path == "/odata/v1/Products":
            condition = asked.query["$filter"]
            self.conditions.append(condition)
            found = [
                {"Id": f"{ID}-{at}", "Name": name}
                for at, name in enumerate(self.files)
                if condition.startswith(f"startswith(Name,'{name[:19]}')")
            ]
            return Answer(200, json.dumps({"value": found, "@odata.count": len(found)}).encode())
        for at, text in enumerate(self.files.values()):
            if path == f"/odata/v1/Products({ID}-{at})/$value":
                if asked.headers.get("Authorization") != "Bearer cdse-jwt":
                    return Answer(401)
                return Answer(200, text.encode(), {"ETag": '"e"'}, ranged=True)
        return Answer(404)
