// Ages as kubectl prints them. Source: k8s.io/apimachinery/pkg/util/duration, HumanDuration.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const two = (a: number, unit: string, b: number, smaller: string): string => (b === 0 ? `${a}${unit}` : `${a}${unit}${b}${smaller}`);

/** Two significant units at most: `5s`, `9m30s`, `13m`, `3d4h`, `2y5d`. A clock that is a second behind is "0s", more is "<invalid>". */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / SECOND);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(ms / MINUTE);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(ms / HOUR);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 365 * 2) return `${days}d`;
  const years = Math.trunc(days / 365);
  if (years < 8) return two(years, "y", days % 365, "d");
  return `${years}y`;
}

/** Age of an RFC 3339 time at `now` (ms since the epoch); "<unknown>" where there is none, as kubectl says it. */
export function ageOf(time: string | undefined, now: number): string {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(at) ? "<unknown>" : humanDuration(now - at);
}
