import { useTranslation } from 'react-i18next';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { TrunkFields } from './TrunkFields';
import { CHECKS, DEFAULTS, required, settingsOf, type TrunkValues } from './values';

/** Adds a trunk. */
export function AddTrunk({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation('trunks');
  const form = useKitForm<TrunkValues>({
    initial: DEFAULTS,
    required,
    validate: useChecks<TrunkValues>(CHECKS),
  });
  const add = useWrite('/pbx/trunks/add', {
    form,
    refresh: ['/pbx/trunks/list'],
    done: (_, body) => t('added', { name: body.name }),
    onDone: onClose,
  });
  return (
    <FormDrawer
      title={t('add')}
      submit={t('addIt')}
      form={form}
      busy={add.isPending}
      onSubmit={(values) => add.mutate(settingsOf(values))}
      onClose={onClose}
    >
      <TrunkFields added />
    </FormDrawer>
  );
}
