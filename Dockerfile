# The four images of one workspace: docker build --target api|grpc|consumers|sweeper .
# They share every layer but the last two. The api image also runs the migrations: `library-migrate apply`.
# A fifth, `standins`, plays the rest of the platform for compose.yaml; it is for development only.

FROM python:3.11-slim-bookworm AS build
RUN python -m pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/app \
    UV_PYTHON=/usr/local/bin/python3.11 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
# What others wrote changes rarely: it is installed from the lock alone, before our code is there.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-workspace --package library-adapters --extra postgres
COPY . .

FROM build AS build-api
RUN uv sync --locked --no-dev --no-editable --package library-api

FROM build AS build-grpc
RUN uv sync --locked --no-dev --no-editable --package library-grpc

FROM build AS build-consumers
RUN uv sync --locked --no-dev --no-editable --package library-consumers

FROM build AS build-sweeper
RUN uv sync --locked --no-dev --no-editable --package library-sweeper

FROM build AS build-standins
RUN uv sync --locked --no-dev --no-editable --package library-devstack

FROM python:3.11-slim-bookworm AS runtime
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /app
# Nobody in particular, by number, so that Kubernetes can see that it is not root.
USER 10001:10001

FROM runtime AS grpc
COPY --from=build-grpc /app /app
ENTRYPOINT ["library-grpc"]

FROM runtime AS consumers
COPY --from=build-consumers /app /app
ENTRYPOINT ["library-consumers"]

FROM runtime AS sweeper
COPY --from=build-sweeper /app /app
ENTRYPOINT ["library-sweeper"]

FROM runtime AS standins
COPY --from=build-standins /app /app
USER 0:0
RUN install --directory --owner=10001 --group=10001 /state
USER 10001:10001
ENTRYPOINT ["python", "-m", "library_devstack.standins", "/state"]

FROM runtime AS api
COPY --from=build-api /app /app
COPY migrations /app/migrations
ENTRYPOINT ["library-api"]
