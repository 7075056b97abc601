import { Button, Checkbox, Group, Input, TextInput, UnstyledButton } from '@mantine/core';
import { IconChevronRight, IconInfinity, IconSearch } from '@tabler/icons-react';
import { useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useField } from '@/kit/form/field';
import { Code } from '@/kit/text/Code';
import classes from './PermissionField.module.css';
import {
  allowedOf,
  type Branch,
  coversFuture,
  normalised,
  reasonFor,
  type Service,
  type Services,
  treeOf,
  withBranch,
  without,
  withService,
} from './permissions';
import { useServiceTexts } from './serviceTexts';

export interface PermissionFieldProps {
  name: string;
  services: Services;
  readOnly: boolean;
}

/** What all parts of the tree need. */
interface Tree {
  root: Branch;
  patterns: readonly string[];
  readOnly: boolean;
  /** `null`: nobody searches. */
  found: ReadonlySet<Service> | null;
  /** What is around is allowed as a whole, which is said there. */
  future: boolean;
  change: (patterns: string[]) => void;
}

/** Which services an account may call, as a tree of boxes to tick; its value is the list of patterns. */
export function PermissionField({ name, services, readOnly }: PermissionFieldProps) {
  const { t } = useTranslation('api-accounts');
  const { t: shared } = useTranslation();
  const { branchText, serviceText } = useServiceTexts();
  const { shared: field, value, set } = useField({ name });
  const [search, setSearch] = useState('');
  const labelId = useId();
  const given = value as readonly string[];
  const patterns = useMemo(() => given.map(normalised), [given]);
  const root = useMemo(() => treeOf(services), [services]);
  const allowed = allowedOf(patterns, root).length;

  const wanted = search.trim().toLowerCase();
  const found =
    wanted === ''
      ? null
      : new Set(
          withTitles(root, branchText).flatMap(([service, titles]) =>
            [...titles, serviceText(service), service.summary, service.permission].some((text) =>
              text.toLowerCase().includes(wanted),
            )
              ? [service]
              : [],
          ),
        );
  const future = coversFuture(patterns, root);
  const tree: Tree = { root, patterns, readOnly, found, future, change: set };

  return (
    <Input.Wrapper
      label={field.label}
      labelElement="div"
      labelProps={{ id: labelId }}
      description={field.description}
      error={field.error}
      withAsterisk={field.withAsterisk}
      inputWrapperOrder={['label', 'description', 'input', 'error']}
    >
      <fieldset
        aria-labelledby={labelId}
        data-path={field['data-path']}
        tabIndex={-1}
        className={classes.box}
        data-wrong={field.error !== undefined && field.error !== null ? true : undefined}
      >
        {!readOnly && (
          <Group gap="xs" className={classes.presets} role="group" aria-label={t('presets')}>
            {services.presets.map((preset) => (
              <Button
                key={preset.id}
                size="compact-sm"
                variant={isSame(patterns, preset.permissions) ? 'light' : 'default'}
                aria-pressed={isSame(patterns, preset.permissions)}
                onClick={() => set([...preset.permissions])}
              >
                {t(`preset.${preset.id}`)}
              </Button>
            ))}
            <Button
              size="compact-sm"
              variant="subtle"
              disabled={patterns.length === 0}
              onClick={() => set([])}
              ms="auto"
            >
              {t('presetNone')}
            </Button>
          </Group>
        )}
        {!readOnly && (
          <TextInput
            type="search"
            aria-label={t('searchServices')}
            placeholder={t('searchServices')}
            leftSection={<IconSearch size={16} aria-hidden="true" />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
            // Enter would send the form.
            onKeyDown={(event) => event.key === 'Enter' && event.preventDefault()}
          />
        )}
        <div className={classes.root}>
          <Checkbox
            className={classes.tick}
            size="sm"
            checked={allowed === root.all.length}
            indeterminate={allowed > 0 && allowed < root.all.length}
            disabled={readOnly}
            onChange={() => tree.change(allowed === root.all.length ? [] : withBranch(patterns, root))}
            label={<span className={classes.title}>{t('allServices')}</span>}
          />
          <FutureMark shown={future} />
          <span className={classes.count} role="status">
            {t('countOf', { count: root.all.length, allowed })}
          </span>
        </div>
        {found !== null && found.size === 0 ? (
          <p className={classes.none}>{shared('field.nothingFound')}</p>
        ) : (
          <ul className={classes.tree}>
            {root.branches.map((branch) => (
              <BranchItem key={branch.path} tree={tree} branch={branch} level={0} />
            ))}
          </ul>
        )}
      </fieldset>
    </Input.Wrapper>
  );
}

function BranchItem({ tree, branch, level }: { tree: Tree; branch: Branch; level: number }) {
  const { t } = useTranslation('api-accounts');
  const { branchText } = useServiceTexts();
  const listId = useId();
  const [wantsOpen, setOpen] = useState(level === 0 || tree.readOnly);
  const { patterns, root, found } = tree;
  const shown = found === null ? branch.all : branch.all.filter((service) => found.has(service));
  if (shown.length === 0) return null;
  const open = wantsOpen || found !== null;
  const allowed = allowedOf(patterns, branch).length;
  const all = allowed === branch.all.length;
  const future = coversFuture(patterns, branch);
  const name = branchText(branch);
  return (
    <li className={classes.branch} data-level={level}>
      <div className={classes.row}>
        <UnstyledButton
          className={classes.fold}
          aria-expanded={open}
          aria-controls={listId}
          aria-label={t('servicesOf', { name })}
          disabled={found !== null}
          onClick={() => setOpen(!open)}
        >
          <IconChevronRight size={16} aria-hidden="true" className={classes.arrow} />
        </UnstyledButton>
        <Checkbox
          className={classes.tick}
          size="sm"
          checked={all}
          indeterminate={allowed > 0 && !all}
          disabled={tree.readOnly}
          onChange={() =>
            tree.change(all ? without(patterns, branch.path, root) : withBranch(patterns, branch))
          }
          label={
            <>
              <span className={classes.title}>{name}</span> <Path>{branch.path}</Path>
            </>
          }
        />
        <FutureMark shown={future && !tree.future} />
        <span className={classes.count}>{t('countOf', { count: branch.all.length, allowed })}</span>
      </div>
      <ul id={listId} hidden={!open}>
        {open && (
          <>
            {branch.services
              .filter((service) => found === null || found.has(service))
              .map((service) => (
                <ServiceItem key={service.permission} tree={tree} service={service} />
              ))}
            {branch.branches.map((inner) => (
              <BranchItem key={inner.path} tree={{ ...tree, future }} branch={inner} level={level + 1} />
            ))}
          </>
        )}
      </ul>
    </li>
  );
}

function ServiceItem({ tree, service }: { tree: Tree; service: Service }) {
  const { t } = useTranslation('api-accounts');
  const { serviceText } = useServiceTexts();
  const { patterns, root } = tree;
  const { permission } = service;
  const reason = reasonFor(patterns, permission);
  // A pattern across groups is not seen in any branch above.
  const across = reason !== undefined && reason !== permission && /\*\/./.test(reason) ? reason : undefined;
  return (
    <li className={classes.service}>
      <Checkbox
        className={classes.tick}
        size="sm"
        checked={reason !== undefined}
        disabled={tree.readOnly}
        onChange={() =>
          tree.change(
            reason === undefined ? withService(patterns, service) : without(patterns, permission, root),
          )
        }
        label={
          <>
            {serviceText(service)} <Path>{permission}</Path>
          </>
        }
      />
      {across !== undefined && <span className={classes.count}>{t('byPattern', { pattern: across })}</span>}
    </li>
  );
}

/** The address of services; the words before it say what it is. */
function Path({ children }: { children: string }) {
  return (
    <span className={classes.path}>
      <Code wrap>{children}</Code>
    </span>
  );
}

/** Says that services which come later are allowed, too. */
function FutureMark({ shown }: { shown: boolean }) {
  const { t } = useTranslation('api-accounts');
  if (!shown) return null;
  return (
    <span className={classes.future} title={t('futureHint')}>
      <IconInfinity size={14} aria-hidden="true" />
      <span className={classes.words}>{t('future')}</span>
    </span>
  );
}

function isSame(patterns: readonly string[], others: readonly string[]): boolean {
  return patterns.length === others.length && others.every((one) => patterns.includes(one));
}

/** Each service with the names of the branches around it. */
function withTitles(
  branch: Branch,
  nameOf: (branch: Branch) => string,
  around: readonly string[] = [],
): [Service, readonly string[]][] {
  const titles = branch.path === '' ? around : [...around, nameOf(branch)];
  return [
    ...branch.services.map((service): [Service, readonly string[]] => [service, titles]),
    ...branch.branches.flatMap((inner) => withTitles(inner, nameOf, titles)),
  ];
}
