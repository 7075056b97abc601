import { useMemo } from 'react';
import { encode } from 'uqr';
import classes from './QrCode.module.css';

export interface QrCodeProps {
  value: string;
  /** What it holds, for those who do not see it. */
  label: string;
  /** Pixels. */
  size?: number;
}

/** A QR code: dark on white in both colour schemes, or cameras do not read it. */
export function QrCode({ value, label, size = 208 }: QrCodeProps) {
  const code = useMemo(() => encode(value, { border: 2, ecc: 'M' }), [value]);
  const path = useMemo(
    () => code.data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join(''),
    [code],
  );
  return (
    <svg
      role="img"
      aria-label={label}
      className={classes.code}
      width={size}
      height={size}
      viewBox={`0 0 ${code.size} ${code.size}`}
      shapeRendering="crispEdges"
    >
      <rect width={code.size} height={code.size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
