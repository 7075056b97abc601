import { Button, Group, Modal, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DoneOf } from '@/api/client';
import { CopyField } from '@/kit/CopyField';
import { FormBody } from '@/kit/form/FormBody';
import { TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { QrCode } from '@/kit/QrCode';
import { StateBadge } from '@/kit/StateBadge';
import { useWrite } from '@/kit/write';
import { setCurrent, useSession } from './session';

type Key = DoneOf<'/session/totp_begin'>;

/** Whether signing in takes a second step, and setting it up. */
export function SecondStep() {
  const { t } = useTranslation();
  const { totp } = useSession();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Group justify="space-between" gap="xs" mb="2xs">
        <Title order={2}>{t('profile.secondStep')}</Title>
        <StateBadge tone={totp ? 'ok' : 'off'} label={t(totp ? 'profile.on' : 'profile.off')} />
      </Group>
      <Text size="sm" c="dimmed" mb="md">
        {t('profile.secondStepText')}
      </Text>
      <Button variant={totp ? 'default' : 'filled'} onClick={() => setOpen(true)}>
        {t(totp ? 'profile.turnOff' : 'profile.setUp')}
      </Button>
      <Modal
        opened={open}
        onClose={() => setOpen(false)}
        title={t('profile.secondStep')}
        closeButtonProps={{ 'aria-label': t('close') }}
      >
        {totp ? <TurnOff onDone={() => setOpen(false)} /> : <SetUp onDone={() => setOpen(false)} />}
      </Modal>
    </>
  );
}

function TurnOff({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const form = useKitForm({ initial: { password: '' }, required: ['password'] });
  const end = useWrite('/session/totp_end', {
    form,
    done: t('profile.turnedOff'),
    onDone: (current) => {
      onDone();
      setCurrent(current);
    },
  });
  return (
    <FormBody form={form} onSubmit={(values) => end.mutate(values)}>
      <PasswordField name="password" label={t('profile.confirmItsYou')} autoComplete="current-password" />
      <Button type="submit" color="red.8" loading={end.isPending}>
        {t('profile.turnOff')}
      </Button>
    </FormBody>
  );
}

function SetUp({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [key, setKey] = useState<Key | null>(null);
  const asked = useKitForm({ initial: { password: '' }, required: ['password'] });
  const begin = useWrite('/session/totp_begin', { form: asked, onDone: setKey });
  const shown = useKitForm({ initial: { code: '' }, required: ['code'] });
  const confirm = useWrite('/session/totp_confirm', {
    form: shown,
    done: t('profile.turnedOn'),
    onDone: (current) => {
      onDone();
      setCurrent(current);
    },
  });
  if (key === null) {
    return (
      <FormBody form={asked} onSubmit={(values) => begin.mutate(values)}>
        <PasswordField name="password" label={t('profile.confirmItsYou')} autoComplete="current-password" />
        <Button type="submit" loading={begin.isPending}>
          {t('profile.continue')}
        </Button>
      </FormBody>
    );
  }
  return (
    <FormBody form={shown} onSubmit={(values) => confirm.mutate(values)}>
      <Stack gap="md">
        <Text size="sm">{t('profile.scan')}</Text>
        <Group justify="center">
          <QrCode value={key.uri} label={t('profile.qr')} />
        </Group>
        <CopyField label={t('profile.key')} value={key.secret} />
        <Text size="sm">{t('profile.enterCode')}</Text>
        <TextField name="code" ltr inputMode="numeric" autoComplete="one-time-code" maxLength={10} />
        <Button type="submit" loading={confirm.isPending}>
          {t('profile.turnOn')}
        </Button>
      </Stack>
    </FormBody>
  );
}
