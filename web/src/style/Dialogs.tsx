import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { KeyValue } from '@/kit/KeyValue';
import { SecretOnce } from '@/kit/SecretOnce';
import { Surface } from '@/kit/Surface';

export function Dialogs() {
  const [open, setOpen] = useState<'confirm' | 'secret' | 'details' | null>(null);
  const close = () => setOpen(null);
  return (
    <Surface>
      <Group gap="xs">
        <Button variant="default" onClick={() => setOpen('confirm')}>
          Confirm
        </Button>
        <Button variant="default" onClick={() => setOpen('secret')}>
          Secret
        </Button>
        <Button variant="default" onClick={() => setOpen('details')}>
          Details
        </Button>
      </Group>
      <ConfirmDialog
        opened={open === 'confirm'}
        title="Remove extension 101?"
        usedBy={['Queue 700 “Support” has it as agent', '2 calls in progress']}
        confirm="Remove"
        danger
        onConfirm={close}
        onClose={close}
      >
        Its phone is signed off at once. This cannot be taken back.
      </ConfirmDialog>
      {open === 'secret' && (
        <SecretOnce
          title="API account “crm” was added"
          secrets={[
            { label: 'User name', value: 'crm' },
            { label: 'Password', value: 'mP7kQz2RwX9tBv4nLs' },
          ]}
          onClose={close}
        />
      )}
      {open === 'details' && (
        <SideDrawer title="Request 1042" onClose={close}>
          <KeyValue
            items={[
              ['Service', '/pbx/users/add'],
              ['Status', '200'],
            ]}
          />
        </SideDrawer>
      )}
    </Surface>
  );
}
