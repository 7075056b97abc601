import { Anchor, Button, Group, Stack } from '@mantine/core';
import { IconFileOff, IconFilter } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { CopyButton } from '@/kit/CopyField';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { useFormat } from '@/kit/format';
import { KeyValue } from '@/kit/KeyValue';
import { Note } from '@/kit/Note';
import { EmptyState } from '@/kit/states/EmptyState';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { Code } from '@/kit/text/Code';
import { TimeText } from '@/kit/text/TimeText';
import classes from './filters.module.css';
import { RequestStatus } from './RequestStatus';
import { type Explanation, explanationOf, outcomeOf, type Request, TONES } from './requests';

/** What the list can be narrowed to from here. */
export type Narrowing = Partial<Record<'account' | 'address' | 'service', string>>;

/** Pages on which something can be done about a refusal. */
const REMEDIES: Partial<Record<Explanation, readonly [page: string, path: string]>> = {
  address: ['maintenance.settings', '/maintenance/settings'],
  permission: ['maintenance.api_accounts', '/maintenance/api-accounts'],
  wrong: ['maintenance.api_accounts', '/maintenance/api-accounts'],
};

export interface RequestDrawerProps {
  id: number;
  /** The request, when the list has it. */
  request: Request | undefined;
  onClose: () => void;
  onNarrow: (narrowing: Narrowing) => void;
}

/** All that is known of a request. */
export function RequestDrawer({ id, request, onClose, onNarrow }: RequestDrawerProps) {
  const { t } = useTranslation('api-logs');
  const read = useRead('/api_log/list', { before_id: id + 1, count: 1 }, { enabled: request === undefined });
  const found = request ?? read.data?.rows.find((row) => row.id === id);
  return (
    <SideDrawer title={t('request')} onClose={onClose}>
      {found !== undefined ? (
        <Details request={found} onNarrow={onNarrow} />
      ) : read.isError ? (
        <ErrorState error={read.error} onRetry={() => void read.refetch()} />
      ) : read.isPending ? (
        <LoadingState delayed />
      ) : (
        <EmptyState icon={IconFileOff} title={t('goneTitle')} text={t('goneText')} />
      )}
    </SideDrawer>
  );
}

function Details({ request, onNarrow }: { request: Request; onNarrow: (narrowing: Narrowing) => void }) {
  const { t } = useTranslation('api-logs');
  const format = useFormat();
  const { account, address, service } = request;
  return (
    <Stack gap="lg">
      <Explained request={request} />
      <KeyValue
        items={[
          [t('column.at'), <TimeText key="at" at={request.at} />],
          [t('column.status'), <RequestStatus key="status" of={request} />],
          [t('column.account'), account === null ? t('nobody') : <bdi key="account">{account}</bdi>],
          [t('column.address'), <Code key="address">{address}</Code>],
          [
            t('column.service'),
            <Code key="service" wrap>
              {service}
            </Code>,
          ],
          [t('column.method'), <Code key="method">{request.method}</Code>],
          [t('column.message'), request.message && <bdi key="message">{request.message}</bdi>],
          [t('column.error_field'), request.error_field && <Code key="field">{request.error_field}</Code>],
          [t('column.duration'), durationText(request, format)],
          [
            t('column.request_id'),
            <Group key="id" gap="2xs" wrap="nowrap">
              <Code wrap>{request.request_id}</Code>
              <CopyButton label={t('column.request_id')} value={request.request_id} />
            </Group>,
          ],
        ]}
      />
      <div className={classes.links}>
        {account !== null && (
          <NarrowButton label={t('narrow.account')} onClick={() => onNarrow({ account })} />
        )}
        <NarrowButton label={t('narrow.address')} onClick={() => onNarrow({ address })} />
        <NarrowButton label={t('narrow.service')} onClick={() => onNarrow({ service })} />
      </div>
    </Stack>
  );
}

function NarrowButton({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <Button
      variant="default"
      size="compact-md"
      leftSection={<IconFilter size={14} aria-hidden="true" />}
      onClick={onClick}
    >
      {label}
    </Button>
  );
}

/** Why it was not done, and what helps. */
function Explained({ request }: { request: Request }) {
  const { t } = useTranslation('api-logs');
  const may = useMay();
  const explanation = explanationOf(request);
  if (explanation === null) return null;
  const [page, path] = REMEDIES[explanation] ?? [];
  return (
    <Note
      tone={TONES[outcomeOf(request)] === 'bad' ? 'bad' : 'warn'}
      title={t(`explained.${explanation}.title`)}
    >
      {t(`explained.${explanation}.text`, {
        field: request.error_field,
        service: request.service,
        address: request.address,
        account: request.account,
      })}
      {page !== undefined && path !== undefined && may(page, 'read') && (
        <div>
          <Anchor component={Link} to={path} size="sm">
            {t(`remedy.${page.replace('.', '_')}`)}
          </Anchor>
        </div>
      )}
    </Note>
  );
}

/** How long it took, in milliseconds. */
function durationText({ duration_us: us }: Request, format: ReturnType<typeof useFormat>): string {
  return format.number(us / 1000, {
    style: 'unit',
    unit: 'millisecond',
    maximumFractionDigits: us < 100_000 ? 1 : 0,
  });
}
