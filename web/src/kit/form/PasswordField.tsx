import { Button, Group, PasswordInput, Progress, Text } from '@mantine/core';
import { IconWand } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type FieldProps, useField } from './field';
import classes from './form.module.css';
import { generatedPassword, strengthOf } from './password';

export interface PasswordFieldProps extends FieldProps {
  /** Shows how hard it is to guess. */
  strength?: boolean;
  /** Offers to make one. */
  generate?: boolean;
  autoComplete?: 'current-password' | 'new-password' | 'off';
}

const COLORS = ['red.8', 'red.8', 'orange.8', 'teal.8', 'teal.8'] as const;

/** A password, hidden until somebody wants to see it. */
export function PasswordField({
  strength = false,
  generate = false,
  autoComplete = 'new-password',
  ...props
}: PasswordFieldProps) {
  const { t } = useTranslation();
  const { shared, value, set } = useField(props);
  const password = String(value ?? '');
  const score = strengthOf(password);
  return (
    <div>
      <PasswordInput
        {...shared}
        classNames={{ innerInput: classes.ltr }}
        autoComplete={autoComplete}
        spellCheck={false}
        visibilityToggleButtonProps={{ 'aria-label': t('field.showPassword') }}
        value={password}
        onChange={(event) => set(event.currentTarget.value)}
      />
      {(generate || (strength && password !== '')) && (
        <Group justify="space-between" gap="2xs" mt="2xs" mih={28}>
          {strength && password !== '' ? (
            <Group gap="xs" wrap="nowrap" role="status">
              <Progress value={((score + 1) / 5) * 100} color={COLORS[score]} size="sm" w={64} aria-hidden />
              <Text size="xs" c="dimmed">
                {t(`strength.${score}`)}
              </Text>
            </Group>
          ) : (
            <span />
          )}
          {generate && (
            <Button
              variant="subtle"
              size="compact-sm"
              leftSection={<IconWand size={16} />}
              onClick={() => set(generatedPassword())}
            >
              {t('field.generate')}
            </Button>
          )}
        </Group>
      )}
    </div>
  );
}
