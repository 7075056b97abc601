import { Button, Group, Stack } from '@mantine/core';
import { IconDeviceMobile } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { AnswerOf } from '@/api/client';
import { useFormat } from '@/kit/format';
import { KeyValue } from '@/kit/KeyValue';
import { Surface } from '@/kit/Surface';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';
import { PhoneStateBadge } from '@/pbx/PhoneStateBadge';
import { Contacts } from './Contacts';

export interface UserNowProps {
  user: AnswerOf<'/pbx/users/get'>;
  onPhone: () => void;
}

/** How an extension is at this moment: its phones, and who sits there. */
export function UserNow({ user, onPhone }: UserNowProps) {
  const { t } = useTranslation('users');
  const format = useFormat();
  return (
    <Surface>
      <Stack gap="sm">
        <Group justify="space-between" gap="xs">
          <PhoneStateBadge state={user.state} live />
          <Button
            variant="light"
            size="compact-md"
            leftSection={<IconDeviceMobile size={16} />}
            onClick={onPhone}
          >
            {t('phone.open')}
          </Button>
        </Group>
        <Contacts contacts={user.contacts} fixed={user.settings.host !== 'dynamic'} />
        <KeyValue
          items={[
            [t('now.queues'), user.queues.length > 0 && <bdi>{format.list(user.queues)}</bdi>],
            [t('now.mapped'), user.mapped !== null && <PhoneNumber>{user.mapped}</PhoneNumber>],
            [t('now.changed'), <TimeText key="at" at={user.updated_at} as="relative" />],
          ]}
        />
      </Stack>
    </Surface>
  );
}
