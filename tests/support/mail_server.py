"""A mail server on loopback (aiosmtpd): takes mail, refuses it, asks for an account, encrypts."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import ipaddress
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.ports import free_port

ACCOUNT, PASSWORD = "tamas", "m4il-s3cret"
REFUSED = "nobody@example.com"


class MailBin:
    """What came. With a certificate the server encrypts, and takes only what :data:`ACCOUNT` sends."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        context = None
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=context,
            require_starttls=context is not None,
            authenticator=self._check,
            auth_required=context is not None,
        )

    def __enter__(self) -> MailBin:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of Tamas for it."""
        values = {"host": "127.0.0.1", "port": self.port, "security": "none", "sender": "pbx@example.com"}
        return {f"smtp.{name}": value for name, value in (values | more).items()}

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take every receiver but one."""
        if address == REFUSED:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail."""
        content = cast("bytes", envelope.content)
        self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 kept"

    def _check(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        right = LoginPassword(ACCOUNT.encode(), PASSWORD.encode())
        return AuthResult(success=data == right, handled=False)


def make_certificate(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
