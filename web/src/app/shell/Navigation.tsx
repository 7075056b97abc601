import { useTranslation } from 'react-i18next';
import { NavLink } from 'react-router';
import { GROUPS, PAGES } from '../pages';
import { useCurrent, useMay } from '../session/session';
import classes from './Navigation.module.css';

/** The menu: pages that may be seen, in their groups. */
export function Navigation({ onChoose }: { onChoose?: () => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const { version } = useCurrent();
  const groups = GROUPS.map((group) => ({
    group,
    pages: PAGES.filter((page) => page.group === group && may(page.id, 'read')),
  })).filter(({ pages }) => pages.length > 0);
  return (
    <>
      <nav aria-label={t('shell.menu')} className={classes.menu}>
        {groups.map(({ group, pages }) => (
          <div key={group}>
            {group !== 'top' && (
              <h2 className={classes.heading} id={`menu-${group}`}>
                {t(`group.${group}`)}
              </h2>
            )}
            <ul className={classes.list} aria-labelledby={group === 'top' ? undefined : `menu-${group}`}>
              {pages.map(({ id, path, icon: Icon }) => (
                <li key={id}>
                  <NavLink to={path} end={path === '/'} className={classes.link} onClick={onChoose}>
                    <Icon size={20} stroke={1.75} />
                    <span>{t(`page.${id}.title`)}</span>
                  </NavLink>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <p className={classes.version}>{t('version', { version })}</p>
    </>
  );
}
