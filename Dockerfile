ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# Where pip finds packages is the builder's business: by these arguments, or by a pip.conf given as the secret "pip".
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ARG PIP_TRUSTED_HOST
ARG PIP_CERT
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE llms.txt ./
COPY framework framework
COPY templates templates
COPY docs docs
COPY app_example app_example
RUN --mount=type=secret,id=pip,target=/etc/pip.conf,required=false \
    pip wheel --constraint constraints.txt --wheel-dir wheels '.[postgres,redis]'
# An environment without pip, put together from those wheels alone, is all that goes on.
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-index --find-links wheels 'aiohttp-batteries[postgres,redis]'

FROM ${PYTHON_IMAGE}
# The number is fixed, so that a volume's owner stays the same, and a cluster can see that it is not root's.
RUN groupadd --gid 10001 service \
    && useradd --uid 10001 --gid service --no-create-home --home-dir /srv --shell /usr/sbin/nologin service \
    && install --directory --owner service --group service /srv/var
COPY --from=build /venv /venv
COPY app_example /srv/app_example
WORKDIR /srv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1 \
    PROFILE=production \
    SERVER_HOST=0.0.0.0 \
    SERVER_PORT=8080
USER 10001:10001
VOLUME /srv/var
EXPOSE 8080
# By hand rather than with urllib, which would go through a proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
service = http.client.HTTPConnection('127.0.0.1', int(os.environ['SERVER_PORT']), timeout=4); \
service.request('GET', '/health/ready'); \
sys.exit(service.getresponse().status != 200)"]
STOPSIGNAL SIGTERM
CMD ["framework", "run", "app_example", "--migrate"]
