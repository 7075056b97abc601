import { Button, Code, Group, Stack, Text, Title } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { CenteredScreen } from './CenteredScreen';

export interface CrashProps {
  error: unknown;
  /** The frame around the page failed, too. */
  alone?: boolean;
  /** Called when another page is gone to. */
  onLeave: () => void;
}

/** Instead of a page that failed while it was drawn. */
export function Crash({ error, alone = false, onLeave }: CrashProps) {
  const { t } = useTranslation();
  const stale = isMissingPart(error);
  const shown = (
    <Stack align="flex-start" gap="md" maw={560} mx="auto" py="xl" role="alert">
      <Title order={1}>{t(stale ? 'crash.staleTitle' : 'crash.title')}</Title>
      <Text>{t(stale ? 'crash.staleText' : 'crash.text')}</Text>
      {!stale && (
        <Code block dir="ltr" w="100%">
          {error instanceof Error ? `${error.name}: ${error.message}` : String(error)}
        </Code>
      )}
      <Group gap="xs">
        <Button leftSection={<IconRefresh size={16} />} onClick={() => window.location.reload()}>
          {t('crash.reload')}
        </Button>
        {!stale && (
          <Button variant="default" component={Link} to="/" onClick={onLeave}>
            {t('goHome')}
          </Button>
        )}
      </Group>
    </Stack>
  );
  return alone ? <CenteredScreen>{shown}</CenteredScreen> : shown;
}

/** Whether a file of this build is gone: the server has a newer one. */
function isMissingPart(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    /dynamically imported module|importing a module|module script/i.test(error.message)
  );
}
