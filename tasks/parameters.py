"""What sections of `luigi.cfg` are made of: no value that cannot be used is believed, and none is shown."""

import configparser
import datetime
import difflib
import re
import warnings
from collections.abc import Sequence
from typing import Any

import luigi
import luigi.configuration
from luigi.parameter import UnconsumedParameterWarning

from tasks.errors import SettingInvalid

_CONFIGURATION = luigi.configuration.get_config()

# They are for other values to be made of, and Luigi would warn of each in every section, with its value.
for _name in _CONFIGURATION.defaults():
    _told = re.escape(f"The configuration contains the parameter '{_name.replace('-', '_')}' ")
    warnings.filterwarnings("ignore", _told, UnconsumedParameterWarning)


class Section(luigi.Config):
    """A section whose values, where they cannot be read, are told by name only: some are secrets."""

    @classmethod
    def get_param_values(cls, params: Any, args: Any, kwargs: Any) -> Any:
        """Return them as Luigi does. Raises SettingInvalid where Luigi would show the value, and where it is."""
        cls._ensure_known([name for name, _ in params])
        try:
            return super().get_param_values(params, args, kwargs)
        except configparser.InterpolationError as error:
            # A flag was given for it: of such a line Luigi reads no more than whether it knows the name.
            raise cls._unreadable(error.option) from None
        except ValueError as error:
            if isinstance(error.__cause__, SettingInvalid):
                raise error.__cause__ from None
            raise cls._unreadable(str(error).rpartition(" ")[2].strip("'")) from None

    @classmethod
    def _ensure_known(cls, names: Sequence[str]) -> None:
        family = cls.get_task_family()
        for key in _CONFIGURATION[family] if family in _CONFIGURATION.sections() else ():
            if key.replace("-", "_") in names or key in _CONFIGURATION.defaults():
                continue
            near = difflib.get_close_matches(key.lower(), names, n=1)
            raise SettingInvalid(
                f"[{family}] has no setting {key}; nothing was changed",
                hint=(f"did you mean {near[0]}? " if near else "")
                + "luigi.cfg has all that there are; where a value goes on in another line, that begins with a space",
            )

    @classmethod
    def _unreadable(cls, name: str) -> SettingInvalid:
        return SettingInvalid(
            f"{name} of [{cls.get_task_family()}] cannot be read; nothing was changed",
            hint="mend it in luigi.cfg, where a % is written %%, or in the flag; a list is JSON",
        )


class Seconds(luigi.FloatParameter):
    """A time limit. There is none without end."""

    def normalize(self, x: float) -> float:
        """Return it as it is. Raises SettingInvalid where it is no time: 0 would mean for ever to some programs."""
        if not 0 < x < float("inf"):
            raise SettingInvalid(
                f"a time limit of {x:g} s cannot be kept; nothing was changed",
                hint="give a number of seconds above 0, in luigi.cfg or in the flag that has it",
            )
        return x


class Count(luigi.IntParameter):
    """How many. One at least."""

    def normalize(self, x: int) -> int:
        """Return it as it is. Raises SettingInvalid where it is none: whether that means all or nothing is a guess."""
        if x < 1:
            raise SettingInvalid(
                f"{self._attribute_name} cannot be {x}; nothing was changed",
                hint="give a number from 1 on, as large as you like, in luigi.cfg or in the flag that has it",
            )
        return x


class Every(luigi.TimeDeltaParameter):
    """How often something is to happen; nothing, or 0, for no matter how often."""

    def parse(self, x: str) -> datetime.timedelta:
        """Read `26h`, `1 day 2 hours`, `P1DT2H` or a number of seconds. Raises SettingInvalid."""
        try:
            every: datetime.timedelta = super().parse(x or "0")
        except (luigi.parameter.ParameterException, OverflowError):
            every = datetime.timedelta(-1)
        if every < datetime.timedelta(0):
            raise SettingInvalid(
                f"{x!r} does not say how often something is to happen; nothing was changed",
                hint="give it like 26h, 90 minutes or 1 day 2 hours, the longest unit first",
            )
        return every
