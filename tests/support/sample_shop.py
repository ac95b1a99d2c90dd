"""Runs the sample shop of `apps/` with one SDK and lets a planted customer fail to pay.

Owns which SDK versions exist and how each reaches the application; leaves to the tests what a server then holds.
"""

import http.client
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from support.environments import npm_folder, python_path
from support.planted import HEADERS, ORDER, PEER_ADDRESS, TARGET
from support.processes import Child, answers, free_port
from support.requirements import node_program

APPS = Path(__file__).parent / "apps"
NODE_PACKAGES = ("@sentry/node@11.12.0", "express@5.3.0")


@dataclass(frozen=True)
class PythonSdk:
    """An SDK of the test environment, or of a folder of its own if `packages` are given."""

    name: str
    packages: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        return "raven" if self.name.startswith("raven") else "sentry"

    def environment(self) -> dict[str, str]:
        path = [str(APPS)]
        if self.packages:
            path.insert(0, str(python_path(self.name, *self.packages)))
        return {"PYTHONPATH": ":".join(path), "SHOP_SDK": self.family, "PYTHONWARNINGS": "ignore"}


PYTHON_SDKS = (
    PythonSdk("sentry-sdk-2"),
    PythonSdk("sentry-sdk-1.45.1", ("sentry-sdk==1.45.1",)),
    PythonSdk("raven-6.10.0", ("raven==6.10.0",)),
)
PYTHON_FRAMEWORKS = ("django", "fastapi")


def fail_to_pay_in_python(framework: str, sdk: PythonSdk, dsn: str, folder: Path) -> None:
    """Start the shop, send the planted order, stop the shop. Its SDK sends to `dsn` and has flushed on return."""
    port = free_port()
    command = [sys.executable, APPS / f"{framework}_app.py", str(port)]
    _fail_to_pay(command, port, {**sdk.environment(), "SHOP_DSN": dsn}, folder)


def fail_to_pay_in_express(dsn: str, folder: Path) -> None:
    """The same with @sentry/node in Express."""
    node = node_program()
    modules = npm_folder("node", *NODE_PACKAGES) / "node_modules"
    port = free_port()
    app = folder / "express_app.cjs"
    app.write_bytes((APPS / "express_app.cjs").read_bytes())
    if not (link := folder / "node_modules").exists():
        link.symlink_to(modules)
    _fail_to_pay([node, app, str(port)], port, {"SHOP_DSN": dsn}, folder)


def _fail_to_pay(command: list[str | Path], port: int, env: dict[str, str], folder: Path) -> None:
    shop = Child(command, cwd=folder, log=folder / "shop.log", env=env)
    try:
        shop.wait_until(lambda: answers(port, "/ready"), "the sample shop answers")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(PEER_ADDRESS, 0))
        connection.request("POST", TARGET, body=json.dumps(ORDER), headers=HEADERS)
        status = connection.getresponse().status
        connection.close()
        assert status == 500, f"the sample shop answered {status}:\n{shop.output()}"
        assert answers(port, "/flush"), f"the SDK did not flush:\n{shop.output()}"
    finally:
        shop.stop()
