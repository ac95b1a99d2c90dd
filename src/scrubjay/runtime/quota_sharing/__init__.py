"""One limit for many: who counts, who holds what was granted in advance, and what happens when the one who counts is away.

`ledger` counts; `pots` hold; `authority` is a host's; `service` lets its workers ask; `store` is Redis or Valkey for many hosts, by the
`script`, through the `client`; `outage` stands in for any of them (`decisions.md` 2.4, 9.1, 9.3, 9.4). The supervisor imports this: but for
`store` and `client` it needs the standard library alone.
"""
