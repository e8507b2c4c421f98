# One function as a container, for plain Cloud Run or Kubernetes; the context is its bundle, as `nox -s bundle` stages it:
#   docker build --file Dockerfile --build-arg FUNCTION=play_game --tag play-game build/play_game
# It starts as the platform's own build starts it. Where a manifest says `package: image`, tools/publish.py builds it.
# checkov:skip=CKV_DOCKER_2: Cloud Run and Kubernetes ask the port themselves, and heed no HEALTHCHECK
FROM python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b
ARG FUNCTION
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 FUNCTION_TARGET=${FUNCTION} FUNCTION_SIGNATURE_TYPE=http PORT=8080
WORKDIR /function
RUN test -n "${FUNCTION}" && useradd --system --uid 10001 --no-create-home function
COPY requirements.txt *.whl ./
RUN PYTHONDONTWRITEBYTECODE= pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt
COPY main.py ./
USER 10001
EXPOSE 8080
CMD ["functions-framework", "--source=main.py"]
