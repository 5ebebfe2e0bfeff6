import type { Service } from "./command.ts";

/** The value of one counter of a running stage, `counterOf(parser, "gogobe_files_total", { stage: "parser" })`: its series added up. */
export async function counterOf(service: Service, name: string, labels: Record<string, string> = {}): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${service.port}/metrics`);
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return (await answer.text())
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
