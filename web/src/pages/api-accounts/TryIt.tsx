import { Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { CopyField } from '@/kit/CopyField';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { Note } from '@/kit/Note';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { type Auth, curlOf, PASSWORD, TOKEN } from './curl';
import { allowedOf, type Branch, type Service, type Services, treeOf } from './permissions';
import { useServiceTexts } from './serviceTexts';
import classes from './TryIt.module.css';

/** What a command needs to know of an account. */
export interface TriedAccount {
  username: string;
  auth: Auth;
  enabled: boolean;
  permissions: readonly string[];
}

interface TryItProps {
  account: TriedAccount;
  /** Secrets that are shown right now. */
  password?: string | null;
  token?: string | null;
}

/** A command that calls one of an account's services, ready to be copied. */
export function TryIt(props: TryItProps) {
  const services = useRead('/api_accounts/services');
  if (services.isError) {
    return <ErrorState error={services.error} onRetry={() => void services.refetch()} />;
  }
  if (services.data === undefined) return <LoadingState delayed />;
  return <Choice {...props} services={services.data} />;
}

function Choice({ services, ...tried }: TryItProps & { services: Services }) {
  const { t } = useTranslation('api-accounts');
  const { branchText } = useServiceTexts();
  const root = treeOf(services);
  const [chosen, setChosen] = useState<string | null>(null);
  const allowed = allowedOf(tried.account.permissions, root);
  const permission = chosen ?? allowed[0]?.permission;
  if (permission === undefined) return <Note tone="warn">{t('tryNothing')}</Note>;
  return (
    <Stack gap="md">
      <Select
        label={t('tryService')}
        description={t('tryServiceHelp')}
        searchable
        classNames={{ input: classes.ltr }}
        data={choices(root, new Set(allowed), branchText)}
        value={permission}
        onChange={(next) => next !== null && setChosen(next)}
      />
      <Command {...tried} permission={permission} />
    </Stack>
  );
}

function Command({
  account: { username, auth },
  password = null,
  token = null,
  permission,
}: TryItProps & { permission: string }) {
  const { t } = useTranslation('api-accounts');
  const example = useRead('/api_accounts/example', { permission });
  if (example.isError) return <ErrorState error={example.error} onRetry={() => void example.refetch()} />;
  if (example.data === undefined) return <LoadingState delayed />;
  const unknown = [
    ...(auth !== 'token' && password === null ? [PASSWORD] : []),
    ...(auth !== 'basic' && token === null ? [TOKEN] : []),
  ];
  return (
    <>
      <CopyField
        label={t('tryCommand')}
        multiline
        value={curlOf(example.data, { username, auth, password, token })}
      />
      {unknown.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('tryUnknown', { names: unknown.join(', '), count: unknown.length })}
        </Text>
      )}
    </>
  );
}

/** The permitted services by the groups they stand in. */
function choices(
  branch: Branch,
  allowed: ReadonlySet<Service>,
  nameOf: (branch: Branch) => string,
): { group: string; items: string[] }[] {
  const items = branch.services
    .filter((service) => allowed.has(service))
    .map((service) => service.permission);
  const inner = branch.branches.flatMap((one) => choices(one, allowed, nameOf));
  return items.length === 0 ? inner : [{ group: nameOf(branch), items }, ...inner];
}

/** {@link TryIt} at the side of the list. */
export function TryItDrawer({ account, onClose }: { account: TriedAccount; onClose: () => void }) {
  const { t } = useTranslation('api-accounts');
  return (
    <SideDrawer title={t('tryTitle', { name: account.username })} onClose={onClose}>
      <Stack gap="md">
        {!account.enabled && <Note tone="warn">{t('tryDisabled')}</Note>}
        <Text size="sm">{t(`tryMode.${account.auth}`)}</Text>
        <TryIt account={account} />
        <Text size="sm" c="dimmed">
          {t('tryAddress')}
        </Text>
      </Stack>
    </SideDrawer>
  );
}
