import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { addressOf, type QueryOf, type ReadPath } from '@/api/client';

/** Downloads what a service exports, with the filters that are set. */
export function ExportButton<P extends ReadPath>({ path, query }: { path: P; query?: QueryOf<P> }) {
  const { t } = useTranslation();
  return (
    <Button
      variant="default"
      component="a"
      href={addressOf(path, query)}
      download
      leftSection={<IconDownload size={16} />}
    >
      {t('exportCsv')}
    </Button>
  );
}
