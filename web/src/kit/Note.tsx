import { CloseButton } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from '@tabler/icons-react';
import type { ComponentType, ReactNode, Ref } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './Note.module.css';

export type NoteTone = 'info' | 'ok' | 'warn' | 'bad';

const ICONS = { info: IconInfoCircle, ok: IconCircleCheck, warn: IconAlertTriangle, bad: IconCircleX };

export interface NoteProps {
  tone?: NoteTone;
  title?: string;
  children?: ReactNode;
  icon?: ComponentType<{ size?: number | string; stroke?: number | string }>;
  /** Read out at once: it came up by itself or by what somebody just did. */
  urgent?: boolean;
  onClose?: () => void;
  ref?: Ref<HTMLDivElement>;
}

/** Something to know about what stands below it. */
export function Note({ tone = 'info', title, children, icon, urgent = false, onClose, ref }: NoteProps) {
  const { t } = useTranslation();
  const Icon = icon ?? ICONS[tone];
  return (
    <div ref={ref} className={classes.note} data-tone={tone} role={urgent ? 'alert' : undefined}>
      <div className={classes.icon} aria-hidden="true">
        <Icon size={20} stroke={1.75} />
      </div>
      <div className={classes.words}>
        {title !== undefined && <strong className={classes.title}>{title}</strong>}
        {children !== undefined && <div>{children}</div>}
      </div>
      {onClose !== undefined && (
        <CloseButton className={classes.close} size="sm" aria-label={t('close')} onClick={onClose} />
      )}
    </div>
  );
}
