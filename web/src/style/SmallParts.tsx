import { Button, Group, SimpleGrid, Stack, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { CopyField } from '@/kit/CopyField';
import { TimeRangeFilter } from '@/kit/dates/TimeRangeFilter';
import { KeyValue, Nothing } from '@/kit/KeyValue';
import { Note } from '@/kit/Note';
import { notify } from '@/kit/notify';
import { QrCode } from '@/kit/QrCode';
import { StateBadge, type Tone } from '@/kit/StateBadge';
import { Surface } from '@/kit/Surface';
import { Code } from '@/kit/text/Code';
import { Duration } from '@/kit/text/Duration';
import { PhoneNumber } from '@/kit/text/PhoneNumber';
import { TimeText } from '@/kit/text/TimeText';

const TONES: readonly Tone[] = ['ok', 'busy', 'hold', 'warn', 'bad', 'off', 'idle', 'info'];
const HOUR = 3_600_000;
const STARTED = Date.now();

export function SmallParts() {
  const [range, setRange] = useState('');
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Surface>
        <Stack gap="md">
          <Title order={2}>Buttons and notifications</Title>
          <Group gap="xs">
            <Button leftSection={<IconPlus size={16} />}>Primary</Button>
            <Button variant="default">Second</Button>
            <Button variant="light">Light</Button>
            <Button variant="subtle">Subtle</Button>
            <Button color="red.8">Danger</Button>
            <Button loading>Busy</Button>
            <Button disabled>Disabled</Button>
          </Group>
          <Group gap="xs">
            <Button variant="default" onClick={() => notify.done('Extension 101 was added.')}>
              Notify: done
            </Button>
            <Button variant="default" onClick={() => notify.failed('Asterisk is starting or away.')}>
              Notify: failed
            </Button>
          </Group>
          <Title order={2}>States</Title>
          <Group gap="xs">
            {TONES.map((tone) => (
              <StateBadge key={tone} tone={tone} label={tone} hint={`The tone “${tone}”`} />
            ))}
          </Group>
          <Title order={2}>Span of time</Title>
          <Group>
            <TimeRangeFilter value={range} onChange={setRange} />
          </Group>
        </Stack>
      </Surface>
      <Surface>
        <Title order={2} mb="sm">
          Facts
        </Title>
        <KeyValue
          items={[
            ['Phone number', <PhoneNumber key="number">+98 21 1234 5678</PhoneNumber>],
            ['Code', <Code key="code">sip:101@10.0.0.5:5060</Code>],
            ['Moment', <TimeText key="moment" at={STARTED} />],
            ['Date', <TimeText key="date" at={STARTED} as="date" />],
            ['A while ago', <TimeText key="while" at={STARTED - 3 * HOUR} as="relative" />],
            ['Just now', <TimeText key="now" at={STARTED} as="relative" />],
            ['Duration', <Duration key="duration" ms={3_675_000} />],
            ['Growing', <Duration key="growing" since={STARTED - 75_000} />],
            ['Markup is text', '<b onclick="alert(1)">Anna</b>'],
            ['Persian name', 'شرکت تماس‌گستر (۱۰۱)'],
            ['Nothing', null],
            ['Nothing in a row', <Nothing key="nothing" />],
          ]}
        />
      </Surface>
      <Stack gap="md">
        <Note title="Information">Something that helps to understand what stands below.</Note>
        <Note tone="ok">It is as it should be.</Note>
        <Note tone="warn" title="Take care" onClose={() => {}}>
          This change locks out addresses that were used today.
        </Note>
        <Note tone="bad">It could not be saved.</Note>
      </Stack>
      <Surface>
        <Stack gap="md">
          <CopyField label="Token" value="sk_2f8a91c04d5e4b7f9a6c3e1d0b8f7a65" />
          <CopyField
            label="Command"
            multiline
            value={
              'curl -u demo:secret \\\n  -H "Content-Type: application/json" \\\n  http://127.0.0.1:8080/api/v4/pbx/users/search'
            }
          />
          <QrCode value="otpauth://totp/Tamas:admin?secret=JBSWY3DPEHPK3PXP&issuer=Tamas" label="A QR code" />
        </Stack>
      </Surface>
    </SimpleGrid>
  );
}
