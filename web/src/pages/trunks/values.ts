/** Trunks as forms hold them, and as the API does. */
import type { AnswerOf, BodyOf } from '@/api/client';
import type { Checks } from '@/kit/form/checks';
import { isHost, isNetwork, isPort, isRoute, isTrunkName, orBlank } from '@/pbx/checks';
import { networksOf, textOfNetworks } from '@/pbx/networks';
import { NO_REGISTRATION, partsOf, type Registration, textOf } from './registration';

type Settings = Required<BodyOf<'/pbx/trunks/add'>>;
type Stored = AnswerOf<'/pbx/trunks/get'>['settings'];

type SettingValues = Record<Exclude<keyof Settings, 'permit' | 'deny' | 'allow' | 'disallow'>, string> & {
  permit: string[];
  deny: string[];
  allow: string[];
  disallow: string[];
};
/** `registers` and `registration` are the register string in a form that people can fill in. */
export type TrunkValues = SettingValues & { registers: 'yes' | 'no'; registration: Registration };

/** What the store takes for settings that nobody gave. */
export const DEFAULTS: TrunkValues = {
  trunk_type: 'SIP',
  name: '',
  register_string: '',
  active: 'yes',
  deny: [],
  permit: [],
  dtmfmode: 'rfc2833',
  canreinvite: 'no',
  directmedia: 'no',
  context: 'incoming',
  host: '',
  type: 'friend',
  nat: 'force_rport,comedia',
  port: '5060',
  qualify: 'yes',
  insecure: 'port,invite',
  disallow: ['all'],
  allow: ['ulaw', 'alaw'],
  more_options: '',
  description: '',
  registers: 'no',
  registration: NO_REGISTRATION,
};

const SIP_USER = /^[\w.+*-]{1,64}$/;
const PASSWORD = /^[!-~](?:[ -~]{0,126}[!-~])?$/;
const SIP_NAME = /^[\w.+*#@!~=/-]{1,64}$/;

/** A check of the registration, which is only asked for when the trunk registers. */
const registers =
  (fits: (value: string) => boolean) =>
  (value: string, values: TrunkValues): boolean =>
    values.registers === 'no' || fits(value);

export const CHECKS = {
  name: orBlank(isTrunkName),
  host: orBlank(isHost),
  port: orBlank(isPort),
  context: orBlank(isRoute),
  permit: (networks: readonly string[]) => networks.every(isNetwork),
  deny: (networks: readonly string[]) => networks.every(isNetwork),
  'registration.user': registers(orBlank((value) => SIP_USER.test(value))),
  'registration.host': registers(orBlank(isHost)),
  'registration.port': registers(orBlank(isPort)),
  'registration.domain': registers(orBlank(isHost)),
  'registration.secret': registers((value) => value === '' || PASSWORD.test(value)),
  'registration.auth_user': registers((value) => value === '' || SIP_NAME.test(value)),
  'registration.number': registers((value) => value === '' || SIP_USER.test(value)),
} satisfies Checks<TrunkValues>;

/** Names of fields that must be filled in: the API takes blank settings for not sent. */
export function required({ trunk_type, registers: on }: TrunkValues): string[] {
  if (trunk_type === 'DAHDI') return ['name', 'context'];
  const registration = on === 'yes' ? ['registration.user', 'registration.host'] : [];
  return ['name', 'context', 'port', 'allow', ...registration];
}

export function valuesOf({ _id: _, ...stored }: Stored): TrunkValues {
  return {
    ...stored,
    permit: networksOf(stored.permit),
    deny: networksOf(stored.deny),
    allow: listOf(stored.allow),
    disallow: listOf(stored.disallow),
    registers: stored.register_string === '' ? 'no' : 'yes',
    registration: stored.register_string === '' ? NO_REGISTRATION : partsOf(stored.register_string),
  };
}

/** Settings as the API takes them. */
export function settingsOf({ registers: on, registration: _, ...values }: TrunkValues): Settings {
  return {
    ...values,
    permit: textOfNetworks(values.permit),
    deny: textOfNetworks(values.deny),
    allow: values.allow.join(','),
    disallow: values.disallow.join(','),
    register_string: on === 'yes' ? values.register_string : '',
  } as Settings;
}

/** The form after a part of the registration was written: the register string follows. */
export function withRegistration(part: Partial<Registration>, before: Registration) {
  const registration = { ...before, ...part };
  return { registration, register_string: textOf(registration) };
}

function listOf(text: string): string[] {
  return text.split(',').filter((item) => item !== '');
}
