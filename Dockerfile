# scrubjay in a container, in two stages: what builds stays behind. docs/container.md says how to run it.
#
#   docker build -t scrubjay --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
#
# BASE_IMAGE: Debian with a Python of 3.11 or newer as `python3`, its `venv` module and CA certificates.
# An index of your own: --secret id=pipconf,src=/etc/pip.conf, which leaves nothing in the image.
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS build
# 1: the modules in which most time is spent are compiled, which takes a minute and 2 MB. 0: plain Python.
ARG COMPILE=1
# Further extras of the package, separated by commas.
ARG EXTRAS=redis
# A Python of Debian's has its headers in a package of its own.
# hadolint ignore=DL3008
RUN apt-get update \
    && if [ "$COMPILE" = 1 ]; then set -- gcc libc6-dev; [ ! -x /usr/bin/python3 ] || set -- "$@" python3-dev; fi \
    && apt-get install -y --no-install-recommends binutils "$@"
WORKDIR /src
COPY .ci/compile.py .ci/
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN --mount=type=secret,id=pipconf,target=/etc/pip.conf \
    python3 -m venv /pip && python3 -m venv --without-pip /opt/scrubjay \
    && SCRUBJAY_COMPILE="$COMPILE" /pip/bin/pip --python /opt/scrubjay install --no-cache-dir --no-compile ".[$EXTRAS]"
# Taken out is what no relay loads: symbols, sources of C extensions, a second copy of zstandard, parsers for coloured code.
# Bytecode is checked by the content of its source: times of files may change on the way into a registry.
# Commands that were written for the reference's image find the program under the name `relay`.
WORKDIR /opt/scrubjay
RUN find . -name '*.so' -exec strip --strip-unneeded {} + \
    && find . -path '*/site-packages/zstandard/*cffi*' -delete \
    && find . -path '*/site-packages/pygments/lexers/*' -delete \
    && find . -name '*.pyi' -delete -o -name '*.py[xd]' -delete -o -name '*.pxi' -delete -o -name '*.[ch]' -delete \
    && find bin -name '[Aa]ctivate*' -delete \
    && ln -s scrubjay bin/relay \
    && bin/python -m compileall -q -j 0 --invalidation-mode checked-hash lib

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="scrubjay" \
      org.opencontainers.image.description="A relay beside your application: it scrubs, limits, samples, keeps on disk and forwards error-tracking envelopes." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /opt/scrubjay /opt/scrubjay
COPY config/image /etc/scrubjay
# The standard library of python:*-slim comes without bytecode, and nobody can write it later: importing once leaves what a relay loads.
RUN groupadd --gid 10001 scrubjay \
    && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /var/lib/scrubjay --shell /usr/sbin/nologin scrubjay \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/scrubjay \
    && install -d -m 0755 /etc/relay \
    && /opt/scrubjay/bin/python -c 'import scrubjay.cli.run, scrubjay.cli.healthcheck, scrubjay.runtime.supervisor, scrubjay.runtime.worker, scrubjay.runtime.exposition'
# `container` is how programs are told that they run in one.
ENV PATH=/opt/scrubjay/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    container=oci
WORKDIR /var/lib/scrubjay
VOLUME ["/var/lib/scrubjay", "/etc/relay"]
USER 10001:10001
EXPOSE 3000 3001
STOPSIGNAL SIGTERM
# Each check starts a program for a sixth of a second: once a minute that is a quarter of a percent of a processor.
HEALTHCHECK --interval=60s --timeout=5s --start-period=15s --retries=3 CMD ["scrubjay", "healthcheck", "--timeout", "4"]
ENTRYPOINT ["scrubjay"]
CMD ["run"]
