"""Why a file is not taken. What uploads answer is one text for all; these are for the log and for people."""

from __future__ import annotations

from tamas.errors import TamasError


class MediaRefused(TamasError):
    """A file is not what it should be, or more than it may be; the text says what."""


class NotUnderstood(MediaRefused):
    """Its content is of no kind that is taken here, whatever its name says."""


class CutOff(MediaRefused):
    """It ends before its content does."""


class TooLong(MediaRefused):
    """Its sound lasts longer than allowed."""


class TooManyPages(MediaRefused):
    """Its document has more pages than allowed."""


class PageTooLarge(MediaRefused):
    """A page has more pixels than anybody would fax."""


class LettersMissing(MediaRefused):
    """A text has letters that no font here can show."""


class TooCostly(MediaRefused):
    """Working on it took more time or memory than a file may cost."""


REFUSALS: dict[str, type[MediaRefused]] = {
    kind.__name__: kind
    for kind in (
        MediaRefused,
        NotUnderstood,
        CutOff,
        TooLong,
        TooManyPages,
        PageTooLarge,
        LettersMissing,
        TooCostly,
    )
}
"""All of them by name, for what is worked on in another process."""
