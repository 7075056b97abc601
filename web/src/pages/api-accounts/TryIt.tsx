import { Select, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { CopyField } from '@/kit/CopyField';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { Note } from '@/kit/Note';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { type Auth, curlOf, PASSWORD, TOKEN, useDocument } from './curl';
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
  const document = useDocument();
  const failed = [services, document].find((query) => query.isError);
  if (failed !== undefined) return <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />;
  if (services.data === undefined || document.data === undefined) return <LoadingState delayed />;
  return <Command {...props} services={services.data} document={document.data} />;
}

function Command({
  account,
  password = null,
  token = null,
  services,
  document,
}: TryItProps & { services: Services; document: Parameters<typeof curlOf>[0] }) {
  const { t } = useTranslation('api-accounts');
  const { branchText } = useServiceTexts();
  const root = treeOf(services);
  const [chosen, setChosen] = useState<string | null>(null);
  const allowed = allowedOf(account.permissions, root);
  const permission = chosen ?? allowed[0]?.permission;
  if (permission === undefined) return <Note tone="warn">{t('tryNothing')}</Note>;
  const { username, auth } = account;
  const unknown = [
    ...(auth !== 'token' && password === null ? [PASSWORD] : []),
    ...(auth !== 'basic' && token === null ? [TOKEN] : []),
  ];
  return (
    <Stack gap="md">
      <Select
        label={t('tryService')}
        description={t('tryServiceHelp')}
        searchable
        data={choices(root, new Set(allowed), branchText)}
        value={permission}
        onChange={(next) => next !== null && setChosen(next)}
        classNames={{ input: classes.ltr }}
      />
      <CopyField
        label={t('tryCommand')}
        multiline
        value={curlOf(document, permission, { username, auth, password, token })}
      />
      {unknown.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('tryUnknown', { names: unknown.join(', '), count: unknown.length })}
        </Text>
      )}
    </Stack>
  );
}

function choices(branch: Branch, allowed: ReadonlySet<Service>, nameOf: (branch: Branch) => string) {
  const items = branch.services
    .filter((service) => allowed.has(service))
    .map((service) => service.permission);
  const inner: { group: string; items: string[] }[] = branch.branches.flatMap((one) =>
    choices(one, allowed, nameOf),
  );
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
