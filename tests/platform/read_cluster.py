"""Reads a cluster's nodes with a kubeconfig, as any client does that follows the format's documentation: no Kubernetes library.

The first argument is the kubeconfig's file. It prints the names of the nodes as JSON.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml


def named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The entry of that name."""
    return next(entry for entry in entries if entry["name"] == name)


def main() -> None:
    """Follow the current context: cluster, user, the command that has a token."""
    config = yaml.safe_load(Path(sys.argv[1]).read_text())
    context = named(config["contexts"], config["current-context"])["context"]
    cluster = named(config["clusters"], context["cluster"])["cluster"]
    plugin = named(config["users"], context["user"])["user"]["exec"]
    env = os.environ | {entry["name"]: entry["value"] for entry in plugin.get("env") or []}
    credential = json.loads(subprocess.run([plugin["command"], *plugin["args"]], env=env, check=True, capture_output=True).stdout)
    assert credential["kind"] == "ExecCredential", credential["kind"]
    assert credential["apiVersion"] == plugin["apiVersion"], credential["apiVersion"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    request = urllib.request.Request(
        f"{cluster['server']}/api/v1/nodes", headers={"Authorization": f"Bearer {credential['status']['token']}"}
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context(cadata=authority)) as answer:
        nodes = json.load(answer)["items"]
    print(json.dumps(sorted(node["metadata"]["name"] for node in nodes)))


if __name__ == "__main__":
    main()
