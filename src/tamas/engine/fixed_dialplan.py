"""The fixed lines of Asterisk's dialplan: every call goes to the call flow, and survives the flow's death.

When our process dies in mid-call, whatever application AGI had started goes on, and the dialplan then
continues behind ``AGI()`` as if the flow had ended (architecture rule 7). So behind ``AGI()`` only
``TAMAS_END`` counts, which the flow sets at the real end. While it is missing the caller hears music and the
flow is asked again, ``RESUME_SECONDS`` long; then the dialed extension rings without us, else a configured
number.

What a caller can choose (the dialed number, names, numbers) never stands in an application's arguments
unfiltered, and never in an expression. Calls that carry control characters there are refused before AGI,
whose opening they could forge.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tamas.store.views import AGENTS_CONTEXT, FIRST_LEG_CONTEXT, INCOMING_CONTEXT, OUTGOING_CONTEXT

ORIGINATED_CONTEXT: Final = "tamas-originated"
"""Where the answered first party of an originated call arrives; the extension is the second party."""
ANSWERED_SUBROUTINE: Final = "tamas-answered"
"""Dial runs it (option ``U``) on the channel that answered: states facts, starts the recording."""
QUEUE_ANSWERED_SUBROUTINE: Final = "tamas-queue-answered"
"""Queue runs it on the member that answered; what to record comes in inherited variables."""
AUTO_ANSWER_SUBROUTINE: Final = "tamas-auto-answer"
"""Runs on a channel before it rings: asks the phone to answer by itself."""
CAMPAIGN_CONTEXT: Final = "tamas-campaign"
"""Where a number that a campaign called arrives when it picks up, at extension ``s``."""
CAMPAIGN_DIGITS: Final = 80
CAMPAIGN_DIGIT_SECONDS: Final = 2
"""How long a digit is waited for behind a campaign's sound, and behind another digit."""
FAX_SEND_CONTEXT: Final = "tamas-fax-send"
"""Where an originated fax call arrives when it is answered, at extension ``s``."""
FAX_RECEIVE_CONTEXT: Final = "tamas-fax-receive"
"""Receives a fax on the channel that is sent to its extension ``s``."""
FAX_RECEIVED_NAME: Final = "${UNIQUEID}.tiff"
FAX_RECEIVE_SECONDS: Final = 7200
"""After which a reception is ended, however it goes."""

RESUME_SECONDS: Final = 30
"""How long a call waits for the flow to come back, trying once a second."""
EXTENSION_RING_SECONDS: Final = 30
FALLBACK_RING_SECONDS: Final = 60
MAX_NUMBER_LENGTH: Final = 20
DIAL_OPTIONS: Final = "TtKkg"
"""Transfers and parking for both sides; the caller goes on when the callee hangs up."""

_EXTENS: Final = ("_[+*#0-9A-Za-z]", "_[+*#0-9A-Za-z].")
"""Any number that begins like one, of one sign or more.

Not ``_.``, which would also take the extension ``h``; and not ``!``, which would end a transfer's number
at its first digit.
"""

_STATE: Final = ",".join(
    (
        "linkedid=${CHANNEL(linkedid)}",
        "state=${CHANNEL(state)}",
        "originate=${TAMAS_ORIGINATE}",
        "party=${TAMAS_PARTY}",
        "context=${TAMAS_CONTEXT}",
        "start=${TAMAS_START}",
        "attempt=${TAMAS_ATTEMPT}",
        "limit=${TAMAS_LIMIT}",
        "options=${TAMAS_CALL_OPTIONS}",
        "record=${TAMAS_RECORD_NAME}",
        "recording=${TAMAS_RECORDING}",
        "blind=${BLINDTRANSFER}",
        "attended=${TRANSFERERNAME}",
    )
)
"""What the flow wants to know of a channel, handed over with the request so that it need not ask.

Every value is made by Asterisk or by us; what the caller says of himself comes in the ``agi_`` lines.
"""
_RESULTS: Final = ",".join(
    (
        "node=${TAMAS_NODE}",
        "carried=${TAMAS_STATE}",
        "dialstatus=${DIALSTATUS}",
        "queuestatus=${QUEUESTATUS}",
        "cause=${HANGUPCAUSE}",
    )
)


def agi_url_conf(agi_url: str) -> str:
    """The text of the file from which a reload reads the global variable ``TAMAS_AGI`` again.

    :param agi_url: base of the FastAGI server, ``agi://127.0.0.1:4573``.
    """
    return f"TAMAS_AGI = {agi_url}\n"


