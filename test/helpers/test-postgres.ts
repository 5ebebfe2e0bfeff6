/** Durability is of no use to a database that ends with the test run; autovacuum would hold databases that tests drop. */
export const TEST_POSTGRES_SETTINGS: Record<string, string> = {
  fsync: "off",
  full_page_writes: "off",
  autovacuum: "off",
  shared_buffers: "128MB",
  max_connections: "200",
};
