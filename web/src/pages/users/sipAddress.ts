export interface SipAccount {
  number: string;
  secret: string;
  server: string;
  port: number;
  transport: string;
}

/** An account as a SIP address with its password (RFC 3261, section 19.1.1), for softphones that read codes. */
export function sipAddress({ number, secret, server, port, transport }: SipAccount): string {
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server;
  return `sip:${number}:${escaped(secret)}@${host}:${port};transport=${transport}`;
}

// A password may hold letters, digits and -_.!~*'()&=+$, as they are; everything else is escaped.
function escaped(secret: string): string {
  return encodeURIComponent(secret).replace(/%(26|3D|2B|24|2C)/g, (code) => decodeURIComponent(code));
}
