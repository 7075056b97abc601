import classes from './Wordmark.module.css';

/** The product's mark and name. The name is Latin in both languages, as on everything else of it. */
export function Wordmark() {
  return (
    <span className={classes.mark} dir="ltr">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="9" className={classes.tile} />
        <path
          d="M7.5 10.5h17M16 10.5v8.25A4.25 4.25 0 0 0 20.25 23H22"
          fill="none"
          stroke="#fff"
          strokeWidth="3"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
        <circle cx="9.75" cy="21.25" r="2.25" fill="#8fdbe6" />
      </svg>
      <span className={classes.name} translate="no">
        Tamas
      </span>
    </span>
  );
}
