"""A Meltano project like a user's, made from a meltano.yml of this repository, and real `meltano` commands in it."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from clean_environment import CLEAN_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_ycm.sandbox import Sandbox

REPOSITORY = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent


@cache
def installed(requirement: str, executable: str) -> str:
    """Return the path of a program that uv installed in an environment of its own; its cache makes it quick."""
    requirements = [word for part in requirement.split() for word in ("--with", part)]
    asked = ["uv", "tool", "run", "--quiet", "--from", *requirements[1:], "python", "-c"]
    found = subprocess.run(
        [*asked, "import sys; print(sys.executable)"], capture_output=True, check=True, text=True, timeout=300
    )
    return str(Path(found.stdout.strip()).with_name(executable))


@cache
def loader(name: str) -> str:
    """Return the path of a loader, in the version that meltano.yml asks for."""
    plugin = _loader(name)
    return installed(plugin["pip_url"], plugin["executable"])


def preset(name: str, setting: str) -> Any:
    """Return what meltano.yml sets for a loader."""
    return next(one["value"] for one in _loader(name)["settings"] if one["name"] == setting)


def _loader(name: str) -> dict[str, Any]:
    plugins = yaml.safe_load((REPOSITORY / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    plugin: dict[str, Any] = next(plugin for plugin in plugins["loaders"] if plugin["name"] == name)
    return plugin


class MeltanoProject:
    """A folder with a meltano.yml whose plugins are installed already: the tap under test, and loaders by uv.

    Attributes:
        content: The meltano.yml, to be changed by a test before :meth:`meltano` is called.
    """

    def __init__(self, folder: Path, *loaders: str, meltano_yml: Path = REPOSITORY / "meltano.yml") -> None:
        """Make the project; ``loaders`` are those of the repository's meltano.yml that it needs."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.content = yaml.safe_load(meltano_yml.read_text(encoding="utf-8"))
        self.extractor = self.content["plugins"]["extractors"][0]
        self.extractor["select"] = ["customers.*"]
        for plugin in (plugin for plugins in self.content["plugins"].values() for plugin in plugins):
            if "tap-ycm" in (plugin["name"], plugin.get("pip_url")):
                del plugin["pip_url"]
                plugin["executable"] = str(PROGRAMS / "tap-ycm")
                for command in plugin.get("commands", {}).values():
                    command["executable"] = str(PROGRAMS / command["executable"])
            if plugin["name"] in loaders:
                del plugin["pip_url"]
                plugin["executable"] = loader(plugin["name"])

    def write(self) -> None:
        """Write the meltano.yml."""
        (self.folder / "meltano.yml").write_text(yaml.safe_dump(self.content, sort_keys=False), encoding="utf-8")

    def deploy(self, **environment: str) -> None:
        """Make it what stands on a server: Meltano in its .venv, credentials in its .env, nothing in the environment.

        Call it again to change the credentials.
        """
        self.write()
        programs = self.folder / ".venv" / "bin"
        if not programs.exists():
            programs.mkdir(parents=True)
            (programs / "meltano").symlink_to(PROGRAMS / "meltano")
        lines = (f"{name}={json.dumps(value)}\n" for name, value in environment.items())
        (self.folder / ".env").write_text("".join(lines), encoding="utf-8")

    def meltano(
        self, *arguments: str, ycm: Sandbox | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of Meltano; its log is in ``stderr``."""
        self.write()
        return subprocess.run(
            [str(PROGRAMS / "meltano"), *arguments],
            cwd=self.folder,
            env={**CLEAN_ENVIRONMENT, "NO_COLOR": "1", **(credentials(ycm) if ycm else {}), **environment},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def run(self, *arguments: str, ycm: Sandbox | None = None, **environment: str) -> str:
        """Run ``meltano run`` with these arguments, which must succeed; returns its log."""
        process = self.meltano("run", *arguments, ycm=ycm, **environment)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout + process.stderr

    def state(self, state_id: str) -> dict[str, Any]:
        """Return the Singer state that Meltano keeps under this id."""
        process = self.meltano("state", "get", state_id)
        assert process.returncode == 0, process.stderr
        state: dict[str, Any] = json.loads(process.stdout)["singer_state"]
        return state


def credentials(ycm: Sandbox, prefix: str = "TAP_YCM") -> Mapping[str, str]:
    """Return the environment that gives an extractor the sandbox's credentials."""
    return {
        f"{prefix}_BASE_URL": ycm.url,
        f"{prefix}_CLIENT_ID": ycm.client_id,
        f"{prefix}_CLIENT_SECRET": ycm.client_secret,
    }
