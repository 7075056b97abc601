"""What a component is: one declaration from which runtime, validation, designer form and docs come.

A component is one coroutine in a file of its own in :mod:`tamas.dialplan.components`::

    class AnnouncementParams(Params):
        announcement: Annotated[str, Param(label="Announcement", ref=Ref.SOUND)] = ""

    @component(type="Announcement", group=Group.AUDIO, outputs=(NEXT,), plays=True)
    async def announcement(call: Call, params: AnnouncementParams) -> Exit:
        '''Play a sound to the caller.'''
        await call.play(params.announcement)
        return NEXT

The coroutine returns where the call goes on: the key of one of the node's outputs, or one of the other exits
below. It raises ``AgiHangup`` when the caller hangs up. Before it runs, the walker has written the node on
the channel (``TAMAS_NODE``), unless it is ``instant``; when our process dies meanwhile, the next one runs it
again from the start, or runs what ``@announcement.resumed`` declares (architecture rule 7).
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeVar

import msgspec

from tamas.dialplan.application_options import options_problem
from tamas.dialplan.resume import Outcome
from tamas.errors import TamasError

if TYPE_CHECKING:
    from tamas.dialplan.call import Call

VARIABLE: Final = "$var"
"""Key of the object that stands for a variable in place of a value."""


ROWS: Final = "*"
"""In ``answers``: the outputs that the administrator adds."""
MAX_WHOLE: Final = 86_400
"""Of a number that says no limit of its own: seconds of a day."""


class Group(StrEnum):
    """Where a component stands in the designer's palette."""

    ENTRY = "entry"
    MENU = "menu"
    REACH = "reach"
    AUDIO = "audio"
    CONDITION = "condition"
    FLOW = "flow"
    SERVICE = "service"


class Ref(StrEnum):
    """What a text parameter names; checked when a plan is published."""

    EXTENSION = "extension"
    QUEUE = "queue"
    TRUNK = "trunk"
    SOUND = "sound"
    """Name of an announcement, ``id:`` and its id, or a built-in sound (``builtin:hello-world``)."""
    MAILBOX = "mailbox"
    MUSIC = "music"
    JUMP = "jump"
    """Name of a JumpIn."""
    CONTEXT = "context"
    """Context of an Outgoing Route."""
    URL = "url"
    NUMBER = "number"
    """What can be dialed."""
    OPTIONS = "options"
    """Letters for an application of Asterisk."""
    SECRET = "secret"  # noqa: S105 - a kind, not a value
    PATTERN = "pattern"
    """Of a row: a number, or a pattern as of Asterisk without the underscore."""
    MASK = "mask"
    """Of a row: a literal number, an ``x`` at either end stands for any run; empty: any number."""


@dataclass(frozen=True, kw_only=True)
class Param:
    """What the form shows of a parameter, and what its value refers to. Units stand in ``unit``."""

    label: str
    help: str = ""
    ref: Ref | None = None
    unit: str = ""
    application: str = ""
    """With ``Ref.OPTIONS``: the application whose letters they are."""
    low: int | None = None
    high: int | None = None
    max_length: int = 255
    choices: tuple[str, ...] = ()
    administrators_only: bool = False
    """Whether only an administrator may set it."""


