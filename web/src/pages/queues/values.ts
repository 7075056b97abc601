/** Queues as forms hold them, and as the API does. */
import type { AnswerOf, BodyOf } from '@/api/client';
import type { Checks } from '@/kit/form/checks';
import { isBetween, isName, isNumber, isSound, orBlank } from '@/pbx/checks';

type Settings = Required<BodyOf<'/pbx/queues/add'>>;

export type QueueValues = Record<keyof Settings, string>;

/** What the store takes for settings that nobody gave. */
export const DEFAULTS: QueueValues = {
  name: '',
  number: '',
  strategy: 'ringall',
  ringinuse: 'no',
  call_record: 'yes',
  setinterfacevar: 'yes',
  autofill: 'yes',
  setqueuevar: 'yes',
  setqueueentryvar: 'yes',
  persistentmembers: 'no',
  shared_lastcall: 'no',
  announce_holdtime: 'no',
  announce_position: 'yes',
  joinempty: 'strict',
  leavewhenempty: 'yes',
  reportholdtime: 'no',
  maxlen: '0',
  announce_frequency: '120',
  min_announce_frequency: '60',
  periodic_announce_frequency: '120',
  music: 'default',
  queue_callswaiting: 'queue-callswaiting',
  queue_thankyou: 'queue-thankyou',
  queue_thereare: 'queue-thereare',
  queue_youarenext: 'queue-youarenext',
  retry: '5',
  servicelevel: '60',
  timeout: '30',
  weight: '10',
  wrapuptime: '1',
  monitor_type: 'MixMonitor',
  monitor_format: 'wav',
  more_options: '',
};

/** Fields that must be filled in: the API takes blank ones for not sent. */
export const REQUIRED = [
  'number',
  'name',
  'timeout',
  'retry',
  'wrapuptime',
  'maxlen',
  'weight',
  'servicelevel',
  'announce_frequency',
  'min_announce_frequency',
  'periodic_announce_frequency',
] as const satisfies readonly (keyof QueueValues)[];

/** Longest time in seconds: a day. */
export const DAY = 86_400;
export const MOST = 99_999;

const isSeconds = orBlank(isBetween(0, DAY));
const isCount = orBlank(isBetween(0, MOST));

export const CHECKS = {
  number: orBlank(isNumber),
  name: isName,
  timeout: isSeconds,
  retry: isSeconds,
  wrapuptime: isSeconds,
  servicelevel: isSeconds,
  announce_frequency: isSeconds,
  min_announce_frequency: isSeconds,
  periodic_announce_frequency: isSeconds,
  maxlen: isCount,
  weight: isCount,
  music: orBlank(isSound),
  queue_callswaiting: orBlank(isSound),
  queue_thankyou: orBlank(isSound),
  queue_thereare: orBlank(isSound),
  queue_youarenext: orBlank(isSound),
} satisfies Checks<QueueValues>;

export function valuesOf({ _id: _, ...stored }: AnswerOf<'/pbx/queues/get'>['settings']): QueueValues {
  return stored;
}

/** Settings as the API takes them, whole or some of them. */
export function settingsOf<V extends Partial<QueueValues>>(values: V): V & Settings {
  return values as V & Settings;
}
