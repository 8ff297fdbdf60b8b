"""Refusals in Stripe's envelope."""

from __future__ import annotations

from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"


class ApiError(Exception):
    """An answer other than 200.

    ``executed`` says that the request was understood and acted upon before it failed: only then does its
    idempotency key remember the failure.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.executed = executed
        self._facts = {"code": code, "message": message, "param": param, "type": kind}

    @property
    def should_retry(self) -> bool:
        """What the ``Stripe-Should-Retry`` header tells the client."""
        return self.status == 409 or self.status >= 500

    def envelope(self, request_id: str) -> dict[str, Any]:
        """The body of the answer; absent facts are left out, as Stripe does."""
        error: dict[str, Any] = {name: fact for name, fact in self._facts.items() if fact is not None}
        if code := error.get("code"):
            error["doc_url"] = DOCS + code.replace("_", "-")
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def missing_object(what: str, object_id: str, *, status: int = 404, param: str = "id") -> ApiError:
    """There is no such thing. A path answers 404, a parameter that names a thing 400."""
    return ApiError(f"No such {what}: '{object_id}'", status=status, code="resource_missing", param=param)


def unknown_url(method: str, path: str) -> ApiError:
    """The sandbox, or Stripe, has nothing there."""
    return ApiError(
        f"Unrecognized request URL ({method}: {path}). The sandbox imitates a part of Stripe; see docs/sandbox.md.",
        status=404,
    )


def missing_param(name: str) -> ApiError:
    """A parameter that must be there is not."""
    return ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def unknown_param(name: str) -> ApiError:
    """A parameter that Stripe, or the sandbox, does not know."""
    return ApiError(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def wrong_key(hint: str) -> ApiError:
    """Neither ``sk_test_…`` nor ``rk_test_…``."""
    return ApiError(f"Invalid API Key provided: {hint}", status=401)
