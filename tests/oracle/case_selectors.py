"""Selectors of the corpus, made at random of what selectors and paths are made of."""

from __future__ import annotations

import random

SELECTOR_ATOMS = (
    "$string",
    "$object",
    "$array",
    "$number",
    "$http",
    "$request",
    "$user",
    "$error",
    "$frame",
    "$stack",
    "$breadcrumb",
    "$logentry",
    "$message",
    "$span",
    "$sdk",
    "$thread",
    "extra",
    "user",
    "request",
    "headers",
    "cookies",
    "data",
    "vars",
    "values",
    "exception",
    "stacktrace",
    "frames",
    "tags",
    "email",
    "ip_address",
    "note",
    "password",
    "contexts",
    "os",
    "shop",
    "build",
    "trace",
    "breadcrumbs",
    "message",
    "logentry",
    "formatted",
    "params",
    "spans",
    "description",
    "url",
    "0",
    "1",
    "'with space'",
    "'it''s'",
    "'a.b'",
    "'0'",
    "NOTE",
    "filename",
    "abs_path",
    "debug_meta",
    "images",
    "code_file",
    "sessionid",
    "Authorization",
    "username",
    "geo",
    "city",
    "culprit",
    "server_name",
    "unknown_top",
    "fingerprint",
)
SELECTOR_PATHS = (
    "extra.**",
    "**",
    "$string",
    "user.*",
    "request.headers.*",
    "request.data.**",
    "exception.values.*.value",
    "exception.**",
    "$frame.vars.**",
    "$frame.filename",
    "$error.value",
    "$user.email",
    "$http.url",
    "tags.*",
    "contexts.**",
    "contexts.os.*",
    "contexts.*.build",
    "spans.*.description",
    "$span.data.*",
    "$span.sentry_tags.*",
    "breadcrumbs.values.*.data.**",
    "$breadcrumb.message",
    "$logentry.formatted",
    "logentry.params.**",
    "debug_meta.images.*.code_file",
    "request.cookies.sessionid",
    "$object.password",
    "*.note",
    "**.note",
    "extra.**.note",
    "$request.data",
    "$user",
    "$http",
    "extra",
    "server_name",
    "culprit",
    "csp.**",
    "threads.**",
    "$thread.name",
    "unknown_top",
    "unknown_top.**",
)


def selector_path(r: random.Random) -> str:
    if r.random() < 0.6:
        return r.choice(SELECTOR_PATHS)
    n = r.randint(1, 4)
    items, deep = [], False
    for _ in range(n):
        x = r.random()
        if x < 0.15:
            items.append("*")
        elif x < 0.28 and not deep:
            items.append("**")
            deep = True
        else:
            items.append(r.choice(SELECTOR_ATOMS))
    if items == ["*"]:
        items = ["$string"]
    return ".".join(items)


def selector(r: random.Random, depth: int = 2) -> str:
    x = r.random()
    if depth == 0 or x < 0.55:
        return selector_path(r)
    if x < 0.70:
        return f"{selector(r, depth - 1)} {r.choice(('&&', '&'))} {paren(r, depth - 1)}"
    if x < 0.85:
        return f"{paren(r, depth - 1)}{r.choice((' || ', '|', ' | '))}{selector(r, depth - 1)}"
    return r.choice("!~") + "(" + selector(r, depth - 1) + ")"


def paren(r: random.Random, depth: int) -> str:
    s = selector(r, depth)
    return "(" + s + ")" if r.random() < 0.5 else s
