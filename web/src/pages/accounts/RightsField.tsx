import { Checkbox, Input } from '@mantine/core';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { GROUPS, PAGES } from '@/app/pages';
import { type Right, useSession } from '@/app/session/session';
import { useField } from '@/kit/form/field';
import classes from './accounts.module.css';
import { has, RIGHTS, type Rights, withRight } from './rights';

export interface RightsFieldProps {
  name: string;
  /** What can be granted on each page, as the server has it. */
  pages: readonly { id: string; rights: readonly Right[] }[];
  disabled: boolean;
}

/** Pages and what may be done on them, as boxes to tick. */
export function RightsField({ name, pages, disabled }: RightsFieldProps) {
  const { t } = useTranslation('accounts');
  const { t: shared } = useTranslation();
  const { shared: field, value, set } = useField({ name });
  const own = useSession().rights as Rights;
  const rights = (value ?? {}) as Rights;
  const grantable = pages.flatMap((page) =>
    page.rights.filter((right) => has(own, page.id, right)).map((right) => [page.id, right] as const),
  );
  const inColumn = (right: Right) => grantable.filter((one) => one[1] === right);
  const setColumn = (right: Right, granted: boolean) =>
    set(inColumn(right).reduce((all, [page]) => withRight(all, page, right, granted), rights));

  return (
    <Input.Wrapper
      error={field.error}
      description={field.description}
      data-path={field['data-path']}
      tabIndex={-1}
    >
      <table className={classes.rights}>
        <thead>
          <tr>
            <th scope="col">{t('rights.page')}</th>
            {RIGHTS.map((right) => {
              const column = inColumn(right);
              const granted = column.filter(([page]) => has(rights, page, right)).length;
              return (
                <th scope="col" key={right}>
                  <span className={classes.right}>
                    <span>{t(`rights.${right}`)}</span>
                    <Checkbox
                      aria-label={t('rights.everywhere', { right: t(`rights.${right}`) })}
                      checked={column.length > 0 && granted === column.length}
                      indeterminate={granted > 0 && granted < column.length}
                      disabled={disabled || column.length === 0}
                      onChange={(event) => setColumn(right, event.currentTarget.checked)}
                    />
                  </span>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {GROUPS.map((group) => {
            const inGroup = PAGES.filter(
              (page) => page.group === group && pages.some((one) => one.id === page.id),
            );
            return (
              <Fragment key={group}>
                {group !== 'top' && (
                  <tr className={classes.group}>
                    <th scope="rowgroup" colSpan={RIGHTS.length + 1}>
                      {shared(`group.${group}`)}
                    </th>
                  </tr>
                )}
                {inGroup.map(({ id }) => {
                  const possible = pages.find((page) => page.id === id)?.rights ?? [];
                  const title = shared(`page.${id}.title`);
                  return (
                    <tr key={id}>
                      <th scope="row">{title}</th>
                      {RIGHTS.map((right) => (
                        <td key={right}>
                          {possible.includes(right) && (
                            <Checkbox
                              aria-label={t('rights.on', { page: title, right: t(`rights.${right}`) })}
                              checked={has(rights, id, right)}
                              disabled={disabled || !has(own, id, right)}
                              onChange={(event) =>
                                set(withRight(rights, id, right, event.currentTarget.checked))
                              }
                            />
                          )}
                        </td>
                      ))}
                    </tr>
                  );
                })}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </Input.Wrapper>
  );
}
