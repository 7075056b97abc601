import { Button, Checkbox, Modal, Stack } from '@mantine/core';
import { IconEyeExclamation } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyField } from './CopyField';
import { Note } from './Note';

export interface Secret {
  label: string;
  value: string;
  multiline?: boolean;
}

export interface SecretOnceProps {
  title: string;
  /** What is shown this once. */
  secrets: readonly Secret[];
  onClose: () => void;
  children?: ReactNode;
}

/** Shows what was generated and cannot be shown again; closes only when somebody says that it is kept. */
export function SecretOnce({ title, secrets, onClose, children }: SecretOnceProps) {
  const { t } = useTranslation();
  const [kept, setKept] = useState(false);
  return (
    <Modal
      opened
      onClose={onClose}
      size="lg"
      title={title}
      withCloseButton={false}
      closeOnEscape={kept}
      closeOnClickOutside={false}
    >
      <Stack gap="md">
        <Note tone="warn" icon={IconEyeExclamation}>
          {t('secret.once')}
        </Note>
        {secrets.map((secret) => (
          <CopyField key={secret.label} {...secret} />
        ))}
        {children}
        <Checkbox
          label={t('secret.kept')}
          checked={kept}
          onChange={(event) => setKept(event.currentTarget.checked)}
        />
        <Button disabled={!kept} onClick={onClose}>
          {t('close')}
        </Button>
      </Stack>
    </Modal>
  );
}
