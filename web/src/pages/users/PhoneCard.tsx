import { Button, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconEye, IconEyeOff } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { CopyField } from '@/kit/CopyField';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { Note } from '@/kit/Note';
import { QrCode } from '@/kit/QrCode';
import { StateBadge } from '@/kit/StateBadge';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { useWrite } from '@/kit/write';
import { Contacts } from './Contacts';
import { sipAddress } from './sipAddress';
import classes from './users.module.css';

/** All that a softphone has to be told to register as an extension, and whether it has come. */
export function PhoneCard({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('users');
  const card = useRead('/pbx/users/phone_card', { id });
  return (
    <SideDrawer
      title={card.data === undefined ? t('phone.open') : t('phone.title', { number: card.data.number })}
      onClose={onClose}
      footer={
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('app:close')}
          </Button>
        </Group>
      }
    >
      {card.isError ? (
        <ErrorState error={card.error} onRetry={() => void card.refetch()} />
      ) : card.data === undefined ? (
        <LoadingState delayed />
      ) : (
        <Card id={id} card={card.data} />
      )}
    </SideDrawer>
  );
}

type Facts = NonNullable<ReturnType<typeof useRead<'/pbx/users/phone_card'>>['data']>;

function Card({ id, card }: { id: string; card: Facts }) {
  const { t } = useTranslation('users');
  const mayUpdate = useMay()('pbx.users', 'update');
  const [transport, setTransport] = useState(card.transports[0] ?? 'udp');
  const reveal = useWrite('/pbx/users/reveal');
  const secret = reveal.data?.secret;
  return (
    <Stack gap="lg">
      <Stack gap="xs">
        <Group gap="xs">
          <StateBadge
            tone={card.registered ? 'ok' : 'idle'}
            label={t(card.registered ? 'phone.registered' : 'phone.waiting')}
            live
          />
        </Group>
        {card.contacts.length > 0 && <Contacts contacts={card.contacts} />}
      </Stack>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('phone.explained')}
        </Text>
        <CopyField label={t('phone.server')} value={card.server} />
        <CopyField label={t('phone.port')} value={String(card.port)} />
        <CopyField label={t('phone.user')} value={card.number} />
        {secret !== undefined && <CopyField label={t('phone.secret')} value={secret} />}
        <div>
          <Text size="sm" fw="var(--mantine-font-weight-medium)" component="div" mb={4} id="transport">
            {t('phone.transport')}
          </Text>
          <SegmentedControl
            aria-labelledby="transport"
            value={transport}
            onChange={setTransport}
            data={card.transports.map((value) => ({ value, label: value.toUpperCase() }))}
          />
        </div>
      </Stack>
      {!mayUpdate ? (
        <Note>{t('phone.noRight')}</Note>
      ) : secret === undefined ? (
        <Stack gap="xs" align="flex-start">
          <Button
            leftSection={<IconEye size={16} />}
            loading={reveal.isPending}
            onClick={() => reveal.mutate({ id })}
          >
            {t('phone.reveal')}
          </Button>
          <Text size="xs" c="dimmed">
            {t('phone.revealNote')}
          </Text>
        </Stack>
      ) : (
        <Stack gap="xs">
          <div className={classes.qr}>
            <QrCode value={sipAddress({ ...card, transport, secret })} label={t('phone.qr')} />
            <Text size="xs" c="dimmed" ta="center">
              {t('phone.qrNote')}
            </Text>
          </div>
          <Group justify="flex-start">
            <Button variant="default" leftSection={<IconEyeOff size={16} />} onClick={() => reveal.reset()}>
              {t('phone.hide')}
            </Button>
          </Group>
        </Stack>
      )}
    </Stack>
  );
}
