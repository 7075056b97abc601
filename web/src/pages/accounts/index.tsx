import { Button } from '@mantine/core';
import { IconPlus, IconUserCog, IconUsers } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay } from '@/app/session/session';
import { useDrawer } from '@/kit/drawer';
import { PageHeader } from '@/kit/PageHeader';
import { PageTabs, useTab } from '@/kit/PageTabs';
import { SecretOnce } from '@/kit/SecretOnce';
import { AddAccount, EditAccount } from './AccountForm';
import { People } from './People';
import { TypeForm } from './TypeForm';
import { Types } from './Types';

/** What was generated for somebody. */
interface News {
  username: string;
  password: string;
}

/** People who may sign in to the console, and the types that say what they may do. */
export default function Accounts() {
  const { t } = useTranslation('accounts');
  const mayUpdate = useMay()('maintenance.accounts', 'update');
  const [tab, setTab] = useTab(['accounts', 'types']);
  const adding = useDrawer('add');
  const editing = useDrawer('edit');
  const [news, setNews] = useState<News | null>(null);
  const onSecret = useCallback((username: string, password: string) => setNews({ username, password }), []);
  const onTypes = tab === 'types';
  return (
    <>
      <PageHeader>
        {mayUpdate && (
          <Button leftSection={<IconPlus size={16} aria-hidden="true" />} onClick={() => adding.open('1')}>
            {t(onTypes ? 'types.add' : 'add')}
          </Button>
        )}
      </PageHeader>
      <PageTabs
        value={tab}
        onChange={setTab}
        tabs={[
          { id: 'accounts', label: t('tab.accounts'), icon: IconUsers },
          { id: 'types', label: t('tab.types'), icon: IconUserCog },
        ]}
      >
        {onTypes ? <Types onOpen={editing.open} /> : <People onOpen={editing.open} onSecret={onSecret} />}
      </PageTabs>
      {onTypes && (adding.value !== null || editing.value !== null) && (
        <TypeForm
          id={editing.value}
          readOnly={!mayUpdate}
          onClose={editing.value === null ? adding.close : editing.close}
        />
      )}
      {!onTypes && adding.value !== null && mayUpdate && (
        <AddAccount
          onClose={adding.close}
          onAdded={(username, password) => {
            adding.close();
            if (password !== null) onSecret(username, password);
          }}
        />
      )}
      {!onTypes && editing.value !== null && (
        <EditAccount id={editing.value} readOnly={!mayUpdate} onClose={editing.close} />
      )}
      {news !== null && (
        <SecretOnce
          title={t('secretTitle', { name: news.username })}
          secrets={[
            { label: t('field.username.label'), value: news.username },
            { label: t('field.password.label'), value: news.password },
          ]}
          onClose={() => setNews(null)}
        >
          {t('secretText')}
        </SecretOnce>
      )}
    </>
  );
}
