import pytest
import sentry_sdk
import shop

ORDER = {"customer": "7", "email": "ana@lab.example", "card": "4111 1111 1111 1111"}


@pytest.fixture
def order(sentry_capture):
    """An order in a shop that reports to this test's share of the sink."""
    shop.start()
    yield dict(ORDER)
    sentry_sdk.get_client().close(timeout=2)
