import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../../cli/progress.ts";

function capture(): { stream: NodeJS.WriteStream; text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

test("without a terminal it prints plain lines, and not one per update", () => {
  const { stream, text } = capture();
  const progress = createProgress("files", stream);
  for (let done = 0; done <= 100; done++) progress.update(done, 100, "loading");
  progress.stop();
  expect(text()).toBe("files: 0 of 100, loading\n");
});