class Params(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of every component's parameters; each field has a default and an ``Annotated`` :class:`Param`."""


class NoParams(Params):
    """Of components that have none."""


class Row(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of what the rows of a component match: the ``match`` of its outputs.

    A field is a text; ``Annotated`` with a :class:`Param` it also says what the form shows.
    """


@dataclass(frozen=True, kw_only=True)
class Jump:
    """Go on at the Jump In of a name."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Reroute:
    """Enter the Outgoing Route of a context with another number, as a dialed one."""

    context: str
    number: str
    phone: str
    """Extension whose rights the call has from now on; ``""``: nobody's."""


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Leave the flow for a fixed place of the dialplan, which needs nothing of ours any more."""

    context: str
    exten: str = "s"


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of the flow: what the caller gets."""

    cause: int
    """ITU-T Q.850."""
    failed: str = ""
    """Plain reason when nobody was connected."""
    started: bool = True
    """Whether anybody could be called at all."""


Exit = str | Jump | Reroute | HandOver | End
P = TypeVar("P", bound=Params)
Run = Callable[["Call", P], Awaitable[Exit]]
Resumed = Callable[["Call", P, Outcome], Awaitable[Exit]]


class ParamsInvalid(TamasError):
    """Parameters that a component cannot use.

    :param field: name of the one at fault; ``""`` when that cannot be told.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


@dataclass(kw_only=True)
class Component(Generic[P]):
    """A declared component."""

    kind: str
    """The specification's type name."""
    title: str
    doc: str
    group: Group
    params: type[P]
    outputs: tuple[str, ...]
    """Keys of the outputs that every such node has."""
    row: type[Row] | None
    """What the rows match that the administrator adds; ``None``: there are none."""
    optional: tuple[str, ...]
    """Keys of outputs that the administrator may add besides."""
    run: Run[P]
    entry: bool
    """Whether calls begin here: no wire leads in."""
    instant: bool
    """Whether it is over at once and may be repeated without harm: then it is not marked on the channel."""
    plays: bool
    """Whether the caller hears something of ours, so that the call should be answered before."""
    interacts: bool
    """Whether it waits for the caller or for somebody else, so that a circle through it ends in time."""
    answers: tuple[str, ...]
    """Outputs behind which the caller's line is up for certain; ``ROWS`` stands for those of rows."""
    administrators_only: bool
    own_mark: bool
    """Whether it writes its place itself (``Call.mark``), once it knows what it is about to do."""
    fields: Mapping[str, Param] = field(default_factory=dict)
    resume: Resumed[P] | None = None
    resumes_always: bool = False
    """Whether ``resume`` is asked even when Asterisk has nothing to say of the node."""
    checks: Callable[[P], None] | None = None
    advice: Callable[[P], None] | None = None

    def resumed(self, function: Resumed[P]) -> Resumed[P]:
        """Declare what goes on after our restart, once Asterisk has finished what the node had begun.

        ``outcome`` has the DIALSTATUS or QUEUESTATUS that the node left on the channel.
        """
        self.resume = function
        return function

    def resumed_always(self, function: Resumed[P]) -> Resumed[P]:
        """As :meth:`resumed`, for nodes without a status that know themselves whether they are done."""
        self.resumes_always = True
        return self.resumed(function)

    def checked(self, function: Callable[[P], None]) -> Callable[[P], None]:
        """Declare a further check of parameters; it raises :class:`ParamsInvalid`."""
        self.checks = function
        return function

    def advised(self, function: Callable[[P], None]) -> Callable[[P], None]:
        """Declare what an administrator is warned of, by :class:`ParamsInvalid`; the plan goes live."""
        self.advice = function
        return function

    def read(self, values: Mapping[str, Any]) -> P:
        """Parameters from a node's ``params``, in which variables are replaced already.

        :raises ParamsInvalid: they do not fit.
        """
        try:
            params: P = msgspec.convert(dict(values), self.params, strict=False)
        except msgspec.ValidationError as error:
            text, _, path = str(error).partition(" - at `$.")
            if "unknown field" in text:
                unknown = text.partition("`")[2].partition("`")[0]
                raise ParamsInvalid(unknown, "there is no such parameter") from error
            raise ParamsInvalid(path.rstrip("`"), text) from error
        for name, param in self.fields.items():
            _check(name, param, getattr(params, name))
        if self.checks is not None:
            self.checks(params)
        return params


COMPONENTS: Final[dict[str, Component[Any]]] = {}
"""Every component by its type; filled by importing :mod:`tamas.dialplan.components`."""


def component(
    *,
    type: str,  # noqa: A002 - the specification's word
    group: Group,
    title: str = "",
    outputs: tuple[str, ...] = (),
    row: type[Row] | None = None,
    optional: tuple[str, ...] = (),
    entry: bool = False,
    instant: bool = False,
    plays: bool = False,
    interacts: bool = False,
    answers: tuple[str, ...] = (),
    administrators_only: bool = False,
    own_mark: bool = False,
) -> Callable[[Run[P]], Component[P]]:
    """Declare a component; see this module's own text."""

    def declare(run: Run[P]) -> Component[P]:
        hints = typing.get_type_hints(run)
        params: Any = next(
            hint for hint in hints.values() if inspect.isclass(hint) and issubclass(hint, Params)
        )
        declared: Component[P] = Component(
            kind=type,
            title=title or type,
            doc=inspect.cleandoc(run.__doc__ or ""),
            group=group,
            params=params,
            outputs=outputs,
            row=row,
            optional=optional,
            run=run,
            entry=entry,
            instant=instant,
            plays=plays,
            interacts=interacts,
            answers=answers,
            administrators_only=administrators_only,
            own_mark=own_mark,
            fields=_fields_of(params),
        )
        if type in COMPONENTS:
            raise ValueError(f"component {type} is declared twice")
        COMPONENTS[type] = declared
        return declared

    return declare


def _fields_of(params: type[Any]) -> dict[str, Param]:
    fields = {}
    for name, hint in typing.get_type_hints(params, include_extras=True).items():
        if typing.get_origin(hint) is Annotated:
            found = [each for each in hint.__metadata__ if isinstance(each, Param)]
            if found:
                fields[name] = found[0]
                continue
        raise TypeError(f"{params.__name__}.{name} has no Param")
    return fields


@cache
def _described(struct: type[msgspec.Struct]) -> Mapping[str, Param]:
    """The fields of a struct within parameters, as far as they say what they are."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {
        name: found[0]
        for name, hint in hints.items()
        if (found := [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Param)])
    }


def _check(name: str, param: Param, value: Any) -> None:
    if isinstance(value, list | tuple):
        for item in value:
            _check(name, param, item)
    if isinstance(value, msgspec.Struct):
        for inner, described in _described(type(value)).items():
            _check(f"{name}.{inner}", described, getattr(value, inner))
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number and not (param.low or 0) <= value <= (MAX_WHOLE if param.high is None else param.high):
        raise ParamsInvalid(name, f"must be from {param.low or 0} to {param.high or MAX_WHOLE}")
    if isinstance(value, str):
        if len(value) > param.max_length:
            raise ParamsInvalid(name, f"has more than {param.max_length} characters")
        if param.choices and value not in param.choices:
            raise ParamsInvalid(name, f"must be one of {', '.join(param.choices)}")
        if param.ref is Ref.OPTIONS and (problem := options_problem(param.application, value)) is not None:
            raise ParamsInvalid(name, problem)
