import { Button, Group } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { DoneOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { Note } from '@/kit/Note';
import { notify } from '@/kit/notify';
import { SecretOnce } from '@/kit/SecretOnce';
import { csvOf, download } from './csv';
import { NUMBER_PLACE, spansOf } from './ranges';

export interface RangeAddedProps {
  outcome: DoneOf<'/pbx/users/add_range'>;
  /** Name of the new extensions, with the place of the number. */
  pattern: string;
  onClose: () => void;
}

/** What became of a range: secrets that were generated, and numbers that were taken already. */
export function RangeAdded({ outcome, pattern, onClose }: RangeAddedProps) {
  const { t } = useTranslation('users');
  const format = useFormat();
  const { added, existing } = outcome;
  const withSecret = added.filter((one) => one.secret !== null);
  const title = t('rangeAdded', { count: added.length });
  const taken =
    existing.length === 0
      ? null
      : t('rangeExisting', { count: existing.length, numbers: format.list(spansOf(existing)) });

  const finish = useEffectEvent(() => {
    notify.done(title);
    if (taken !== null) notify.failed(taken);
    onClose();
  });
  const nothingToKeep = withSecret.length === 0;
  useEffect(() => {
    if (nothingToKeep) finish();
  }, [nothingToKeep]);
  if (nothingToKeep) return null;

  const rows = withSecret.map((one) => [
    one.number,
    pattern.replaceAll(NUMBER_PLACE, one.number),
    one.secret ?? '',
  ]);
  const name = `extensions-${rows[0]?.[0]}-${rows.at(-1)?.[0]}.csv`;
  return (
    <SecretOnce
      title={title}
      secrets={[
        {
          label: t('rangeSecrets'),
          value: rows.map(([number, , secret]) => `${number}  ${secret}`).join('\n'),
          multiline: true,
        },
      ]}
      onClose={onClose}
    >
      <Group>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          onClick={() => download(name, csvOf([['number', 'name', 'secret'], ...rows]))}
        >
          {t('downloadCsv')}
        </Button>
      </Group>
      {taken !== null && <Note tone="warn">{taken}</Note>}
    </SecretOnce>
  );
}
