import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import { TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { useWrite } from '@/kit/write';
import { changesIn } from '@/pbx/changes';
import { IgnoredOptions } from '@/pbx/IgnoredOptions';
import { Setting, SettingSections } from './fields';
import { UserNow } from './UserNow';
import { DEFAULTS, NEVER_BLANK, settingsOf, USER_CHECKS, type UserValues, valuesOf } from './values';

const NOTHING: UserValues = { ...DEFAULTS, number: '', name: '', secret: '' };

export interface EditUserProps {
  id: string;
  onClose: () => void;
  onPhone: () => void;
}

/** Shows an extension as it is now, and changes it. */
export function EditUser({ id, onClose, onPhone }: EditUserProps) {
  const { t } = useTranslation('users');
  const mayUpdate = useMay()('pbx.users', 'update');
  const user = useRead('/pbx/users/get', { id });
  const stored = user.data?.settings;
  const loaded = useMemo(() => stored && valuesOf(stored), [stored]);
  const form = useKitForm({
    initial: NOTHING,
    loaded,
    required: ['number', 'name', ...NEVER_BLANK],
    validate: useChecks(USER_CHECKS),
  });
  const save = useWrite('/pbx/users/update', {
    form,
    refresh: ['/pbx/users/list', '/pbx/users/get', '/pbx/users/phone_card'],
    done: t('saved', { number: form.values.number }),
    onDone: onClose,
  });

  function send(values: UserValues) {
    if (loaded === undefined) return;
    const changed = changesIn(loaded, values);
    // The API takes a blank caller id number for not sent; the extension's own means the same.
    if (changed.cid_number === '') changed.cid_number = values.number;
    save.mutate({ ...settingsOf(changed), _id: id });
  }

  return (
    <FormDrawer
      title={
        stored === undefined ? t('extension') : t('editTitle', { number: stored.number, name: stored.name })
      }
      query={user}
      form={form}
      busy={save.isPending}
      readOnly={!mayUpdate}
      onSubmit={send}
      onClose={onClose}
    >
      {user.data !== undefined && <UserNow user={user.data} onPhone={onPhone} />}
      <FormSection name="basic" columns={2}>
        <TextField name="number" ltr inputMode="numeric" maxLength={20} />
        <TextField name="name" maxLength={80} />
        <FullWidth>
          <PasswordField
            name="secret"
            help={t('field.secret.helpStored')}
            placeholder={t('field.secret.unchanged')}
            strength
            generate={mayUpdate}
          />
        </FullWidth>
        <Setting of="email" />
        <Setting of="active" />
      </FormSection>
      <SettingSections belowOptions={<IgnoredOptions lines={user.data?.ignored_options ?? []} />} />
    </FormDrawer>
  );
}
