"""Who is behind a presigned request, such as the one inside an EKS token.

STS answers such a request only if it is what was signed ("Create a signed AWS API request"): whoever changes a header that
the signature covers, as the cluster's name in a token, is refused. moto looks at no signature.
"""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from groundwork_aws.sts import caller
from groundwork_aws.wire import account_of

# What the local cloud hands out; the secret of any other made-up key is its holder's own.
LOCAL = "local"


def identity(url: str, headers: dict[str, str]) -> dict[str, str]:
    """The caller of a presigned GET, sent with these headers beside `Host`; raises ValueError with STS's code."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    try:
        key, _, region, service, _ = query["X-Amz-Credential"].split("/")
        signed, given = query["X-Amz-SignedHeaders"].split(";"), query["X-Amz-Signature"]
        stamp = query["X-Amz-Date"]
    except (KeyError, ValueError):
        raise ValueError("IncompleteSignature: it is not presigned") from None
    if key.startswith("EXPIRED"):
        raise ValueError("ExpiredToken: the security token included in the request is expired")
    if key.startswith("INVALID"):
        raise ValueError("InvalidClientTokenId: the security token included in the request is invalid")
    account = account_of(key)
    secret = _secret(key, account, region)
    if secret is not None:
        sent = {name.lower(): value for name, value in headers.items()}
        missing = set(signed) - {"host", *sent}
        auth = SigV4QueryAuth(Credentials(key, secret), service, region)
        request = AWSRequest(
            "GET",
            "&".join(part for part in url.split("&") if not part.startswith("X-Amz-Signature=")),
            headers={name: value for name, value in sent.items() if name in signed},
        )
        request.context["timestamp"] = stamp
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        if missing or not hmac.compare_digest(expected, given):
            raise ValueError("SignatureDoesNotMatch: the request signature we calculated does not match the one you provided")
    return {"arn": caller(key, account, region), "account": account}


def _secret(key: str, account: str, region: str) -> str | None:
    """The secret of an access key, where it is known."""
    partition = get_partition(region)
    session: Any = sts_backends[account][partition].get_assumed_role_from_access_key(key)
    if session:
        return str(session.secret_access_key)
    if made := iam_backends[account][partition].access_keys.get(key):
        return str(made.secret_access_key)
    return LOCAL if key == LOCAL else None
