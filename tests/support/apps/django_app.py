"""Sample shop on Django: `python django_app.py PORT`, one view, the framework's own server."""

import json
import sys
import urllib.parse
from typing import Any

import django
import shop
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="sample", INSTALLED_APPS=[], USE_TZ=True
)


def checkout(request: HttpRequest) -> HttpResponse:
    """The endpoint of the sample; with raven the view reports by itself."""
    order = json.loads(request.body)
    if not shop.WITH_RAVEN:
        shop.checkout(order)
    try:
        shop.checkout(order)
    except shop.PaymentError:
        shop.report_to_raven(request_interface(request))
    return HttpResponse(status=500)


def request_interface(request: HttpRequest) -> dict[str, Any]:
    """The request in raven's words."""
    return {
        "method": request.method,
        "url": request.build_absolute_uri().split("?", 1)[0],
        "query_string": urllib.parse.unquote(request.META["QUERY_STRING"]),
        "data": request.body.decode(),
        "headers": dict(request.headers),
        "cookies": dict(request.COOKIES),
        "env": {"REMOTE_ADDR": request.META["REMOTE_ADDR"], "SERVER_NAME": request.META["SERVER_NAME"]},
    }


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready")


def flush(request: HttpRequest) -> HttpResponse:
    shop.flush()
    return HttpResponse("flushed")


urlpatterns = [path("checkout", checkout), path("ready", ready), path("flush", flush)]

if __name__ == "__main__":
    django.setup()
    execute_from_command_line(["shop", "runserver", "--noreload", "--skip-checks", f"127.0.0.1:{sys.argv[1]}"])
