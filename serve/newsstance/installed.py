"""What is installed beside newsstance."""

from importlib.metadata import PackageNotFoundError, version


def installed_version(package: str) -> str | None:
    """Give the version of ``package``, or ``None`` where it isn't installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
