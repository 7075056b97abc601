import { Button, Code, Group, Stack, Text, Title } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';
import { CenteredScreen } from './CenteredScreen';

/** Instead of a page that failed while it was drawn. `alone`: the frame around it failed, too. */
export function Crash({ alone = false }: { alone?: boolean }) {
  const { t } = useTranslation();
  const error = useRouteError();
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
          <Button variant="default" component={Link} to="/">
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
    error instanceof TypeError && /dynamically imported module|importing a module|module script/i.test(error.message)
  );
}
