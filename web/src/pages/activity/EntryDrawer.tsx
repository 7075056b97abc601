import { Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { useFormat } from '@/kit/format';
import { KeyValue, Nothing } from '@/kit/KeyValue';
import { Code } from '@/kit/text/Code';
import { TimeText } from '@/kit/text/TimeText';
import { differencesOf, type Entry, useEntryTexts } from './entries';

/** Names whose numbers are moments. */
const MOMENT = /_at$/;

/** One entry, and what it changed. */
export function EntryDrawer({ entry, onClose }: { entry: Entry; onClose: () => void }) {
  const { t } = useTranslation('activity');
  const { pageText, actionText, nameText } = useEntryTexts();
  const differences = differencesOf(entry);
  return (
    <SideDrawer title={actionText(entry.action)} onClose={onClose} size={720}>
      <Stack gap="lg">
        <KeyValue
          items={[
            [t('column.at'), <TimeText key="at" at={entry.at} />],
            [t('column.account'), entry.account === '' ? t('nobody') : <bdi key="who">{entry.account}</bdi>],
            [t('column.page'), pageText(entry.page)],
            [t('column.subject'), entry.subject === '' ? null : <bdi key="what">{entry.subject}</bdi>],
            [t('column.address'), <Code key="from">{entry.address}</Code>],
          ]}
        />
        {differences.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('noValues')}
          </Text>
        ) : (
          <Table layout="fixed" verticalSpacing="xs" aria-label={t('changes')}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">{t('name')}</Table.Th>
                {entry.before !== null && <Table.Th scope="col">{t('before')}</Table.Th>}
                {entry.after !== null && <Table.Th scope="col">{t('after')}</Table.Th>}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {differences.map(({ name, before, after }) => (
                <Table.Tr key={name}>
                  <Table.Th scope="row" fw={500} style={{ overflowWrap: 'anywhere' }}>
                    {nameText(name) ?? <Code wrap>{name}</Code>}
                  </Table.Th>
                  {entry.before !== null && <Cell name={name} value={before} />}
                  {entry.after !== null && <Cell name={name} value={after} />}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </SideDrawer>
  );
}

function Cell({ name, value }: { name: string; value: unknown }) {
  const { t } = useTranslation('activity');
  const format = useFormat();
  return <Table.Td style={{ overflowWrap: 'anywhere', verticalAlign: 'top' }}>{shown()}</Table.Td>;

  function shown(): ReactNode {
    if (value === undefined || value === null || value === '') return <Nothing />;
    if (Array.isArray(value) && value.length === 0) return <Nothing />;
    if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
    if (value === 'yes' || value === 'no') return t(value === 'yes' ? 'yes' : 'no');
    if (typeof value === 'number') return MOMENT.test(name) ? <TimeText at={value} /> : format.number(value);
    if (Array.isArray(value)) {
      return value.map((item) => {
        const text = typeof item === 'string' ? item : JSON.stringify(item);
        return (
          <bdi key={text} style={{ display: 'block' }}>
            {text}
          </bdi>
        );
      });
    }
    return <bdi>{String(value)}</bdi>;
  }
}
