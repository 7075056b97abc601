import { Checkbox, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { useFormAround, useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { Setting, SettingSections } from './fields';
import classes from './users.module.css';
import {
  DEFAULTS,
  NEVER_BLANK,
  SETTING_CHECKS,
  type SettingName,
  type SettingValues,
  settingsOf,
} from './values';

/** Settings, and which of them are to be changed. */
type ChangeValues = SettingValues & { on: Partial<Record<SettingName, true>> };

const INITIAL: ChangeValues = { ...DEFAULTS, on: {} };
/** Blank means nothing here: an extension's own number cannot be everybody's. */
const BLANK_MEANS_NOTHING: readonly string[] = ['cid_number', ...NEVER_BLANK];

export interface ChangeUsersProps {
  ids: readonly string[];
  onClose: () => void;
  onDone: () => void;
}

/** Changes some settings of several extensions alike; only those that somebody ticks. */
export function ChangeUsers({ ids, onClose, onDone }: ChangeUsersProps) {
  const { t } = useTranslation('users');
  const { t: shared } = useTranslation();
  const checked = useChecks<ChangeValues>(SETTING_CHECKS);
  const form = useKitForm<ChangeValues>({
    initial: INITIAL,
    validate: (values) => ({
      ...Object.fromEntries(Object.entries(checked(values)).filter(([name]) => name in values.on)),
      ...Object.fromEntries(
        BLANK_MEANS_NOTHING.filter(
          (name) => name in values.on && values[name as keyof SettingValues] === '',
        ).map((name) => [name, shared('field.fillIn')]),
      ),
    }),
  });
  const change = useWrite('/pbx/users/update_many', {
    form,
    prefix: 'settings.',
    refresh: ['/pbx/users/list', '/pbx/users/get', '/pbx/users/phone_card'],
    done: ({ updated }) => t('changedMany', { count: updated }),
    onDone,
  });
  const count = Object.keys(form.values.on).length;
  return (
    <FormDrawer
      title={t('changeMany', { count: ids.length })}
      submit={t('changeSubmit', { count })}
      form={form}
      busy={change.isPending}
      readOnly={false}
      onSubmit={(values) => {
        if (count === 0) form.failWhole(t('changeNothing'));
        else change.mutate({ ids: [...ids], settings: chosen(values) });
      }}
      onClose={onClose}
    >
      <Text size="sm" c="dimmed">
        {t('changeExplained')}
      </Text>
      <FormSection name="basic">
        <Change of="active" />
        <Change of="email" />
      </FormSection>
      <SettingSections draw={(name) => <Change of={name} />} all />
    </FormDrawer>
  );
}

/** Those settings that are ticked, as the API takes them. */
function chosen({ on, forward_policy: policy, ...values }: ChangeValues) {
  const settings = Object.fromEntries(Object.entries(values).filter(([name]) => name in on));
  const forwards = Object.entries(policy).filter(([name]) => `forward_policy.${name}` in on);
  return {
    ...settingsOf(settings as Partial<SettingValues>),
    ...(forwards.length > 0 && { forward_policy: Object.fromEntries(forwards) }),
  };
}

/** A box that says whether a setting is changed, and then its field. */
function Change({ of }: { of: SettingName }) {
  const { t } = useTranslation('users');
  const form = useFormAround();
  const on = of in (form.values as ChangeValues).on;
  return (
    <div className={classes.change} data-on={on || undefined}>
      <Checkbox
        label={t('changeThis', { what: t(`field.${of}.label`) })}
        checked={on}
        onChange={(event) => {
          const { [of]: _, ...others } = (form.values as ChangeValues).on;
          form.set('on', event.currentTarget.checked ? { ...others, [of]: true } : others);
        }}
      />
      {on && <Setting of={of} label={t('changeTo', { what: t(`field.${of}.label`) })} />}
    </div>
  );
}
