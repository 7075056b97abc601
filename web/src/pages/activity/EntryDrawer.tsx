import { Stack, Switch, Text } from '@mantine/core';
import { IconFileOff } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { useFormat } from '@/kit/format';
import { KeyValue, Nothing } from '@/kit/KeyValue';
import { EmptyState } from '@/kit/states/EmptyState';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { Code } from '@/kit/text/Code';
import { TimeText } from '@/kit/text/TimeText';
import classes from './activity.module.css';
import { differencesOf, type Entry, useEntryTexts, useFactTexts } from './entries';

/** Names whose numbers are moments. */
const MOMENT = /_at$/;

export interface EntryDrawerProps {
  id: number;
  /** The entry, when the list has it. */
  entry: Entry | undefined;
  onClose: () => void;
}

/** One entry, and what it changed. */
export function EntryDrawer({ id, entry, onClose }: EntryDrawerProps) {
  const { t } = useTranslation('activity');
  const { actionText } = useEntryTexts();
  const read = useRead('/activity/list', { before_id: id + 1, count: 1 }, { enabled: entry === undefined });
  const found = entry ?? read.data?.rows.find((row) => row.id === id);
  return (
    <SideDrawer
      title={found === undefined ? t('entry') : actionText(found.action)}
      onClose={onClose}
      size={720}
    >
      {found !== undefined ? (
        <Details entry={found} />
      ) : read.isError ? (
        <ErrorState error={read.error} onRetry={() => void read.refetch()} />
      ) : read.isPending ? (
        <LoadingState delayed />
      ) : (
        <EmptyState icon={IconFileOff} title={t('goneTitle')} text={t('goneText')} />
      )}
    </SideDrawer>
  );
}

function Details({ entry }: { entry: Entry }) {
  const { t } = useTranslation('activity');
  const { pageText } = useEntryTexts();
  return (
    <Stack gap="lg">
      <KeyValue
        items={[
          [t('column.at'), <TimeText key="at" at={entry.at} />],
          [t('column.account'), entry.account === '' ? t('nobody') : <bdi key="who">{entry.account}</bdi>],
          [t('column.page'), pageText(entry.page)],
          [t('column.subject'), entry.subject !== '' && <bdi key="what">{entry.subject}</bdi>],
          [t('column.address'), <Code key="from">{entry.address}</Code>],
        ]}
      />
      <Differences entry={entry} />
    </Stack>
  );
}

/** Values before and after: those that changed, or all. */
function Differences({ entry }: { entry: Entry }) {
  const { t } = useTranslation('activity');
  const texts = useFactTexts(entry.page);
  const [all, setAll] = useState(false);
  const { before, after } = entry;
  const facts = differencesOf(entry);
  const changed = facts.filter((fact) => fact.changed);
  if (facts.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('noValues')}
      </Text>
    );
  }
  const both = before !== null && after !== null;
  return (
    <section aria-label={t('changes')}>
      <div className={classes.head}>
        <h3 className={classes.heading}>{t(both ? 'changes' : before === null ? 'created' : 'gone')}</h3>
        {both && changed.length < facts.length && (
          <Switch
            label={t('showAll')}
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
        )}
      </div>
      <table className={classes.facts}>
        <thead>
          <tr>
            <th scope="col">{t('name')}</th>
            {before !== null && <th scope="col">{t('before')}</th>}
            {after !== null && <th scope="col">{t('after')}</th>}
          </tr>
        </thead>
        <tbody>
          {(all || !both ? facts : changed).map((fact) => (
            <tr key={fact.name}>
              <th scope="row">{texts.name(fact.name) ?? <Code wrap>{fact.name}</Code>}</th>
              {before !== null && (
                <td data-gone={(both && fact.changed) || undefined}>
                  <Value
                    name={fact.name}
                    value={fact.before}
                    other={both ? fact.after : undefined}
                    texts={texts}
                  />
                </td>
              )}
              {after !== null && (
                <td data-new={(both && fact.changed) || undefined}>
                  <Value
                    name={fact.name}
                    value={fact.after}
                    other={both ? fact.before : undefined}
                    texts={texts}
                  />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface ValueProps {
  name: string;
  value: unknown;
  /** On the other side; of lists, what only one side has stands out. */
  other: unknown;
  texts: ReturnType<typeof useFactTexts>;
}

function Value({ name, value, other, texts }: ValueProps): ReactNode {
  const { t } = useTranslation('activity');
  const format = useFormat();
  if (value === undefined || value === null || value === '') return <Nothing />;
  if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
  if (value === 'yes' || value === 'no') return t(value === 'yes' ? 'yes' : 'no');
  if (typeof value === 'number') return MOMENT.test(name) ? <TimeText at={value} /> : format.number(value);
  if (!Array.isArray(value)) return <bdi>{texts.value(name, String(value))}</bdi>;
  if (value.length === 0) return <Nothing />;
  const there = new Set((Array.isArray(other) ? other : value).map(written));
  return (
    <ul className={classes.list}>
      {value.map(written).map((text) => (
        <li key={text} data-alone={!there.has(text) || undefined}>
          <bdi>{texts.value(name, text)}</bdi>
        </li>
      ))}
    </ul>
  );
}

function written(item: unknown): string {
  return typeof item === 'string' ? item : JSON.stringify(item);
}
