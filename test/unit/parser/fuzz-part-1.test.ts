import { fuzzPart } from "./helpers/fuzz.ts";

fuzzPart(0, 2);
