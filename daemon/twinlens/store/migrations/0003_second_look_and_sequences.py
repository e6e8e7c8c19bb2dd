"""What the second look compares, what bursts and live photos are found by, and why members belong.

Every content is measured again at the next scan: the version of the algorithms has gone up.
"""

from typing import Any

UP = (
    'ALTER TABLE "original" ADD COLUMN "miniature" BLOB',
    'ALTER TABLE "original" ADD COLUMN "image_digest" TEXT',
    'ALTER TABLE "original" ADD COLUMN "burst_id" TEXT',
    'ALTER TABLE "original" ADD COLUMN "content_identifier" TEXT',
    'CREATE INDEX "original_captured_at" ON "original" ("captured_at")'
    ' WHERE ("captured_at" IS NOT NULL)',
    'CREATE INDEX "original_burst_id" ON "original" ("burst_id") WHERE ("burst_id" IS NOT NULL)',
    'CREATE INDEX "original_content_identifier" ON "original" ("content_identifier")'
    ' WHERE ("content_identifier" IS NOT NULL)',
    'CREATE INDEX "original_image_digest" ON "original" ("image_digest")'
    ' WHERE ("image_digest" IS NOT NULL)',
    'ALTER TABLE "file" ADD COLUMN "burst_key" TEXT',
    'CREATE INDEX "file_burst_key" ON "file" ("root_id", "burst_key")'
    ' WHERE ("burst_key" IS NOT NULL)',
    'ALTER TABLE "file_group" ADD COLUMN "aspects" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "group_member" ADD COLUMN "rule" TEXT NOT NULL DEFAULT \'\'',
    'ALTER TABLE "group_member" ADD COLUMN "runner_up" TEXT',
    'ALTER TABLE "group_member" ADD COLUMN "sequence" INTEGER',
    'DROP TABLE "burst"',
    """
    CREATE TABLE "burst" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "group_id" INTEGER NOT NULL,
        "started_at" TEXT,
        "ended_at" TEXT,
        "camera" TEXT,
        "best_original_id" INTEGER,
        FOREIGN KEY ("group_id") REFERENCES "file_group" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("best_original_id") REFERENCES "original" ("id") ON DELETE SET NULL
    )
    """,
    'CREATE UNIQUE INDEX "burst_group_id" ON "burst" ("group_id")',
)
DOWN = (
    'DROP TABLE "burst"',
    """
    CREATE TABLE "burst" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "group_id" INTEGER NOT NULL,
        "started_at" TEXT NOT NULL,
        "ended_at" TEXT NOT NULL,
        "camera" TEXT,
        "best_original_id" INTEGER,
        FOREIGN KEY ("group_id") REFERENCES "file_group" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("best_original_id") REFERENCES "original" ("id") ON DELETE SET NULL
    )
    """,
    'CREATE UNIQUE INDEX "burst_group_id" ON "burst" ("group_id")',
    'ALTER TABLE "group_member" DROP COLUMN "sequence"',
    'ALTER TABLE "group_member" DROP COLUMN "runner_up"',
    'ALTER TABLE "group_member" DROP COLUMN "rule"',
    'ALTER TABLE "file_group" DROP COLUMN "aspects"',
    'DROP INDEX "file_burst_key"',
    'ALTER TABLE "file" DROP COLUMN "burst_key"',
    'DROP INDEX "original_image_digest"',
    'DROP INDEX "original_content_identifier"',
    'DROP INDEX "original_burst_id"',
    'DROP INDEX "original_captured_at"',
    'ALTER TABLE "original" DROP COLUMN "content_identifier"',
    'ALTER TABLE "original" DROP COLUMN "burst_id"',
    'ALTER TABLE "original" DROP COLUMN "image_digest"',
    'ALTER TABLE "original" DROP COLUMN "miniature"',
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns and their indexes; nothing was ever written to `burst`."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take them away again."""
    for statement in DOWN:
        db.execute_sql(statement)
