import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Note } from '../Note';
import classes from './dialogs.module.css';

export interface ConfirmDialogProps {
  opened: boolean;
  /** The question: "Remove extension 101?" */
  title: string;
  /** What will happen. */
  children?: ReactNode;
  /** Things that use what is about to go, each in a few words. */
  usedBy?: readonly ReactNode[];
  /** The word for yes: "Remove". */
  confirm: string;
  /** In place of "Cancel". */
  cancel?: string;
  /** Yes cannot be taken back. */
  danger?: boolean;
  busy?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that matters. */
export function ConfirmDialog({
  opened,
  title,
  children,
  usedBy = [],
  confirm,
  cancel,
  danger = false,
  busy = false,
  onConfirm,
  onClose,
}: ConfirmDialogProps) {
  const { t } = useTranslation();
  // Only there while it is open: the key that closes what lies below must not close it in the same breath.
  if (!opened) return null;
  return (
    <Modal
      opened
      onClose={onClose}
      title={title}
      closeButtonProps={{ 'aria-label': t('close') }}
      zIndex={300}
    >
      <Stack gap="md">
        {children !== undefined && (
          <Text size="sm" component="div">
            {children}
          </Text>
        )}
        {usedBy.length > 0 && (
          <Note tone="warn" title={t('confirm.usedBy')}>
            <ul className={classes.uses}>
              {usedBy.map((use, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the list is shown once and never reordered
                <li key={index}>{use}</li>
              ))}
            </ul>
          </Note>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus={danger || undefined}>
            {cancel ?? t('cancel')}
          </Button>
          <Button color={danger ? 'red.8' : undefined} loading={busy} onClick={onConfirm}>
            {confirm}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
