"""Django as developers run it, with DEBUG and Spotlight: `python django_debug_app.py PORT SPOTLIGHT_URL`; `/` works, `/fail` does not."""

import sys

import django
import sentry_sdk
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    DEBUG=True, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="sample", INSTALLED_APPS=[], MIDDLEWARE=[]
)


def welcome(request: HttpRequest) -> HttpResponse:
    """A page with the trace that the SDK would have put there, and an error that was caught."""
    sentry_sdk.capture_message("card 4111 1111 1111 1111 refused, and caught", "error")
    trace = sentry_sdk.get_traceparent()
    return HttpResponse(
        f'<html><head><meta name="sentry-trace" content="{trace}"></head><body><h1>shop</h1></body></html>'
    )


def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("card 4111 1111 1111 1111 of jane@example.com refused")


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ready", content_type="text/plain")


urlpatterns = [path("", welcome), path("fail", fail), path("ready", ready)]

if __name__ == "__main__":
    _, port, url = sys.argv
    sentry_sdk.init(spotlight=url, traces_sample_rate=1.0)
    django.setup()
    execute_from_command_line(["manage.py", "runserver", "--noreload", "--nothreading", f"127.0.0.1:{port}"])
