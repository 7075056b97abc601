import { Loader } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLiveState } from '@/api/live';
import classes from './ConnectionLost.module.css';

const PATIENCE = 2_000;

/** Says that what is on screen does not change by itself at the moment. */
export function ConnectionLost() {
  const { t } = useTranslation();
  const lost = useLiveState() === 'lost';
  const [told, setTold] = useState(false);
  useEffect(() => {
    if (!lost) {
      setTold(false);
      return;
    }
    const timer = setTimeout(() => setTold(true), PATIENCE);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div role="status">
      {told && (
        <div className={classes.bar}>
          <Loader size="xs" color="currentColor" aria-hidden />
          <span>{t('shell.connectionLost')}</span>
        </div>
      )}
    </div>
  );
}
