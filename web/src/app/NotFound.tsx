import { IconMapQuestion } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/kit/states/EmptyState';

/** Instead of a page that does not exist. */
export default function NotFound() {
  const { t } = useTranslation();
  return (
    <>
      <title>{`${t('notFound.title')} · ${t('product')}`}</title>
      <EmptyState
        icon={IconMapQuestion}
        level={1}
        title={t('notFound.title')}
        text={t('notFound.text')}
        home
      />
    </>
  );
}
