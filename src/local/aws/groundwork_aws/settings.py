"""What is switched on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """Switches that are given at the start."""

    external_control_plane: bool = False


SETTINGS = Settings()
