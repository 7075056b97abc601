import { Button } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keyOf, useRead } from '@/api/queries';
import { useMay } from '@/app/session/session';
import { ConfirmDialog } from '@/kit/dialogs/ConfirmDialog';
import { FormBody } from '@/kit/form/FormBody';
import { FormSection } from '@/kit/form/FormSection';
import { ChipsField, NumberField, SwitchField } from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { useUnsavedGuard } from '@/kit/form/guard';
import { Note } from '@/kit/Note';
import { PageHeader } from '@/kit/PageHeader';
import { Surface } from '@/kit/Surface';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { useWrite } from '@/kit/write';
import { AllowedAddresses, useAddressCheck } from './AllowedAddresses';
import { Dates } from './Dates';
import { LockedOutText } from './LockedOutText';
import { Resettable } from './Resettable';
import classes from './settings.module.css';
import { UsedToday } from './UsedToday';
import { changesOf, type LockedOut, type Settings, type Values, valuesOf } from './values';

const PATH = '/settings/simotel_api';
/** Who called today grows older by itself. */
const EVERY = 30_000;
/** What clients may leave out while that is allowed; each has a text. */
const LEAVES_OUT = ['required', 'ids', 'conditions', 'agents', 'context', 'digits'] as const;
const NUMBERS = ['log_days', 'log_rows', 'warning_seconds', 'repeat_seconds'] as const;

export default function SettingsPage() {
  const settings = useRead(PATH, undefined, { every: EVERY });
  return (
    <>
      <PageHeader />
      {settings.data !== undefined ? (
        <SettingsForm settings={settings.data} />
      ) : settings.isError ? (
        <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />
      ) : (
        <LoadingState delayed />
      )}
    </>
  );
}

function SettingsForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation('settings');
  const { t: shared } = useTranslation();
  const queries = useQueryClient();
  const mayUpdate = useMay()('maintenance.settings', 'update');
  const [lockout, setLockout] = useState<readonly LockedOut[] | null>(null);
  // Who called today is read anew time and again; the form only follows other values.
  const text = JSON.stringify(valuesOf(settings));
  const stored = useMemo(() => JSON.parse(text) as Values, [text]);
  const form = useKitForm<Values>({
    initial: stored,
    loaded: stored,
    validate: (values) =>
      Object.fromEntries(
        // What is no number is `null`, whatever the type says.
        NUMBERS.filter((name) => typeof values[name] !== 'number').map((name) => [
          name,
          shared('field.fillIn'),
        ]),
      ),
  });
  const guard = useUnsavedGuard(form);
  const check = useAddressCheck(settings, form.values);
  const { defaults } = settings;

  const save = useWrite('/settings/simotel_api_update', {
    form,
    // Calendar and zone are also those of this console.
    refresh: ['/session/current', '/settings/check_addresses'],
    handled: ['lockout'],
    done: t('saved'),
    onDone: (answer) => {
      setLockout(null);
      queries.setQueryData(keyOf(PATH), answer);
    },
    onFailed: (error) =>
      setLockout(error.code === 'lockout' ? (error.params.addresses as readonly LockedOut[]) : null),
  });
  const send = (accepted: boolean) =>
    save.mutate({ ...changesOf(stored, form.values), ...(accepted && { accept_lockout: true }) });

  return (
    <>
      <div className={classes.page}>
        {!mayUpdate && (
          <div className={classes.readOnly}>
            <Note>{t('readOnly')}</Note>
          </div>
        )}
        <FormBody form={form} onSubmit={() => send(false)}>
          <fieldset disabled={!mayUpdate} className={classes.fields}>
            <Surface>
              <FormSection name="access">
                <AllowedAddresses settings={settings} check={check} />
                <UsedToday used={settings.used_today} lockedOut={check.locked_out} mayUpdate={mayUpdate} />
              </FormSection>
            </Surface>
            <Surface>
              <FormSection name="clients">
                <Resettable name="lenient" defaults={defaults}>
                  <SwitchField name="lenient" values={[true, false]} />
                </Resettable>
                <details className={classes.details}>
                  <summary>{t('lenientWhat')}</summary>
                  <ul>
                    {LEAVES_OUT.map((what) => (
                      <li key={what}>{t(`leavesOut.${what}`)}</li>
                    ))}
                  </ul>
                </details>
                <Resettable name="cors_origins" defaults={defaults}>
                  <ChipsField name="cors_origins" />
                </Resettable>
                {form.values.cors_origins.includes('*') && <Note tone="warn">{t('originsAll')}</Note>}
              </FormSection>
            </Surface>
            <Surface>
              <FormSection name="dates">
                <Dates defaults={defaults} />
              </FormSection>
            </Surface>
            <Surface>
              <FormSection name="log" columns={2}>
                <Resettable name="log_days" defaults={defaults}>
                  <NumberField name="log_days" min={1} max={3650} unit={t('unit.days')} />
                </Resettable>
                <Resettable name="log_rows" defaults={defaults}>
                  <NumberField name="log_rows" min={1000} max={100_000_000} unit={t('unit.rows')} />
                </Resettable>
              </FormSection>
            </Surface>
            <Surface>
              <FormSection name="beeps" columns={2}>
                <Resettable name="warning_seconds" defaults={defaults}>
                  <NumberField name="warning_seconds" max={600} unit={t('unit.seconds')} />
                </Resettable>
                <Resettable name="repeat_seconds" defaults={defaults}>
                  <NumberField name="repeat_seconds" max={600} unit={t('unit.seconds')} />
                </Resettable>
              </FormSection>
            </Surface>
          </fieldset>
          {mayUpdate && form.isDirty() && (
            <div className={classes.bar}>
              <span className={classes.unsaved} role="status">
                {t('unsaved')}
              </span>
              <Button variant="default" onClick={form.reset}>
                {t('discard')}
              </Button>
              <Button type="submit" loading={save.isPending && lockout === null}>
                {t('save')}
              </Button>
            </div>
          )}
        </FormBody>
      </div>
      {guard.dialog}
      <ConfirmDialog
        opened={lockout !== null}
        danger
        title={t('lockoutQuestion')}
        confirm={t('lockoutConfirm')}
        busy={save.isPending}
        onConfirm={() => send(true)}
        onClose={() => setLockout(null)}
      >
        <p>{t('lockoutText')}</p>
        <ul className={classes.plain}>
          {lockout?.map((one) => (
            <li key={`${one.address} ${one.account}`}>
              <LockedOutText of={one} />
            </li>
          ))}
        </ul>
      </ConfirmDialog>
    </>
  );
}
