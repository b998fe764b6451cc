// Reviews a match in Firefox as a person does, and prints what was seen as JSON.
//   node firefox.mjs FIREFOX ADDRESS_OF_THE_MATCH [SCREENSHOT]

import puppeteer from "puppeteer-core";

const [program, address, screenshot] = process.argv.slice(2);
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: program,
  defaultViewport: null, // an override that older Firefox does not know
  args: ["--width=1440", "--height=900"],
});
try {
  console.log(JSON.stringify(await review(await browser.newPage())));
} finally {
  await browser.close();
}

async function review(page) {
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(address);
  await page.waitForSelector(".event-main");
  const pending = () => page.$eval("[data-status=pending] .number", (one) => Number(one.textContent));
  const counts = [await pending()];
  for (const key of ["a", "a", "x", "a"]) await page.keyboard.press(key); // the first goes there
  counts.push(await changed(pending, counts[0], 3));
  await page.keyboard.down("Control");
  await page.keyboard.press("z");
  await page.keyboard.up("Control");
  counts.push(await changed(pending, counts[1], 1));
  await page.waitForSelector("text/All saved");
  const seconds = await play(page);
  if (screenshot) await page.screenshot({ path: screenshot });
  return { counts, seconds, complaints };
}

/** A number that is read until it is so far from another; asked from outside, as the page's policy
 * lets nothing be evaluated in it. */
async function changed(read, from, by) {
  for (let tries = 0; tries < 200; tries += 1) {
    const now = await read();
    if (Math.abs(now - from) >= by) return now;
    await new Promise((done) => setTimeout(done, 50));
  }
  return read();
}

/** Seconds that the video went on, once it plays. */
async function play(page) {
  return page.$eval("video", async (video) => {
    const from = video.currentTime;
    video.muted = true;
    await video.play();
    while (video.currentTime < from + 0.5) await new Promise((done) => setTimeout(done, 50));
    return video.currentTime - from;
  });
}
