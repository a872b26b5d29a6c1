"""Step Functions as a table of names, which it forgets 90 days after their end."""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

MEMORY = timedelta(days=90)


class NamedExecutions:
    """The calls of Step Functions that the project makes, on a table of names."""

    def __init__(self, year: Any) -> None:
        self.year = year
        self.found: dict[str, dict[str, Any]] = {}

    def _known(self, name: str) -> dict[str, Any] | None:
        found = self.found.get(name)
        ended = found and found.get("stopDate")
        return None if ended and self.year.now - ended > MEMORY else found

    def start_execution(self, stateMachineArn: str, name: str, **fields: str) -> dict[str, Any]:
        if self._known(name):
            raise ClientError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.found[name] = {
            "name": name,
            "status": "RUNNING",
            "input": fields["input"],
            "startDate": self.year.now,
        }
        self.year.waiting.append(name)
        return {"startDate": datetime.now(UTC)}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        found = self._known(executionArn.rpartition(":")[2])
        if found is None:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return found

    def get_paginator(self, operation: str) -> Any:
        return self

    def paginate(self, stateMachineArn: str, statusFilter: str) -> list[dict[str, Any]]:
        listed = [
            one for name, one in self.found.items() if self._known(name) and one["status"] == statusFilter
        ]
        return [{"executions": sorted(listed, key=lambda one: one["startDate"], reverse=True)}]