def extensions_conf(
    *,
    agi_url_file: Path,
    fallback_number: str,
    fax_dir: Path,
    received_fax_dir: Path,
    dialer_sounds: Path,
    custom_plans: Path,
) -> str:
    """Return the text of ``extensions.conf``.

    :param agi_url_file: where :func:`agi_url_conf` is written. AMI can set the variable anew, but a reload
        takes what stands there.
    :param custom_plans: folder of contexts that come and go while Asterisk runs.
    :param fallback_number: extension to ring when nothing else is known, may be empty.
    :param fax_dir: where documents to fax lie. These are paths that an application takes as they are.
    :param received_fax_dir: where received faxes are written.
    :param dialer_sounds: where the sounds of campaigns lie.
    """
    parts = [
        "; Written by Tamas at each start; changes are lost.",
        "[general]",
        "static = yes",
        "writeprotect = yes",
        "autofallthrough = yes",
        "clearglobalvars = no",
        "",
        "[globals]",
        f'#include "{agi_url_file}"',
        f"TAMAS_FALLBACK = {fallback_number}",
        f"TAMAS_FAX_DIR = {fax_dir}",
        f"TAMAS_FAX_RECEIVED_DIR = {received_fax_dir}",
        f"TAMAS_DIALER_SOUNDS = {dialer_sounds}",
        f"TRANSFER_CONTEXT = {OUTGOING_CONTEXT}",
        "",
        *(_call_context(name) for name in (OUTGOING_CONTEXT, INCOMING_CONTEXT, ORIGINATED_CONTEXT)),
        _leg_context(AGENTS_CONTEXT),
        _leg_context(FIRST_LEG_CONTEXT),
        _subroutines(),
        _faxes(),
        _campaigns(),
        f'#tryinclude "{custom_plans}/*.conf"',
    ]
    return "\n".join(parts) + "\n"


def _extension(*steps: str) -> str:
    """The catch-all extensions, with numbered lines; a step may begin with ``label: ``."""
    lines = []
    for pattern in _EXTENS:
        for position, step in enumerate(steps):
            label, colon, application = step.partition(": ")
            priority = f"n({label})" if colon else "n"
            action = application if colon else step
            lines.append(
                f"exten => {pattern},1,{action}" if position == 0 else f" same => {priority},{action}"
            )
    return "\n".join(lines)


_CLEARED: Final = ("END", "NODE", "CAUSE", "STATE", "TALKED", "MUSIC", "TRIES")
"""A channel may come through here again, transferred."""
_BEGIN: Final = f"MSet({','.join(f'TAMAS_{name}=' for name in _CLEARED)},DIALSTATUS=,QUEUESTATUS=)"
_FOREIGN: Final = "${CALLERID(num)}${CALLERID(name)}${CALLERID(dnid)}${CALLERID(rdnis)}"
_GUARD: Final = (
    # A line break in one of these would be a line of its own in the opening of the AGI connection.
    'GotoIf(${REGEX("^[+*#0-9A-Za-z]+$" ${EXTEN})}?caller)',
    "bad: CELGenUserEvent(TAMAS,failed=not+a+number+that+can+be+dialed)",
    "Set(TAMAS_CAUSE=28)",
    "Goto(end)",
    'caller: GotoIf(${REGEX("[[:cntrl:]]" ' + _FOREIGN + ")}?bad)",
)
_CALL: Final = f"AGI(${{TAMAS_AGI}}/call,{_STATE})"
_CHECK: Final = (
    'check: GotoIf($["${TAMAS_END}" = "1"]?end)',
    f"GotoIf($[0${{TAMAS_TRIES}} >= {RESUME_SECONDS}]?fallback)",
    "Set(TAMAS_TRIES=$[0${TAMAS_TRIES} + 1])",
)
_RESUME: Final = (f"AGI(${{TAMAS_AGI}}/resume,{_STATE},{_RESULTS})", "Goto(check)")
_NUMBER: Final = (
    # A number longer than its digits held something else, and is no extension.
    "Set(TAMAS_NUMBER=${FILTER(0-9,${EXTEN})})",
    "GotoIf($[${LEN(${TAMAS_NUMBER})} != ${LEN(${EXTEN})}]?other)",
    f"GotoIf($[${{LEN(${{TAMAS_NUMBER}})}} > {MAX_NUMBER_LENGTH}]?other)",
)
_END: Final = "end: Hangup(${TAMAS_CAUSE})"


