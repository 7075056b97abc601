import { ActionIcon, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './CopyField.module.css';
import { copyText } from './copy';

/** So long it says that it was copied. */
const SHOWN = 2_000;

export interface CopyFieldProps {
  /** What it is: "Token". */
  label: string;
  value: string;
  /** Keeps line breaks: for a command or a program. */
  multiline?: boolean;
}

/** A value to be taken elsewhere, with a button that copies it. */
export function CopyField({ label, value, multiline = false }: CopyFieldProps) {
  return (
    <div className={classes.field}>
      <span className={classes.label}>{label}</span>
      <div className={classes.box} data-multiline={multiline || undefined}>
        {multiline ? (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
          <pre className={classes.value} dir="ltr" tabIndex={0}>
            {value}
          </pre>
        ) : (
          <code className={classes.value} dir="ltr">
            {value}
          </code>
        )}
        <CopyButton label={label} value={value} />
      </div>
    </div>
  );
}

/** Only the button. */
export function CopyButton({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <Tooltip label={t(copied ? 'copy.done' : 'copy.do')}>
      <ActionIcon
        variant="subtle"
        color={copied ? 'teal.8' : 'gray'}
        size="lg"
        aria-label={copied ? t('copy.done') : t('copy.what', { what: label })}
        onClick={() => void copyText(value).then(setCopied)}
      >
        {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}
