"""One delivery: a POST that ends at its deadline, follows nothing, and reads no more than it must.

httpx's own timeouts count from byte to byte, so a receiver that answers one byte a second could
hold the notifier for ever; the whole exchange therefore runs under one asyncio deadline.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

import httpx

from twinlens.notify.addresses import AddressRefusedError, NameUnknownError, checked_addresses

MOST_ANSWER_BYTES = 64 * 1024

_WORTH_RETRYING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class Outcome(Enum):
    """What became of a delivery: RETRY may get better by itself, REFUSED does not."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, the reason in words, and the seconds that the receiver asked to wait."""

    outcome: Outcome
    reason: str
    retry_after_seconds: float | None = None


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float,
    allow_private: bool,
) -> Answer:
    """Send one body; lookup, connection and answer share `timeout_seconds`. Never raises.

    TLS is verified against the system's certificates and the host's own name. Proxies of the
    environment are not used, because the address could not be checked through them.
    """
    started = time.monotonic()
    try:
        addresses = checked_addresses(
            url, allow_private=allow_private, timeout_seconds=timeout_seconds
        )
        left = timeout_seconds - (time.monotonic() - started)
        return asyncio.run(_first_answer(url, addresses, body, headers, left))
    except AddressRefusedError as error:
        return Answer(Outcome.REFUSED, str(error))
    except NameUnknownError as error:
        return Answer(Outcome.RETRY, str(error))
    except TimeoutError:
        return Answer(Outcome.RETRY, f"no answer within {timeout_seconds:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        return Answer(Outcome.RETRY, f"{type(error).__name__}: {error}")


async def _first_answer(
    url: str, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], seconds: float
) -> Answer:
    """Try the addresses one after the other, until one of them can be connected to."""
    ends_at = time.monotonic() + seconds
    for address in addresses[:-1]:
        try:
            return await _exchange(url, address, body, headers, ends_at - time.monotonic())
        except httpx.ConnectError:
            continue
    return await _exchange(url, addresses[-1], body, headers, ends_at - time.monotonic())


async def _exchange(
    url: str, address: str, body: bytes, headers: Mapping[str, str], seconds: float
) -> Answer:
    """One exchange with one address; raises `TimeoutError` and httpx's errors."""
    parts = urlsplit(url)
    answer: Answer | None = None
    try:
        async with asyncio.timeout(seconds), _client(parts.scheme) as client:
            request = client.build_request(
                "POST",
                urlunsplit(parts._replace(netloc=_netloc(address, parts.port), fragment="")),
                content=body,
                headers={
                    **headers,
                    "Host": parts.netloc.rpartition("@")[2],
                    "Content-Type": "application/json",
                    "User-Agent": "twinlens",
                },
                # The connection goes to the checked address, the certificate must be the name's.
                extensions={"sni_hostname": parts.hostname},
            )
            response = await client.send(request, stream=True)
            try:
                answer = judge_answer(response.status_code, response.headers)
                await _read_a_little(response)
            finally:
                await response.aclose()
    except (TimeoutError, httpx.HTTPError):
        # The status said it all; how the rest of the answer ended changes nothing.
        if answer is None:
            raise
    return answer


def _client(scheme: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=ssl.create_default_context() if scheme == "https" else False,
        follow_redirects=False,
        trust_env=False,
        timeout=None,  # the one deadline around it all counts
    )


def judge_answer(status: int, headers: Mapping[str, str]) -> Answer:
    """What a status means for the message: 2xx is taken, 5xx, 408, 425 and 429 may get better."""
    if 200 <= status < 300:
        return Answer(Outcome.DELIVERED, f"HTTP {status}")
    if 300 <= status < 400:
        return Answer(Outcome.REFUSED, f"HTTP {status}: redirects are not followed")
    if status in _WORTH_RETRYING or status >= 500:
        return Answer(Outcome.RETRY, f"HTTP {status}", retry_after(headers.get("Retry-After")))
    return Answer(Outcome.REFUSED, f"HTTP {status}")


def retry_after(text: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or a date; None for nonsense."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


async def _read_a_little(response: httpx.Response) -> None:
    """Let a short answer end in peace; of a long one no more than the cap is taken."""
    taken = 0
    async for chunk in response.aiter_raw():
        taken += len(chunk)
        if taken > MOST_ANSWER_BYTES:
            return


def _netloc(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port is None else f"{host}:{port}"
