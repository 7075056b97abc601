/** Extensions as forms hold them, and as the API does. */
import type { AnswerOf, BodyOf } from '@/api/client';
import type { Checks } from '@/kit/form/checks';
import {
  isBetween,
  isCallerNumber,
  isDialable,
  isEmail,
  isHost,
  isName,
  isNetwork,
  isNumber,
  isPort,
  isRoute,
  isSecret,
  orBlank,
} from '@/pbx/checks';
import { networksOf, textOfNetworks } from '@/pbx/networks';

/** Settings of an extension as the API takes them. */
export type Settings = Required<NonNullable<BodyOf<'/pbx/users/update_many'>['settings']>>;
type Policy = Required<Settings['forward_policy']>;
type Stored = AnswerOf<'/pbx/users/get'>['settings'];

/** Settings as forms hold them: lists of networks are lists. */
export type SettingValues = Record<Exclude<keyof Settings, 'permit' | 'deny' | 'forward_policy'>, string> & {
  permit: string[];
  deny: string[];
  forward_policy: Policy;
};
/** All of an extension. */
export type UserValues = SettingValues & { number: string; name: string; secret: string };

/** A field of a form: a setting, or one of the four forwards. */
export type SettingName = Exclude<keyof Settings, 'forward_policy'> | `forward_policy.${keyof Policy}`;

/** What the store takes for settings that nobody gave. */
export const DEFAULTS: SettingValues = {
  user_type: 'SIP',
  active: 'yes',
  cid_number: '',
  call_record: 'no',
  push_notification: 'no',
  deny: [],
  permit: [],
  dtmfmode: 'rfc2833',
  canreinvite: 'no',
  directmedia: 'no',
  context: 'main_routing',
  host: 'dynamic',
  type: 'friend',
  nat: 'force_rport,comedia',
  port: '5060',
  qualify: 'yes',
  callgroup: '1',
  pickupgroup: '1',
  callcounter: 'yes',
  faxdetect: 'no',
  call_limit: '',
  trunk: 'no',
  transfer: 'no',
  email: '',
  forward_policy: { Busy: '', 'No Answer': '', UnAvailable: '', All: '' },
  more_options: '',
  description: '',
};

/** Settings that cannot be blank: the API takes blank ones for not sent. */
export const NEVER_BLANK = ['context', 'host', 'port', 'callgroup', 'pickupgroup'] as const;

export const SETTING_CHECKS = {
  cid_number: orBlank(isCallerNumber),
  email: orBlank(isEmail),
  context: orBlank(isRoute),
  host: orBlank(isHost),
  port: orBlank(isPort),
  permit: (networks: readonly string[]) => networks.every(isNetwork),
  deny: (networks: readonly string[]) => networks.every(isNetwork),
  callgroup: orBlank(isBetween(0, 63)),
  pickupgroup: orBlank(isBetween(0, 63)),
  call_limit: orBlank(isBetween(0, 9999)),
  'forward_policy.Busy': orBlank(isDialable),
  'forward_policy.No Answer': orBlank(isDialable),
  'forward_policy.UnAvailable': orBlank(isDialable),
  'forward_policy.All': orBlank(isDialable),
} satisfies Checks<SettingValues>;

export const USER_CHECKS = {
  ...SETTING_CHECKS,
  number: orBlank(isNumber),
  name: isName,
  secret: isSecret,
} satisfies Checks<UserValues>;

export function valuesOf(stored: Stored): UserValues {
  const { _id: _, secret: __, permit, deny, ...others } = stored;
  // A secret is never read; what stays blank is kept.
  return { ...others, secret: '', permit: networksOf(permit), deny: networksOf(deny) };
}

/** Settings as the API takes them, whole or some of them. */
export function settingsOf<V extends Partial<SettingValues>>(
  values: V,
): Omit<V, 'permit' | 'deny'> & Settings {
  const { permit, deny, ...others } = values;
  return {
    ...others,
    ...(permit && { permit: textOfNetworks(permit) }),
    ...(deny && { deny: textOfNetworks(deny) }),
  } as Omit<V, 'permit' | 'deny'> & Settings;
}
