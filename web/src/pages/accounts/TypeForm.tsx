import { IconUserCog } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { SideDrawer } from '@/kit/dialogs/SideDrawer';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection } from '@/kit/form/FormSection';
import { TextareaField, TextField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { Note } from '@/kit/Note';
import { EmptyState } from '@/kit/states/EmptyState';
import { useWrite } from '@/kit/write';
import { RightsField } from './RightsField';
import { type AccountType, type Rights, useMayGrant } from './rights';
import { useTypeTexts } from './typeTexts';

const LIST = '/account_types/list';
const REFRESH = [LIST, '/accounts/list', '/accounts/get', '/session/current'] as const;
/** Name of the type that may do everything. */
const ADMINISTRATOR = 'administrator';
const BLANK = { title: '', description: '', rights: { home: ['read'] } as Rights };

export interface TypeFormProps {
  /** `null`: a new one. */
  id: string | null;
  readOnly: boolean;
  onClose: () => void;
}

/** Adds an account type, or changes one: what its accounts see and may do. */
export function TypeForm({ id, readOnly, onClose }: TypeFormProps) {
  const { t } = useTranslation('accounts');
  const texts = useTypeTexts();
  const mayGrant = useMayGrant();
  const types = useRead(LIST);
  const type = types.data?.rows.find((one) => one.id === id);
  const loaded = useMemo(
    () =>
      type && {
        title: texts.title(type),
        description: texts.description(type),
        rights: type.rights as Rights,
      },
    [type, texts],
  );
  const form = useKitForm({
    initial: BLANK,
    loaded,
    required: ['title'],
    validate: ({ rights }) => (Object.keys(rights).length === 0 ? { rights: t('noRights') } : {}),
  });
  const options = { form, refresh: REFRESH, onDone: onClose } as const;
  const add = useWrite('/account_types/add', { ...options, done: t('types.added') });
  const update = useWrite('/account_types/update', { ...options, done: t('types.saved') });
  const fixed = type?.name === ADMINISTRATOR;
  const beyond = type !== undefined && !mayGrant(type.rights as Rights);
  const locked = readOnly || fixed || beyond;
  if (id !== null && types.isSuccess && type === undefined) {
    return (
      <SideDrawer title={t('types.type')} onClose={onClose}>
        <EmptyState icon={IconUserCog} title={t('error.not_found')} />
      </SideDrawer>
    );
  }
  return (
    <FormDrawer
      title={id === null ? t('types.addTitle') : type === undefined ? t('types.type') : texts.title(type)}
      submit={id === null ? t('types.add') : undefined}
      form={form}
      query={types}
      busy={add.isPending || update.isPending}
      readOnly={locked}
      onClose={onClose}
      onSubmit={({ title, description, rights }) => {
        const granted = rights as AccountType['rights'];
        if (id === null) add.mutate({ title, description, rights: granted });
        // What comes with the product is named in each language.
        else if (type?.builtin) update.mutate({ id, rights: granted });
        else update.mutate({ id, title, description, rights: granted });
      }}
    >
      {fixed && <Note>{t('types.fixed')}</Note>}
      {!fixed && beyond && !readOnly && <Note tone="warn">{t('error.more_rights')}</Note>}
      {type?.builtin && !fixed && !locked && <Note>{t('types.builtin')}</Note>}
      <FormSection name="type">
        <TextField name="title" maxLength={80} disabled={type?.builtin} first={id === null} />
        <TextareaField name="description" rows={2} disabled={type?.builtin} />
      </FormSection>
      <FormSection name="rights">
        <RightsField name="rights" pages={types.data?.pages ?? []} disabled={locked} />
      </FormSection>
    </FormDrawer>
  );
}