def _call_context(name: str) -> str:
    return "\n".join(
        (
            f"[{name}]",
            _extension(
                _BEGIN,
                *_GUARD,
                _CALL,
                *_CHECK,
                'ExecIf($["${CHANNEL(state)}" != "Up"]?Progress())',
                # Once: the music goes on under the tries. The flow stops it when it resumes.
                'ExecIf($["${TAMAS_MUSIC}" != "1"]?StartMusicOnHold())',
                "Set(TAMAS_MUSIC=1)",
                "Wait(1)",
                *_RESUME,
                "fallback: StopMusicOnHold()",
                # A talk that ended while we were away is over, and so is what would have followed it.
                'GotoIf($["${TAMAS_TALKED}" = "1"]?end)',
                'GotoIf($["${DIALSTATUS}" = "ANSWER"]?end)',
                'GotoIf($["${QUEUESTATUS}" = "CONTINUE"]?end)',
                # Somebody was already rung in vain.
                'GotoIf($["${DIALSTATUS}" != ""]?other)',
                *_NUMBER,
                f"Dial(PJSIP/${{TAMAS_NUMBER}},{EXTENSION_RING_SECONDS},{DIAL_OPTIONS})",
                'GotoIf($["${DIALSTATUS}" = "ANSWER"]?end)',
                'other: GotoIf($["${TAMAS_FALLBACK}" = ""]?end)',
                f"Dial(PJSIP/${{TAMAS_FALLBACK}},{FALLBACK_RING_SECONDS},{DIAL_OPTIONS})",
                _END,
            ),
            _FAX_EXTENSION,
            _HANGUP_EXTENSION,
        )
    )


def _leg_context(name: str) -> str:
    """As a call, but without music and fallback number: the queue or the manager who rings sees it fail."""
    return "\n".join(
        (
            f"[{name}]",
            _extension(
                _BEGIN,
                *_GUARD,
                _CALL,
                *_CHECK,
                "Wait(1)",
                *_RESUME,
                'fallback: GotoIf($["${DIALSTATUS}" != ""]?end)',
                *_NUMBER,
                f"Dial(PJSIP/${{TAMAS_NUMBER}},{EXTENSION_RING_SECONDS})",
                "other: NoOp()",
                _END,
            ),
            _HANGUP_EXTENSION,
        )
    )


def _subroutines() -> str:
    """What runs on the called channel when it has answered, before the talk begins.

    MixMonitor's ``D`` keeps the parties apart, by turns in one file, which has to be named ``.raw``.
    """
    return "\n".join(
        (
            f"[{ANSWERED_SUBROUTINE}]",
            "; ARG1: facts, ARG2: file to record into, or empty",
            "exten => s,1,CELGenUserEvent(TAMAS,${ARG1})",
            ' same => n,GotoIf($["${ARG2}" = ""]?done)',
            " same => n,MixMonitor(${ARG2},D)",
            " same => n,Set(TAMAS_RECORDING=1)",
            " same => n(done),Return()",
            "",
            f"[{QUEUE_ANSWERED_SUBROUTINE}]",
            'exten => s,1,GotoIf($["${TAMAS_RECORD_NAME}" = ""]?own)',
            " same => n,CELGenUserEvent(TAMAS,record=${TAMAS_RECORD_NAME})",
            " same => n,MixMonitor(${TAMAS_RECORD_DIR}/${TAMAS_RECORD_NAME}.raw,D)",
            " same => n,Set(TAMAS_RECORDING=1)",
            ' same => n(own),GotoIf($["${TAMAS_GOSUB}" = ""]?done)',
            " same => n,GotoIf($[${DIALPLAN_EXISTS(${TAMAS_GOSUB},s,1)} = 0]?done)",
            " same => n,Gosub(${TAMAS_GOSUB},s,1)",
            " same => n(done),Return()",
            "",
            f"[{AUTO_ANSWER_SUBROUTINE}]",
            "; Makers agree on no header: RFC 5373, what most desk phones read, Yealink and Polycom, Cisco",
            "exten => s,1,Set(PJSIP_HEADER(add,Answer-Mode)=Auto)",
            r" same => n,Set(PJSIP_HEADER(add,Call-Info)=<sip:tamas>\;answer-after=0)",
            r" same => n,Set(PJSIP_HEADER(add,Alert-Info)=<http://tamas>\;info=alert-autoanswer\;delay=0)",
            " same => n,Set(PJSIP_HEADER(add,P-Auto-Answer)=normal)",
            " same => n,Return()",
            "",
        )
    )


_FAX_WORDS: Final = (
    ("fax_status", "FAXSTATUS"),
    ("fax_error", "FAXERROR"),
    ("fax_text", "FAXSTATUSSTRING"),
    ("fax_pages", "FAXPAGES"),
    ("fax_station", "REMOTESTATIONID"),
    ("fax_rate", "FAXBITRATE"),
    ("fax_resolution", "FAXRESOLUTION"),
    ("fax_mode", "FAXMODE"),
)
"""Facts, and the channel variables in which the fax applications say them."""
_FAX_END: Final = "exten => h,1,CELGenUserEvent(TAMAS,fax=end&{})\n same => n,Hangup()".format(
    # The dot because the function complains of nothing to encode; whoever reads the facts takes it off.
    "&".join(f"{fact}=${{URIENCODE(.${{{variable}}})}}" for fact, variable in _FAX_WORDS)
)
"""What came of a fax is stated behind the hangup, however it ended, so that no process of ours is needed."""


