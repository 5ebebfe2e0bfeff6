import { registerHooks } from "node:module";

/*
 * Loaded with NODE_OPTIONS="--import …" into a gogobe of the test: that process runs as after a change of the parser, its version
 * one higher. So the constant can stay a constant.
 */
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith("/parser/parser-version.ts")) return loaded;
    const source = String(loaded.source);
    const raised = source.replace(/(PARSER_VERSION = )(\d+)/, (_, name, version) => `${name}${Number(version) + 1}`);
    if (raised === source) throw new Error("the parser version is not where the test looks for it");
    return { ...loaded, source: raised };
  },
});
