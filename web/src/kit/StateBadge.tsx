import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleOff,
  IconCircleX,
  IconInfoCircle,
  IconPhone,
  IconPlayerPause,
} from '@tabler/icons-react';
import clsx from 'clsx';
import type { ComponentType } from 'react';
import classes from './StateBadge.module.css';

/** ok: as it should be; busy: at work; hold: waiting; warn: look at it; bad: broken; off: not in use; info. */
export type Tone = 'ok' | 'busy' | 'hold' | 'warn' | 'bad' | 'off' | 'idle' | 'info';

type Icon = ComponentType<{ size?: number | string; stroke?: number | string; 'aria-hidden'?: 'true' }>;

const ICONS: Record<Tone, Icon> = {
  ok: IconCircleCheck,
  busy: IconPhone,
  hold: IconPlayerPause,
  warn: IconAlertTriangle,
  bad: IconCircleX,
  off: IconCircleOff,
  idle: IconCircleDashed,
  info: IconInfoCircle,
};

export interface StateBadgeProps {
  tone: Tone;
  label: string;
  /** Told when pointed at. */
  hint?: string;
  /** In place of the tone's own icon. */
  icon?: Icon;
  /** Changes are read out. */
  live?: boolean;
  /** Only the icon where there is little room; the text stays for those who hear it. */
  compact?: boolean;
}

/** A state by colour, icon and words. */
export function StateBadge({ tone, label, hint, icon, live = false, compact = false }: StateBadgeProps) {
  const Icon = icon ?? ICONS[tone];
  return (
    <span
      className={clsx(classes.badge, compact && classes.compact)}
      data-tone={tone}
      role={live ? 'status' : undefined}
      title={hint}
    >
      <Icon size={14} stroke={2} aria-hidden="true" />
      <span className={classes.label}>{label}</span>
    </span>
  );
}
