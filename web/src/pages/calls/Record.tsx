import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { addressOf } from '@/api/client';
import { useMay } from '@/app/session/session';
import { KeyValue } from '@/kit/KeyValue';
import { Note } from '@/kit/Note';
import { StateBadge } from '@/kit/StateBadge';
import { Code } from '@/kit/text/Code';
import { Duration } from '@/kit/text/Duration';
import { Name } from '@/kit/text/Name';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import classes from './calls.module.css';
import type { CallRecord } from './live';
import { useCallWords } from './words';

/** Everything that was written down about a call that is over. */
export function Record({ record }: { record: CallRecord }) {
  const { t } = useTranslation('calls');
  const words = useCallWords();
  const result = words.disposition(record.disposition);
  const { hangup_cause: cause } = record;
  return (
    <section aria-label={t('record.title')}>
      <h3 className={classes.heading}>{t('record.title')}</h3>
      <Recording record={record} />
      <KeyValue
        items={[
          [t('record.result'), <StateBadge key="result" tone={result.tone} label={result.label} />],
          [t('record.reason'), record.reason !== null && <Reason key="reason" record={record} />],
          [t('record.type'), words.type(record.type)],
          [t('record.from'), <Party key="from" number={record.src} name={record.src_name} />],
          [t('record.to'), record.dst !== '' && <PhoneNumber key="to">{record.dst}</PhoneNumber>],
          [t('record.did'), record.did !== '' && <PhoneNumber key="did">{record.did}</PhoneNumber>],
          [t('record.started'), <TimeText key="started" at={record.started_at} />],
          [
            t('record.answered'),
            record.answered_at !== null && <TimeText key="at" at={record.answered_at} />,
          ],
          [t('record.ended'), <TimeText key="ended" at={record.ended_at} />],
          [t('record.wait'), <Duration key="wait" ms={record.wait_ms} />],
          [t('record.talk'), <Duration key="talk" ms={record.billsec_ms} />],
          [t('record.queue'), record.queue !== null && <PhoneNumber key="queue">{record.queue}</PhoneNumber>],
          [t('record.agent'), record.agent !== null && <PhoneNumber key="agent">{record.agent}</PhoneNumber>],
          [t('record.entry'), record.entry_point !== null && <Name key="entry">{record.entry_point}</Name>],
          [
            t('record.outgoing'),
            record.outgoing_point !== null && <Name key="out">{record.outgoing_point}</Name>,
          ],
          [t('record.cause'), cause !== null && `${words.cause(cause)} (${cause})`],
          [t('record.callId'), <Code key="id">{record.call_id}</Code>],
          [
            t('record.originatedId'),
            record.originated_call_id !== null && <Code key="asked">{record.originated_call_id}</Code>,
          ],
        ]}
      />
    </section>
  );
}

function Party({ number, name }: { number: string; name: string }) {
  return (
    <span className={classes.party}>
      <PhoneNumber>{number}</PhoneNumber>
      {name !== '' && <Name>{name}</Name>}
    </span>
  );
}

/** The server's own words, which are English. */
function Reason({ record }: { record: CallRecord }) {
  return (
    <span lang="en" dir="auto">
      {record.reason}
    </span>
  );
}

/** Plays the recording, for whoever may listen. */
function Recording({ record }: { record: CallRecord }) {
  const { t } = useTranslation('calls');
  const may = useMay();
  const [failed, setFailed] = useState(false);
  if (!record.recorded) return null;
  if (!may('calls', 'play')) return <Note>{t('recording.noRight')}</Note>;
  const address = addressOf('/calls/recording', { call_id: record.call_id });
  return (
    <div className={classes.recording}>
      {failed ? (
        <Note tone="warn">{t('recording.failed')}</Note>
      ) : (
        // biome-ignore lint/a11y/useMediaCaption: a telephone call has no captions
        <audio
          controls
          preload="none"
          src={address}
          aria-label={t('recording.title')}
          onError={() => setFailed(true)}
        />
      )}
      <Button
        variant="default"
        component="a"
        href={address}
        download
        leftSection={<IconDownload size={16} aria-hidden="true" />}
      >
        {t('recording.download')}
      </Button>
    </div>
  );
}