def _faxes() -> str:
    """Faxes are sent and received without the flow, so they outlive it, and so does what is known of them."""
    return "\n".join(
        (
            f"[{FAX_SEND_CONTEXT}]",
            "exten => s,1,CELGenUserEvent(TAMAS,definite=1&fax=send&step=Fax)",
            " same => n,Set(TIMEOUT(absolute)=${TAMAS_FAX_LIMIT})",
            " same => n,Set(FAXOPT(ecm)=yes)",
            " same => n,Set(FAXOPT(localstationid)=${TAMAS_FAX_STATION})",
            ' same => n,GotoIf($["${TAMAS_FAX_DIGITS}" = ""]?send)',
            " same => n,Wait(${TAMAS_FAX_BEFORE_DIGITS})",
            " same => n,SendDTMF(${TAMAS_FAX_DIGITS},${TAMAS_FAX_DIGIT_GAP})",
            " same => n,Wait(${TAMAS_FAX_AFTER_DIGITS})",
            " same => n(send),Wait(${TAMAS_FAX_BEFORE_SEND})",
            " same => n,SendFAX(${TAMAS_FAX_DIR}/${TAMAS_FAX_FILE},${TAMAS_FAX_OPTIONS})",
            " same => n,Hangup()",
            _FAX_END,
            "",
            f"[{FAX_RECEIVE_CONTEXT}]",
            "exten => s,1,CELGenUserEvent(TAMAS,fax=receive&step=Fax)",
            " same => n,Answer()",
            " same => n,CELGenUserEvent(TAMAS,definite=1)",
            f" same => n,Set(TIMEOUT(absolute)={FAX_RECEIVE_SECONDS})",
            " same => n,Set(FAXOPT(ecm)=yes)",
            f" same => n,ReceiveFAX(${{TAMAS_FAX_RECEIVED_DIR}}/{FAX_RECEIVED_NAME},f)",
            " same => n,Hangup()",
            _FAX_END,
            "",
        )
    )


def _campaigns() -> str:
    """What a campaign does before the call flow, or instead of it, needs no process of ours.

    ``TAMAS_DIGITS`` is set by Read even when the caller hung up meanwhile.
    """
    sound = "${TAMAS_DIALER_SOUNDS}/${TAMAS_SOUND}"
    tell = "CELGenUserEvent(TAMAS,input=${FILTER(0-9*#,${TAMAS_DIGITS})})"
    return "\n".join(
        (
            f"[{CAMPAIGN_CONTEXT}]",
            'exten => s,1,GotoIf($["${TAMAS_DETECT}" != "1"]?sound)',
            " same => n,AMD()",
            ' same => n,GotoIf($["${AMDSTATUS}" != "MACHINE"]?sound)',
            " same => n,CELGenUserEvent(TAMAS,machine=1)",
            " same => n,Hangup(16)",
            ' same => n(sound),GotoIf($["${TAMAS_SOUND}" = ""]?route)',
            f" same => n,Read(TAMAS_DIGITS,{sound},{CAMPAIGN_DIGITS},t(),1,{CAMPAIGN_DIGIT_SECONDS})",
            f' same => n(route),GotoIf($["${{TAMAS_ROUTED}}" = "1"]?{ORIGINATED_CONTEXT},s,1)',
            " same => n,Hangup(16)",
            f'exten => h,1,ExecIf($["${{TAMAS_DIGITS}}" != ""]?{tell})',
            " same => n,Hangup()",
            "",
        )
    )


_FAX_EXTENSION: Final = (
    # Asterisk sends a channel here on which it heard a fax machine; nobody else gets anything by dialing it.
    f'exten => fax,1,GotoIf($["${{FAXEXTEN}}" != ""]?{FAX_RECEIVE_CONTEXT},s,1)\n'
    " same => n,CELGenUserEvent(TAMAS,failed=no+such+number)\n"
    " same => n,Hangup(1)"
)
_HANGUP_EXTENSION: Final = "exten => h,1,Hangup()\nexten => failed,1,Hangup()\n"
"""Runs after the hangup. It must end there: priority 2 of ``h`` would be that of the catch-all.

``failed`` is where Asterisk sends what is left of an originate that reached nobody: not a call.
"""
