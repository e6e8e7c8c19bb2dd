"""What `status` tells is kept as it changes, and what is asked at each start has an index.

When a file was last read, and what came of it, stands in its own row: which file is to be read next
is then one step in an index, where every file was held against every verification before.
"""

from typing import Any

UP = (
    'ALTER TABLE "file" ADD COLUMN "read_at" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "file" ADD COLUMN "verdict" TEXT',
    """
    UPDATE "file" SET
    "read_at" = COALESCE(
        (SELECT v."read_at" FROM "verification" AS v WHERE v."file_id" = "file"."id"),
        "first_seen_at"
    ),
    "verdict" = (SELECT v."verdict" FROM "verification" AS v WHERE v."file_id" = "file"."id")
    """,
    'CREATE INDEX "file_root_id_status_read_at" ON "file" ("root_id", "status", "read_at")',
    'CREATE INDEX "original_algorithm_version" ON "original" ("algorithm_version")',
    'DROP INDEX "original_shared"',
    """
    CREATE INDEX "original_shared" ON "original" ("reference_count", "size")
    WHERE ("reference_count" > 1)
    """,
    'CREATE INDEX "original_error" ON "original" ("error") WHERE ("error" IS NOT NULL)',
    """
    CREATE TABLE "file_tally" (
        "root_id" INTEGER NOT NULL,
        "status" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "verdict" TEXT NOT NULL,
        "files" INTEGER NOT NULL,
        "contents" INTEGER NOT NULL,
        "bytes" INTEGER NOT NULL,
        PRIMARY KEY ("root_id", "status", "kind", "verdict")
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE "group_tally" (
        "root_id" INTEGER NOT NULL,
        "group_type" TEXT NOT NULL,
        "groups" INTEGER NOT NULL,
        PRIMARY KEY ("root_id", "group_type")
    ) WITHOUT ROWID
    """,
    """
    INSERT INTO "file_tally"
    SELECT "root_id", "status", COALESCE("kind", ''), COALESCE("verdict", ''), COUNT(*),
    COUNT("original_id"), SUM("size") FROM "file" GROUP BY 1, 2, 3, 4
    """,
    """
    INSERT INTO "group_tally"
    SELECT "root_id", "group_type", COUNT(*) FROM "file_group" GROUP BY 1, 2
    """,
    """
    CREATE TRIGGER "file_tally_more" AFTER INSERT ON "file" BEGIN INSERT INTO "file_tally"
    ("root_id", "status", "kind", "verdict", "files", "contents", "bytes") VALUES (
    NEW."root_id", NEW."status", COALESCE(NEW."kind", ''), COALESCE(NEW."verdict", '') , 1,
    NEW."original_id" IS NOT NULL, NEW."size") ON CONFLICT ("root_id", "status", "kind",
    "verdict") DO UPDATE SET "files" = "files" + 1, "contents" = "contents" +
    excluded."contents", "bytes" = "bytes" + excluded."bytes"; END
    """,
    """
    CREATE TRIGGER "file_tally_less" AFTER DELETE ON "file" BEGIN UPDATE "file_tally" SET
    "files" = "files" - 1, "contents" = "contents" - (OLD."original_id" IS NOT NULL), "bytes"
    = "bytes" - OLD."size" WHERE ("root_id", "status", "kind", "verdict") = ( OLD."root_id",
    OLD."status", COALESCE(OLD."kind", ''), COALESCE(OLD."verdict", '') ); END
    """,
    """
    CREATE TRIGGER "file_tally_change" AFTER UPDATE ON "file" WHEN (OLD."root_id",
    OLD."status", OLD."kind", OLD."verdict", OLD."original_id", OLD."size") IS NOT
    (NEW."root_id", NEW."status", NEW."kind", NEW."verdict", NEW."original_id", NEW."size")
    BEGIN UPDATE "file_tally" SET "files" = "files" - 1, "contents" = "contents" -
    (OLD."original_id" IS NOT NULL), "bytes" = "bytes" - OLD."size" WHERE ("root_id",
    "status", "kind", "verdict") = ( OLD."root_id", OLD."status", COALESCE(OLD."kind", ''),
    COALESCE(OLD."verdict", '') ); INSERT INTO "file_tally" ("root_id", "status", "kind",
    "verdict", "files", "contents", "bytes") VALUES ( NEW."root_id", NEW."status",
    COALESCE(NEW."kind", ''), COALESCE(NEW."verdict", '') , 1, NEW."original_id" IS NOT NULL,
    NEW."size") ON CONFLICT ("root_id", "status", "kind", "verdict") DO UPDATE SET "files" =
    "files" + 1, "contents" = "contents" + excluded."contents", "bytes" = "bytes" +
    excluded."bytes"; END
    """,
    """
    CREATE TRIGGER "group_tally_more" AFTER INSERT ON "file_group" BEGIN INSERT INTO
    "group_tally" ("root_id", "group_type", "groups") VALUES (NEW."root_id", NEW."group_type",
    1) ON CONFLICT ("root_id", "group_type") DO UPDATE SET "groups" = "groups" + 1; END
    """,
    """
    CREATE TRIGGER "group_tally_less" AFTER DELETE ON "file_group" BEGIN UPDATE "group_tally"
    SET "groups" = "groups" - 1 WHERE ("root_id", "group_type") = (OLD."root_id",
    OLD."group_type"); END
    """,
    """
    CREATE TRIGGER "group_tally_change" AFTER UPDATE OF "root_id", "group_type" ON
    "file_group" BEGIN UPDATE "group_tally" SET "groups" = "groups" - 1 WHERE ("root_id",
    "group_type") = (OLD."root_id", OLD."group_type"); INSERT INTO "group_tally" ("root_id",
    "group_type", "groups") VALUES (NEW."root_id", NEW."group_type", 1) ON CONFLICT
    ("root_id", "group_type") DO UPDATE SET "groups" = "groups" + 1; END
    """,
)

DOWN = (
    'DROP TRIGGER "group_tally_change"',
    'DROP TRIGGER "group_tally_less"',
    'DROP TRIGGER "group_tally_more"',
    'DROP TRIGGER "file_tally_change"',
    'DROP TRIGGER "file_tally_less"',
    'DROP TRIGGER "file_tally_more"',
    'DROP TABLE "group_tally"',
    'DROP TABLE "file_tally"',
    'DROP INDEX "original_error"',
    'DROP INDEX "original_shared"',
    """
    CREATE INDEX "original_shared" ON "original" ("reference_count")
    WHERE ("reference_count" > 1)
    """,
    'DROP INDEX "original_algorithm_version"',
    'DROP INDEX "file_root_id_status_read_at"',
    'ALTER TABLE "file" DROP COLUMN "verdict"',
    'ALTER TABLE "file" DROP COLUMN "read_at"',
)


def up(migrator: Any, db: Any) -> None:
    """Add columns, indexes and tables, and count what is there."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take them away again: everything in them was concluded from what stays."""
    for statement in DOWN:
        db.execute_sql(statement)
