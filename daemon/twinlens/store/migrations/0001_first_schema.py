"""The first schema. A frozen copy: later changes to the tables are migrations of their own."""

from typing import Any

STATEMENTS = (
    """
    CREATE TABLE "action" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "plan_id" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "finished_at" TEXT
    )
    """,
    """
    CREATE UNIQUE INDEX "action_plan_id" ON "action" ("plan_id")
    """,
    """
    CREATE TABLE "catalog" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "action" TEXT NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX "catalog_name" ON "catalog" ("name")
    """,
    """
    CREATE TABLE "root" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "catalog_id" INTEGER NOT NULL,
        "path" BLOB NOT NULL,
        "is_active" INTEGER NOT NULL,
        "state" TEXT NOT NULL,
        "detail" TEXT NOT NULL,
        "identity" TEXT,
        "watch_mode" TEXT NOT NULL,
        "watch_detail" TEXT NOT NULL,
        "overflows" INTEGER NOT NULL,
        "last_scan_at" TEXT,
        FOREIGN KEY ("catalog_id") REFERENCES "catalog" ("id")
    )
    """,
    """
    CREATE UNIQUE INDEX "root_path" ON "root" ("path")
    """,
    """
    CREATE TABLE "action_step" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "action_id" INTEGER NOT NULL,
        "number" INTEGER NOT NULL,
        "root_id" INTEGER NOT NULL,
        "victim" BLOB NOT NULL,
        "keeper" BLOB,
        "sha256" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "evidence" TEXT NOT NULL,
        FOREIGN KEY ("action_id") REFERENCES "action" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("root_id") REFERENCES "root" ("id")
    )
    """,
    """
    CREATE UNIQUE INDEX "actionstep_action_id_number" ON "action_step" ("action_id", "number")
    """,
    """
    CREATE TABLE "file_group" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "root_id" INTEGER NOT NULL,
        "bucket" TEXT NOT NULL,
        "group_type" TEXT NOT NULL,
        "rule" TEXT NOT NULL,
        FOREIGN KEY ("root_id") REFERENCES "root" ("id")
    )
    """,
    """
    CREATE INDEX "filegroup_root_id_bucket" ON "file_group" ("root_id", "bucket")
    """,
    """
    CREATE TABLE "original" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "sha256" VARCHAR(64) NOT NULL,
        "size" INTEGER NOT NULL,
        "media_type" TEXT NOT NULL,
        "kind" TEXT NOT NULL,
        "width" INTEGER,
        "height" INTEGER,
        "orientation" INTEGER,
        "metadata" TEXT NOT NULL,
        "phash" INTEGER,
        "dhash" INTEGER,
        "ahash" INTEGER,
        "whash" INTEGER,
        "degenerate" TEXT,
        "algorithm_version" INTEGER NOT NULL,
        "quality_score" REAL,
        "latitude" REAL,
        "longitude" REAL,
        "geohash4" TEXT,
        "geohash6" TEXT,
        "geohash8" TEXT,
        "captured_at" TEXT,
        "taken_at" TEXT,
        "taken_at_source" TEXT,
        "taken_at_confidence" TEXT NOT NULL,
        "candidates" TEXT NOT NULL,
        "reference_count" INTEGER NOT NULL CHECK (reference_count >= 0),
        "orphaned_at" TEXT,
        "error" TEXT
    )
    """,
    """
    CREATE UNIQUE INDEX "original_sha256" ON "original" ("sha256")
    """,
    """
    CREATE INDEX "original_size" ON "original" ("size")
    """,
    """
    CREATE INDEX "original_shared" ON "original" ("reference_count") WHERE ("reference_count" > 1)
    """,
    """
    CREATE INDEX "original_orphaned" ON "original" ("orphaned_at") WHERE ("orphaned_at" IS NOT NULL)
    """,
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
    """
    CREATE UNIQUE INDEX "burst_group_id" ON "burst" ("group_id")
    """,
    """
    CREATE TABLE "duplicate_group" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "duplicate_type" TEXT NOT NULL,
        "duplicate_class" TEXT NOT NULL,
        "confidence" REAL NOT NULL,
        "rule" TEXT NOT NULL,
        "reviewed" INTEGER NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX "duplicategroup_key" ON "duplicate_group" ("key")
    """,
    """
    CREATE TABLE "duplicate_member" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "group_id" INTEGER NOT NULL,
        "original_id" INTEGER NOT NULL,
        "similarity" REAL NOT NULL,
        "is_primary" INTEGER NOT NULL,
        FOREIGN KEY ("group_id") REFERENCES "duplicate_group" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX "duplicatemember_original_id" ON "duplicate_member" ("original_id")
    """,
    """
    CREATE UNIQUE INDEX "duplicatemember_group_id_original_id"
        ON "duplicate_member" ("group_id", "original_id")
    """,
    """
    CREATE TABLE "file" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "root_id" INTEGER NOT NULL,
        "directory" BLOB NOT NULL,
        "name" BLOB NOT NULL,
        "radical" TEXT NOT NULL,
        "size" INTEGER NOT NULL,
        "mtime_ns" INTEGER NOT NULL,
        "ctime_ns" INTEGER NOT NULL,
        "device" INTEGER NOT NULL,
        "inode" INTEGER NOT NULL,
        "is_nested" INTEGER NOT NULL,
        "original_id" INTEGER,
        "status" TEXT NOT NULL,
        "error" TEXT,
        "deleted_at" TEXT,
        "first_seen_at" TEXT NOT NULL,
        "updated_at" TEXT NOT NULL,
        FOREIGN KEY ("root_id") REFERENCES "root" ("id"),
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE SET NULL
    )
    """,
    """
    CREATE INDEX "file_original_id" ON "file" ("original_id")
    """,
    """
    CREATE UNIQUE INDEX "file_root_id_directory_name" ON "file" ("root_id", "directory", "name")
    """,
    """
    CREATE INDEX "file_root_id_radical" ON "file" ("root_id", "radical")
    """,
    """
    CREATE INDEX "file_inode_size" ON "file" ("inode", "size")
    """,
    """
    CREATE TABLE "group_member" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "group_id" INTEGER NOT NULL,
        "file_id" INTEGER NOT NULL,
        "file_type" TEXT NOT NULL,
        "is_primary" INTEGER NOT NULL,
        "evidence" TEXT NOT NULL,
        FOREIGN KEY ("group_id") REFERENCES "file_group" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("file_id") REFERENCES "file" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX "groupmember_file_id" ON "group_member" ("file_id")
    """,
    """
    CREATE UNIQUE INDEX "groupmember_group_id_file_id" ON "group_member" ("group_id", "file_id")
    """,
    """
    CREATE TABLE "job" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "argument" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "is_discovered" INTEGER NOT NULL,
        "total" INTEGER,
        "succeeded" INTEGER NOT NULL,
        "failed" INTEGER NOT NULL,
        "cancel_requested" INTEGER NOT NULL,
        "error" TEXT,
        "result" TEXT,
        "created_at" TEXT NOT NULL,
        "started_at" TEXT,
        "finished_at" TEXT
    )
    """,
    """
    CREATE INDEX "job_state" ON "job" ("state")
    """,
    """
    CREATE TABLE "job_batch" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "job_id" INTEGER NOT NULL,
        "number" INTEGER NOT NULL,
        "state" TEXT NOT NULL,
        "items" TEXT NOT NULL,
        "retries" INTEGER NOT NULL,
        "succeeded" INTEGER NOT NULL,
        "failed" INTEGER NOT NULL,
        "error" TEXT,
        FOREIGN KEY ("job_id") REFERENCES "job" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE UNIQUE INDEX "jobbatch_job_id_number" ON "job_batch" ("job_id", "number")
    """,
    """
    CREATE TABLE "meta" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "value" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "tag" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL
    )
    """,
    """
    CREATE UNIQUE INDEX "tag_name" ON "tag" ("name")
    """,
    """
    CREATE TABLE "original_tag" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "original_id" INTEGER NOT NULL,
        "tag_id" INTEGER NOT NULL,
        "source" TEXT NOT NULL,
        "confidence" REAL,
        FOREIGN KEY ("original_id") REFERENCES "original" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("tag_id") REFERENCES "tag" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE INDEX "originaltag_tag_id" ON "original_tag" ("tag_id")
    """,
    """
    CREATE UNIQUE INDEX "originaltag_original_id_tag_id_source"
        ON "original_tag" ("original_id", "tag_id", "source")
    """,
    """
    CREATE TABLE "outbox" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "target" TEXT NOT NULL,
        "body" BLOB NOT NULL,
        "attempts" INTEGER NOT NULL,
        "not_before" REAL NOT NULL,
        "given_up" INTEGER NOT NULL,
        "error" TEXT,
        "created_at" TEXT NOT NULL
    )
    """,
    """
    CREATE INDEX "outboxentry_given_up_not_before" ON "outbox" ("given_up", "not_before")
    """,
    """
    CREATE TABLE "revision" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "entity" TEXT NOT NULL,
        "entity_key" TEXT NOT NULL,
        "actor" TEXT NOT NULL,
        "at" TEXT NOT NULL,
        "what" TEXT NOT NULL,
        "before" TEXT,
        "after" TEXT
    )
    """,
    """
    CREATE INDEX "revision_entity_entity_key" ON "revision" ("entity", "entity_key")
    """,
    """
    CREATE TABLE "user_decision" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "sha256" TEXT NOT NULL,
        "other_sha256" TEXT NOT NULL,
        "verb" TEXT NOT NULL,
        "value" TEXT,
        "decided_at" TEXT NOT NULL,
        "withdrawn_at" TEXT
    )
    """,
    """
    CREATE INDEX "userdecision_sha256_verb" ON "user_decision" ("sha256", "verb")
    """,
    """
    CREATE TABLE "work_item" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "root_id" INTEGER NOT NULL,
        "path" BLOB NOT NULL,
        "reason" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "not_before" REAL NOT NULL,
        "leased_until" REAL,
        "sampled" TEXT,
        "error" TEXT,
        "created_at" TEXT NOT NULL,
        FOREIGN KEY ("root_id") REFERENCES "root" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE UNIQUE INDEX "workitem_root_id_path" ON "work_item" ("root_id", "path")
    """,
    """
    CREATE INDEX "workitem_state_not_before" ON "work_item" ("state", "not_before")
    """,
)

TABLES = (
    "action",
    "catalog",
    "root",
    "action_step",
    "file_group",
    "original",
    "burst",
    "duplicate_group",
    "duplicate_member",
    "file",
    "group_member",
    "job",
    "job_batch",
    "meta",
    "tag",
    "original_tag",
    "outbox",
    "revision",
    "user_decision",
    "work_item",
)


def up(migrator: Any, db: Any) -> None:
    """Create every table and index."""
    for statement in STATEMENTS:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Drop them again, the referring tables first."""
    for table in reversed(TABLES):
        db.execute_sql(f'DROP TABLE "{table}"')
