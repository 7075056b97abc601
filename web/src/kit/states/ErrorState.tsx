import { Button, Title } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX, IconRefresh } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { asApiError } from '@/api/errors';
import { useErrorText } from '../errors';
import classes from './states.module.css';

/** Something could not be read; offers to try again. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const errorText = useErrorText();
  const failure = asApiError(error);
  const Icon = failure.status === 0 || failure.status === 503 ? IconPlugConnectedX : IconAlertTriangle;
  return (
    <div className={classes.state} role="alert" data-bad>
      <div className={classes.icon} aria-hidden="true">
        <Icon size={28} stroke={1.5} />
      </div>
      <Title order={2}>{t('state.failed')}</Title>
      <div className={classes.text}>{errorText(failure)}</div>
      {onRetry !== undefined && (
        <Button mt="xs" variant="default" leftSection={<IconRefresh size={16} />} onClick={onRetry}>
          {t('state.retry')}
        </Button>
      )}
    </div>
  );
}
