import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PromotionRow } from "../../../shared/contracts/ingest-messages.ts";
import { createTestDatabase, type TestDatabase } from "../../helpers/database.ts";
import { apply, emptyTables, lines } from "./loading.ts";
import { fileName, link, messagesOf, promotion } from "./messages.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(() => emptyTables(database.pool));
afterAll(() => database.drop());

const full = (hour: string, rows: PromotionRow[], more = {}) =>
  messagesOf({ name: fileName("PromoFull", "001", `20260814${hour}`), rows, ...more });
const delta = (hour: string, rows: PromotionRow[], more = {}) =>
  messagesOf({ name: fileName("Promo", "001", `20260814${hour}`), rows, ...more });
const load = async (...files: unknown[][]) => {
  for (const file of files) await apply(database.pool, file);
};
const offers = () =>
  lines(
    database.pool,
    `SELECT concat_ws(' ', promotion_code, description, 'gone@' || to_char(withdrawn_at AT TIME ZONE 'UTC', 'HH24:MI')) AS line
    FROM promotions ORDER BY promotion_code`,
  );
const itemsOf = () =>
  lines(
    database.pool,
    `SELECT concat_ws(' ', p.promotion_code, l.position, i.item_code, CASE WHEN l.is_gift THEN 'gift' END, l.gift_price) AS line
    FROM promotion_items l JOIN promotions p ON p.id = l.promotion_id JOIN items i ON i.id = l.item_id ORDER BY 1`,
  );
const clubsOf = () =>
  lines(
    database.pool,
    "SELECT concat_ws(' ', promotion_code, club_code) AS line FROM promotion_clubs c JOIN promotions p ON p.id = c.promotion_id ORDER BY 1",
  );

describe("promotions", () => {
  test("a promotion keeps every published field, its links in their order, and its clubs once each", async () => {
    const row = promotion("P1", 1, {
      description: "two for ten",
      updatedAt: "2026-08-13T00:00:00+03:00",
      startsAt: "2026-08-14T00:00:00+03:00",
      endsAt: "2034-04-18T23:59:00+03:00",
      rewardType: "1",
      minQty: "2.00",
      discountedPrice: "10.00",
      discountedPricePerUnit: "5.00",
      isActive: true,
      remarks: ["a", "b"],
      groups: [{ groupId: "1" }],
      clubs: ["0", "2", "0"],
      extra: { Odd: "x" },
      items: [link("1"), link("2", { isGift: true, giftPrice: "0.00" }), link("1")],
    });
    await load(full("0300", [row]));
    const { rows } =
      await database.pool.query(`SELECT description, reward_type, min_qty, discounted_price, discounted_price_per_unit, is_active, remarks, groups, extra,
      to_char(ends_at AT TIME ZONE 'Asia/Jerusalem', 'YYYY-MM-DD HH24:MI') AS ends FROM promotions`);
    expect(rows).toEqual([
      {
        description: "two for ten",
        reward_type: "1",
        min_qty: "2.00",
        discounted_price: "10.00",
        discounted_price_per_unit: "5.00",
        is_active: true,
        remarks: ["a", "b"],
        groups: [{ groupId: "1" }],
        extra: { Odd: "x" },
        ends: "2034-04-18 23:59",
      },
    ]);
    expect(await itemsOf()).toEqual(["P1 1 1", "P1 2 2 gift 0.00", "P1 3 1"]);
    expect(await clubsOf()).toEqual(["P1 0", "P1 2"]);
  });

  test("an update replaces all links and clubs, and an older one that comes late replaces nothing", async () => {
    const before = promotion("P1", 1, { items: [link("1"), link("2")], clubs: ["0"] });
    const after = promotion("P1", 1, { description: "changed", items: [link("2"), link("3")], clubs: ["5"] });
    await load(delta("0300", [before]), delta("0500", [after]), delta("0400", [before]));
    expect(await offers()).toEqual(["P1 changed"]);
    expect(await itemsOf()).toEqual(["P1 1 2", "P1 2 3"]);
    expect(await clubsOf()).toEqual(["P1 5"]);
  });

  test("a change of nothing but the links is a change", async () => {
    await load(
      delta("0300", [promotion("P1", 1, { items: [link("1")] })]),
      delta("0500", [promotion("P1", 1, { items: [link("2")] })]),
    );
    expect(await itemsOf()).toEqual(["P1 1 2"]);
  });

  test("an equal promotion takes the newer version and keeps its links untouched", async () => {
    const row = promotion("P1", 1, { items: [link("1")] });
    const place = () => lines(database.pool, "SELECT concat(xmin, ctid) AS line FROM promotion_items");
    await load(full("0300", [row]));
    const before = await place();
    await load(full("0500", [row]));
    expect(await place()).toEqual(before);
    expect(await lines(database.pool, "SELECT file_name AS line FROM promotions JOIN files USING (file_id)")).toEqual([
      fileName("PromoFull", "001", "202608140500"),
    ]);
  });

  test("the last row wins where a code stands twice in a file", async () => {
    await load(
      full("0300", [
        promotion("P1", 1, { items: [link("1")] }),
        promotion("P1", 2, { description: "second", items: [link("2")] }),
      ]),
    );
    expect(await offers()).toEqual(["P1 second"]);
    expect(await itemsOf()).toEqual(["P1 1 2"]);
  });

  test("a full file withdraws what is not in it, a delta does not, and a rejected row counts as seen", async () => {
    await load(
      full("0300", [promotion("P1", 1), promotion("P2", 2), promotion("P3", 3)]),
      delta("0400", [promotion("P1", 1)]),
    );
    expect(await offers()).toEqual(["P1 offer P1", "P2 offer P2", "P3 offer P3"]);
    const rejected = [{ line: 3, reason: "no end date", raw: "<x/>", code: "P3" }];
    await load(full("0500", [promotion("P1", 1)], { rejected }));
    expect(await offers()).toEqual(["P1 offer P1", "P2 offer P2 gone@02:00", "P3 offer P3"]);
  });

  test("a promotion that comes back is no longer withdrawn, and one that arrives late arrives withdrawn", async () => {
    await load(
      full("0300", [promotion("P1", 1), promotion("P2", 2)]),
      full("0500", [promotion("P1", 1)]),
      delta("0400", [promotion("P3", 1)]),
      delta("0600", [promotion("P2", 1)]),
    );
    expect(await offers()).toEqual(["P1 offer P1", "P2 offer P2", "P3 offer P3 gone@02:00"]);
  });

  test("a full promotion file says nothing of prices, and a truncated one withdraws nothing", async () => {
    await load(
      full("0300", [promotion("P1", 1), promotion("P2", 2)]),
      full("0500", [promotion("P1", 1)], { complete: false }),
    );
    expect(await offers()).toEqual(["P1 offer P1", "P2 offer P2"]);
    expect(await lines(database.pool, "SELECT kind AS line FROM full_files")).toEqual(["promo", "promo"]);
  });
});
