import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { useChecks } from '@/kit/form/checks';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { useKitForm } from '@/kit/form/form';
import { useWrite } from '@/kit/write';
import { changesIn } from '@/pbx/changes';
import { IgnoredOptions } from '@/pbx/IgnoredOptions';
import { TrunkFields } from './TrunkFields';
import { TrunkNow } from './TrunkNow';
import { CHECKS, DEFAULTS, required, settingsOf, type TrunkValues, valuesOf } from './values';

/** Shows a trunk as it is now, and changes it. */
export function EditTrunk({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation('trunks');
  const mayUpdate = useMay()('pbx.trunks', 'update');
  const trunk = useRead('/pbx/trunks/get', { id });
  const stored = trunk.data?.settings;
  const loaded = useMemo(() => stored && valuesOf(stored), [stored]);
  const form = useKitForm<TrunkValues>({
    initial: DEFAULTS,
    loaded,
    required,
    validate: useChecks<TrunkValues>(CHECKS),
  });
  const save = useWrite('/pbx/trunks/update', {
    form,
    refresh: ['/pbx/trunks/list', '/pbx/trunks/get'],
    done: t('saved', { name: form.values.name }),
    onDone: onClose,
  });
  return (
    <FormDrawer
      title={stored?.name ?? t('trunk')}
      query={trunk}
      form={form}
      busy={save.isPending}
      readOnly={!mayUpdate}
      onSubmit={(values) => {
        if (loaded !== undefined) {
          save.mutate({ ...changesIn(settingsOf(loaded), settingsOf(values)), _id: id });
        }
      }}
      onClose={onClose}
    >
      {trunk.data !== undefined && <TrunkNow trunk={trunk.data} />}
      <TrunkFields belowOptions={<IgnoredOptions lines={trunk.data?.ignored_options ?? []} />} />
    </FormDrawer>
  );
}
