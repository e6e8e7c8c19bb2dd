"""What the exact copies of each content come to is a row of its own, and none is reckoned twice."""

from typing import Any

UP = (
    """
    CREATE TABLE "exact_copy" (
        "original_id" INTEGER NOT NULL PRIMARY KEY,
        "is_several" INTEGER,
        "spare_bytes" INTEGER,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX "exact_copy_unreckoned" ON "exact_copy" ("original_id")
    WHERE ("is_several" IS NULL)
    """,
    """
    INSERT INTO "exact_copy" ("original_id")
    SELECT "id" FROM "original" WHERE "reference_count" > 1
    """,
    """
    CREATE TRIGGER "exact_copy_count" AFTER UPDATE OF "reference_count" ON "original" WHEN
    OLD."reference_count" != NEW."reference_count" AND (OLD."reference_count" > 1 OR
    NEW."reference_count" > 1) BEGIN INSERT INTO "exact_copy" ("original_id") VALUES
    (NEW."id") ON CONFLICT ("original_id") DO UPDATE SET "is_several" = NULL, "spare_bytes" =
    NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_file" AFTER UPDATE ON "file" WHEN (OLD."root_id", OLD."status",
    OLD."kind", OLD."device", OLD."inode") IS NOT (NEW."root_id", NEW."status", NEW."kind",
    NEW."device", NEW."inode") BEGIN INSERT INTO "exact_copy" ("original_id") SELECT o."id"
    FROM "file" AS f JOIN "original" AS o ON o."id" = f."original_id" WHERE f."id" = NEW."id"
    AND o."reference_count" > 1 ON CONFLICT ("original_id") DO UPDATE SET "is_several" = NULL,
    "spare_bytes" = NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_joined" AFTER INSERT ON "group_member" BEGIN INSERT INTO
    "exact_copy" ("original_id") SELECT o."id" FROM "file" AS f JOIN "original" AS o ON o."id"
    = f."original_id" WHERE f."id" = NEW."file_id" AND o."reference_count" > 1 ON CONFLICT
    ("original_id") DO UPDATE SET "is_several" = NULL, "spare_bytes" = NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_left" AFTER DELETE ON "group_member" BEGIN INSERT INTO
    "exact_copy" ("original_id") SELECT o."id" FROM "file" AS f JOIN "original" AS o ON o."id"
    = f."original_id" WHERE f."id" = OLD."file_id" AND o."reference_count" > 1 ON CONFLICT
    ("original_id") DO UPDATE SET "is_several" = NULL, "spare_bytes" = NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_moved" AFTER UPDATE OF "group_id", "file_id" ON "group_member"
    BEGIN INSERT INTO "exact_copy" ("original_id") SELECT o."id" FROM "file" AS f JOIN
    "original" AS o ON o."id" = f."original_id" WHERE f."id" = OLD."file_id" AND
    o."reference_count" > 1 ON CONFLICT ("original_id") DO UPDATE SET "is_several" = NULL,
    "spare_bytes" = NULL; INSERT INTO "exact_copy" ("original_id") SELECT o."id" FROM "file"
    AS f JOIN "original" AS o ON o."id" = f."original_id" WHERE f."id" = NEW."file_id" AND
    o."reference_count" > 1 ON CONFLICT ("original_id") DO UPDATE SET "is_several" = NULL,
    "spare_bytes" = NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_group" AFTER UPDATE OF "group_type" ON "file_group" BEGIN
    INSERT INTO "exact_copy" ("original_id") SELECT o."id" FROM "group_member" AS m JOIN
    "file" AS f ON f."id" = m."file_id" JOIN "original" AS o ON o."id" = f."original_id" WHERE
    m."group_id" = NEW."id" AND o."reference_count" > 1 ON CONFLICT ("original_id") DO UPDATE
    SET "is_several" = NULL, "spare_bytes" = NULL; END
    """,
    """
    CREATE TRIGGER "exact_copy_root" AFTER UPDATE OF "is_active" ON "root" WHEN
    OLD."is_active" != NEW."is_active" BEGIN UPDATE "exact_copy" SET "is_several" = NULL,
    "spare_bytes" = NULL; END
    """,
)

DOWN = (
    'DROP TRIGGER "exact_copy_root"',
    'DROP TRIGGER "exact_copy_group"',
    'DROP TRIGGER "exact_copy_moved"',
    'DROP TRIGGER "exact_copy_left"',
    'DROP TRIGGER "exact_copy_joined"',
    'DROP TRIGGER "exact_copy_file"',
    'DROP TRIGGER "exact_copy_count"',
    'DROP TABLE "exact_copy"',
)


def up(migrator: Any, db: Any) -> None:
    """Make the table; the next pass reckons what is in it."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take it away again."""
    for statement in DOWN:
        db.execute_sql(statement)
