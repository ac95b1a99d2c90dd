"""How often something was seen, in bounded memory (`decisions.md` 5.9)."""

from scrubjay.core.sampling.first_n import MAX_PER_PROCESS, MAX_PER_PROJECT, Occasions


def first(occasions: Occasions, fingerprint: str, *, project: int = 42, rule: int = 3100, n: int = 1, cap: int | None = None, window: int = 7) -> bool:  # fmt: skip
    return occasions.is_first(project, rule, fingerprint, n=n, new_per_window=cap, window=window)


def test_the_first_of_a_window() -> None:
    occasions = Occasions()
    assert [first(occasions, "a", n=2) for _ in range(4)] == [True, True, False, False]
    assert first(occasions, "b", n=2)
    assert first(occasions, "a", n=2, window=8)
    assert repr(occasions) == "<Occasions 3 of 1 projects>"


def test_projects_and_rules_are_apart() -> None:
    occasions = Occasions()
    assert first(occasions, "a")
    assert first(occasions, "a", project=43)
    assert first(occasions, "a", rule=3101)
    assert not first(occasions, "a")


def test_all_of_a_window_together() -> None:
    occasions = Occasions()
    assert [first(occasions, str(number), cap=3) for number in range(5)] == [True] * 3 + [False] * 2
    assert not first(occasions, "0", n=2, cap=3)
    assert first(occasions, "0", cap=3, window=8)


def test_past_the_cap_nothing_is_remembered_and_nothing_forgotten() -> None:
    occasions = Occasions(max_per_project=4)
    for number in range(100):
        first(occasions, str(number), cap=3)
    assert occasions.remembered == 4
    assert not first(occasions, "0", cap=1000)


def test_a_reservoir() -> None:
    occasions = Occasions()
    taken = [occasions.has_room(42, 3100, size=2, window=7) for _ in range(4)]
    assert taken == [True, True, False, False]
    assert occasions.has_room(42, 3100, size=2, window=8)
    assert occasions.has_room(42, 3101, size=2, window=8)


def test_workers_have_their_share() -> None:
    shares = [Occasions(workers=4) for _ in range(4)]
    assert sum(first(share, "a", n=10) for share in shares for _ in range(20)) == 12
    assert sum(share.has_room(42, 1, size=8, window=7) for share in shares for _ in range(20)) == 8
    assert sum(first(share, str(number), rule=2, cap=6) for share in shares for number in range(20)) == 8


def test_a_project_forgets_the_least_recently_seen() -> None:
    occasions = Occasions(max_per_project=4)
    for name in "abc":
        assert first(occasions, name)
    assert not first(occasions, "a")
    assert first(occasions, "d")
    assert occasions.remembered == 4
    assert not first(occasions, "c")
    assert not first(occasions, "a")
    assert first(occasions, "b")


def test_the_process_forgets_the_least_recently_seen() -> None:
    occasions = Occasions(max_per_process=4)
    assert first(occasions, "a", project=1)
    assert first(occasions, "a", project=2)
    assert not first(occasions, "a", project=1)
    assert first(occasions, "a", project=3)
    assert occasions.remembered == 4
    assert repr(occasions) == "<Occasions 4 of 3 projects>"
    assert not first(occasions, "a", project=3)
    assert first(occasions, "b", project=3)
    assert repr(occasions) == "<Occasions 4 of 2 projects>"
    assert first(occasions, "a", project=2)


def test_a_flood_is_bounded() -> None:
    occasions = Occasions()
    for number in range(MAX_PER_PROJECT * 2):
        assert first(occasions, str(number))
    assert occasions.remembered == MAX_PER_PROJECT
    for project in range(20):
        for number in range(MAX_PER_PROJECT // 2 + 500):
            first(occasions, str(number), project=project)
    assert occasions.remembered == MAX_PER_PROCESS
