"""Authentication: only who knows a secret goes on."""

from __future__ import annotations

from typing import Annotated, Final

from tamas.dialplan.call import Call
from tamas.dialplan.component import End, Exit, Group, Param, Params, ParamsInvalid, Ref, component
from tamas.dialplan.dial import Cause
from tamas.dialplan.graph import NEXT
from tamas.dialplan.typed_secrets import ask_node_secret, ask_own_secret

USER: Final = "user_secret"
DEFINED: Final = "defined_secret"


class AuthenticationParams(Params):
    """Parameters of an Authentication."""

    type: Annotated[
        str,
        Param(
            label="Secret",
            help="user_secret: the password of the extension that calls; defined_secret: the one given here. "
            "Letters are typed by the key they stand on, other signs as *.",
            choices=(USER, DEFINED),
        ),
    ] = USER
    defined_secret: Annotated[str, Param(label="Defined secret", ref=Ref.SECRET)] = ""


@component(type="Authentication", group=Group.SERVICE, outputs=(NEXT,), interacts=True, answers=(NEXT,))
async def authentication(call: Call, params: AuthenticationParams) -> Exit:
    """Ask for a secret; three wrong ones end the call."""
    await call.answer()
    if params.type == DEFINED:
        known = await ask_node_secret(call, params.defined_secret)
    elif call.caller is None:
        return End(cause=Cause.REJECTED, failed="a caller without an extension has no secret to type")
    else:
        known = await ask_own_secret(call, call.caller.number, call.caller.phone)
    if known:
        return NEXT
    return End(cause=Cause.REJECTED, failed="no right secret was typed")


@authentication.checked
def _check(params: AuthenticationParams) -> None:
    if params.type == DEFINED and not params.defined_secret:
        raise ParamsInvalid("defined_secret", "is empty")
