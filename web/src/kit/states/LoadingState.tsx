import { Loader } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import classes from './states.module.css';

/** Something is being fetched. `delayed`: shown only when it takes a while, so that nothing flickers. */
export function LoadingState({ delayed = false }: { delayed?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className={classes.state} role="status" data-delayed={delayed || undefined}>
      <Loader size="sm" aria-hidden />
      <div className={classes.text}>{t('state.loading')}</div>
    </div>
  );
}
