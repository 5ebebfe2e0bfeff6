-- Up Migration

-- gogobe_reader sees everything and changes nothing. Roles belong to the whole server: another database of gogobe may have made
-- it, or be making it now, and on some servers we may not create any. Then the migration goes on and says so.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gogobe_reader') THEN
    BEGIN
      CREATE ROLE gogobe_reader NOLOGIN;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN
        NULL;
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role gogobe_reader was not created: this user may not create roles. Create it and grant it SELECT by hand';
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'gogobe_reader') THEN
    GRANT USAGE ON SCHEMA public TO gogobe_reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO gogobe_reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO gogobe_reader;
  END IF;
END
$$;
