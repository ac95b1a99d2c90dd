// Small drawings, made in place: a sprite file could not be used from another origin (the Django error page).

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  errors: 'M8 1.8 14.6 13.6H1.4zM8 6v3.6M8 11.4v.5',
  traces: 'M2 3.5h7M4.5 8H12M7.5 12.5H14',
  logs: 'M2 3.5h12M2 6.5h8M2 9.5h12M2 12.5h6',
  feedback: 'M2 3h12v8H7l-3 2.6V11H2z',
  scrubbing: 'M8 1.7 13.5 3.8V8c0 3.2-2.3 5.3-5.5 6.3C4.8 13.3 2.5 11.2 2.5 8V3.8zM5.6 8l1.8 1.8 3.2-3.6',
  other: 'M2.5 2.5h4v4h-4zM9.5 2.5h4v4h-4zM2.5 9.5h4v4h-4zM9.5 9.5h4v4h-4z',
  envelopes: 'M1.8 3.5h12.4v9H1.8zM2 4l6 4.7L14 4',
  setup: 'M9.5 2 6.5 14M4.5 5 1.5 8l3 3M11.5 5l3 3-3 3',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M4.5 2.8 12.5 8l-8 5.2z',
  clear: 'M2.5 4h11M6 4V2.5h4V4M4 4l.7 9.5h6.6L12 4M6.7 6.5v4.5M9.3 6.5v4.5',
  theme: 'M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z',
  shield: 'M8 1.7 13.5 3.8V8c0 3.2-2.3 5.3-5.5 6.3C4.8 13.3 2.5 11.2 2.5 8V3.8z',
  eye: 'M1.5 8S4 3.7 8 3.7 14.5 8 14.5 8 12 12.3 8 12.3 1.5 8 1.5 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6',
  eyeoff: 'M1.5 8S4 3.7 8 3.7 14.5 8 14.5 8 12 12.3 8 12.3 1.5 8 1.5 8zM3 13.5l10-11',
  help: 'M5.5 6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.1.8-1.1 1.7M8 12.3v.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  attachment: 'M12.8 7.3 8 12.1a3 3 0 0 1-4.3-4.3l5.1-5a2 2 0 0 1 2.9 2.8L6.7 10.7',
  warning: 'M8 1.8 14.6 13.6H1.4zM8 6v3.6M8 11.4v.5',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [key, value] of [['viewBox', '0 0 16 16'], ['class', 'icon'], ['aria-hidden', 'true']]) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
