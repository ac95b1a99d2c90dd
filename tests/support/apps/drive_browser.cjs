// Drives the sample shop in Chromium: `node drive_browser.cjs '{"browser", "page", "order"}'`.
// Prints one JSON object: what went over the network and what the console said.
const { chromium } = require('playwright-core');

const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

async function main({ browser: executablePath, page: url, order }) {
  const browser = await chromium.launch({
    executablePath,
    args: [...QUIET, '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage();
  const report = { responses: [], failures: [], console: [] };
  page.on('response', (response) => report.responses.push([response.request().method(), response.url(), response.status()]));
  page.on('requestfailed', (request) => report.failures.push([request.url(), request.failure().errorText]));
  page.on('console', (message) => report.console.push(message.text()));
  await page.goto(url);
  for (const [name, value] of Object.entries(order)) {
    const field = page.locator(`input[name="${name}"]`);
    if (await field.count()) await field.fill(String(value));
  }
  await page.click('button');
  await page.waitForSelector('#failed');
  report.flushed = await page.evaluate(() => window.flushed());
  await page.goto('about:blank'); // the page is left: the SDK sends what it kept for the end
  await page.waitForTimeout(300);
  await browser.close();
  process.stdout.write(JSON.stringify(report));
}

main(JSON.parse(process.argv[2])).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
