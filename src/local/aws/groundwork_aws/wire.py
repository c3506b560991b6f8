"""AWS's protocols, as far as a server must know them before and without moto: who calls what, and how an error looks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote
from uuid import uuid4
from xml.sax.saxutils import escape

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import SIGNING_ALIASES
from werkzeug.exceptions import NotFound

from groundwork_aws.journal import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT_KEY = re.compile(r"ACCOUNT(\d{12})")
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
FORM = "application/x-www-form-urlencoded"

# What each protocol answers to a call that comes too often, is not allowed, or carries bad credentials. The EC2 API has its
# own words ("Error codes for the Amazon EC2 API"); the others share AWS's "Common Errors".
THROTTLED = {
    "ec2": ("RequestLimitExceeded", 503),
    "json": ("ThrottlingException", 400),
    "rest-json": ("ThrottlingException", 429),
}
DENIED = {
    "ec2": ("UnauthorizedOperation", 403),
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
}
EXPIRED = {
    "ec2": ("RequestExpired", 400),
    "json": ("ExpiredTokenException", 400),
    "rest-json": ("ExpiredTokenException", 403),
}
INVALID = {
    "ec2": ("AuthFailure", 401),
    "json": ("UnrecognizedClientException", 400),
    "rest-json": ("UnrecognizedClientException", 403),
}


@dataclass
class Http:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    environ: dict[str, Any] = field(default_factory=dict)

    def header(self, name: str) -> str:
        """A header, or nothing."""
        return self.headers.get(name, "")

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The target's query."""
        return self.target.partition("?")[2]


@dataclass
class Answer:
    """A response as it goes out."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def identify(http: Http) -> Call:
    """Who calls which operation of which service."""
    query = parse_qs(http.query, keep_blank_values=True)
    signed = CREDENTIAL.search(http.header("Authorization"))
    if not signed and "X-Amz-Credential" in query:
        # A presigned URL, such as the one inside an EKS token, carries its signature in the query; moto looks at the header.
        authorization = f"AWS4-HMAC-SHA256 Credential={query['X-Amz-Credential'][0]}, SignedHeaders=host, Signature=0"
        http.environ["HTTP_AUTHORIZATION"] = authorization
        signed = CREDENTIAL.search(authorization)
    access_key, region, service = signed.groups() if signed else ("", "us-east-1", "")
    service = SIGNING_ALIASES.get(service.lower(), service.lower())

    form: dict[str, list[str]] = {}
    if http.header("Content-Type").startswith(FORM):
        form = parse_qs(http.body.decode("utf-8", "replace"), keep_blank_values=True)
    fields = form or query
    params: dict[str, Any]
    if target := http.header("X-Amz-Target"):
        protocol, operation, params = "json", target.rpartition(".")[2], _document(http.body)
        service = service or target.partition(".")[0].partition("_")[0].lower()
    elif "Action" in fields:
        protocol, operation = ("ec2" if service == "ec2" else "query"), fields["Action"][0]
        params = {name: values[0] for name, values in fields.items() if name not in ("Action", "Version")}
        service = service or ("sts" if operation.startswith("AssumeRoleWith") else "")
    else:
        protocol = "rest-xml" if service in ("s3", "route53", "cloudfront", "") else "rest-json"
        operation, uri = _route(service, http)
        params = {
            **{key: unquote(value) for key, value in uri.items() if isinstance(value, str)},
            **_document(http.body),
        }
        params.update({name: values[0] if len(values) == 1 else values for name, values in query.items()})
    account = account_of(access_key)
    return Call(service, operation, protocol, account, region, access_key, _caller(access_key, account, region), params)


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _route(service: str, http: Http) -> tuple[str, dict[str, Any]]:
    try:
        operation, uri = get_service_router(service).match(Request(http.environ))
    except (NotFound, NotImplementedError, KeyError, ValueError):
        return f"{http.method} {http.path}", {}
    except Exception as unknown:  # botocore's UnknownServiceError has no public base but Exception
        return f"{http.method} {http.path} ({type(unknown).__name__})", {}
    return operation.name, dict(uri)


def account_of(access_key: str) -> str:
    """The account of an access key: named by the key itself, or the one that moto made the key in.

    moto's own search makes a backend, with all managed policies, in every partition that there is.
    """
    if named := ACCOUNT_KEY.fullmatch(access_key):
        return named[1]
    for account, partitions in list(iam_backends.items()):
        if any(access_key in backend.access_keys for backend in list(partitions.values())):
            return account
    return DEFAULT_ACCOUNT_ID


def _caller(access_key: str, account: str, region: str) -> str:
    from groundwork_aws.sts import caller  # sts needs moto's backends, which take a second to load

    return caller(access_key, account, region)


def error(call: Call, code: str, message: str, status: int) -> Answer:
    """An error in the words and the shape of the call's protocol."""
    request_id = str(uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if call.protocol in ("json", "rest-json"):
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", code)]
        return Answer(status, headers, json.dumps({"__type": code, "message": message}).encode())
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    kind = "Receiver" if status >= 500 else "Sender"
    bodies = {
        "ec2": f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
        "rest-xml": f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>",
    }
    other = f"<ErrorResponse><Error><Type>{kind}</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + bodies.get(call.protocol, other)
    return Answer(status, [*headers, ("Content-Type", "text/xml")], body.encode())


def error_code(answer: Answer) -> str | None:
    """The code of an answer that is an error."""
    if answer.status < 400:
        return None
    for name, value in answer.headers:
        if name.lower() == "x-amzn-errortype":
            return value.rpartition("#")[2].partition(":")[0]
    text = answer.body[:4000].decode("utf-8", "replace")
    if found := re.search(r"<Code>([^<]+)</Code>", text) or re.search(r'"__type"\s*:\s*"(?:[^"]*#)?([^"]+)"', text):
        return found[1]
    return str(answer.status)


def throttled(call: Call) -> tuple[str, int]:
    """Code and status for a call that comes too often."""
    return THROTTLED.get(call.protocol, ("Throttling", 400))


def denied(call: Call) -> tuple[str, int]:
    """Code and status for a call that is not allowed."""
    return DENIED.get(call.protocol, ("AccessDenied", 403))


def bad_credentials(call: Call) -> Answer | None:
    """The refusal that the access keys `EXPIRED` and `INVALID` stand for, in any spelling that starts so."""
    if call.access_key.startswith("EXPIRED"):
        code, status = EXPIRED.get(call.protocol, ("ExpiredToken", 403))
        return error(call, code, "The security token included in the request is expired", status)
    if call.access_key.startswith("INVALID"):
        code, status = INVALID.get(call.protocol, ("InvalidClientTokenId", 403))
        return error(call, code, "The security token included in the request is invalid.", status)
    return None
