"""One job of :mod:`tamas.media.apart`; not for people."""

from tamas.media.apart import serve_one_job

serve_one_job()
