"""Whatever a user or AWS can cause, in one line that says what to do. Owns those words and how a verb ends."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

AS_WISHED: Final = 0
RUN_FAILED: Final = 1
USAGE: Final = 2
KEPT: Final = 3
DETACHED: Final = 4

_SIGN_IN: Final = "sign in again (aws sso login, or new access keys), then repeat the command"
_LATER: Final = "AWS asks for patience: repeat the command in a minute"
# AWS general reference, common errors; the services' own names for the same.
_TO_DO: Final = {
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "RequestExpired",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
            "AuthFailure",
        ),
        _SIGN_IN,
    ),
    **dict.fromkeys(
        (
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "ServerException",
        ),
        _LATER,
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        "the credentials in use may not do this: ask whoever administers the account for that action",
    ),
}
_PASSES: Final = frozenset(code for code, words in _TO_DO.items() if words is _LATER)


class Problem(Exception):
    """Why a verb cannot do what it was asked for."""

    def __init__(self, words: str, status: int = USAGE) -> None:
        super().__init__(words)
        self.status = status


def code_of(error: Exception) -> str:
    """The code of what AWS refused; empty for anything else."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def passes(error: Exception) -> bool:
    """Whether it is worth asking again: nothing about the question was wrong."""
    return isinstance(error, ConnectionError | HTTPClientError) or code_of(error) in _PASSES


def in_words(error: ClientError | BotoCoreError) -> str:
    """One line: what was asked, what AWS said, and what to do."""
    if isinstance(error, ClientError):
        said = " ".join(str(error.response["Error"].get("Message", "")).split())
        to_do = _TO_DO.get(code_of(error))
        return f"{error.operation_name}: {code_of(error)}: {said}" + (f"; {to_do}" if to_do else "")
    said = " ".join(str(error).split())
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return f"{said}; sign in (aws configure, or aws sso login), or set AWS_PROFILE"
    if isinstance(error, SSOError | TokenRetrievalError | UnauthorizedSSOTokenError):
        return f"{said}; {_SIGN_IN}"
    if isinstance(error, ProfileNotFound):
        return f"{said}; aws configure list-profiles shows those that there are"
    if isinstance(error, ConnectionError | HTTPClientError):
        return f"{said}; check the network and the region, then repeat the command"
    return said
