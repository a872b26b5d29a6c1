"""Errors that the emulator catches."""


class DockerException(Exception):  # noqa: N818 - the SDK's name
    """Base of all."""


class APIError(DockerException):
    """The engine refused."""


class NotFound(APIError):  # noqa: N818 - the SDK's name
    """No such object."""


class ImageNotFound(NotFound):
    """No such image."""


class ContainerError(DockerException):
    """The container failed."""
