"""What feature codes do, and what the person at the phone hears and types meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamas.dialplan.component import End
from tamas.dialplan.dial import Cause

if TYPE_CHECKING:
    from tamas.dialplan.call import Call
    from tamas.dialplan.feature_codes import Code


async def run_feature_code(call: Call, code: Code) -> End:
    """Do what a dialed code says; the call is over then.

    Answers the call. Done twice, after our death in between, it leaves the same.

    :raises StoreUnreachable: the store does not answer.
    """
    call.state.type = "feature"
    await call.tell({"type": "feature"})
    return End(cause=Cause.NORMAL, failed=f"code {code.code} is not there yet")
