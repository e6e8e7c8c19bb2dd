"""The journal of actions gets the form in which it is written; it held nothing before."""

from typing import Any

UP = (
    'DROP TABLE "action_step"',
    'DROP TABLE "action"',
    """
    CREATE TABLE "action" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "plan_id" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "created_at" TEXT NOT NULL,
        "finished_at" TEXT
    )
    """,
    """
    CREATE TABLE "action_step" (
        "id" INTEGER NOT NULL PRIMARY KEY,
        "action_id" INTEGER NOT NULL,
        "number" INTEGER NOT NULL,
        "unit" INTEGER NOT NULL,
        "kind" TEXT NOT NULL,
        "root_id" INTEGER NOT NULL,
        "victim" BLOB NOT NULL,
        "keeper_root_id" INTEGER NOT NULL,
        "keeper" BLOB NOT NULL,
        "sha256" TEXT NOT NULL,
        "size" INTEGER NOT NULL,
        "rule" TEXT NOT NULL,
        "token" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "reason" TEXT NOT NULL,
        "evidence" TEXT NOT NULL,
        "updated_at" TEXT NOT NULL,
        FOREIGN KEY ("action_id") REFERENCES "action" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("root_id") REFERENCES "root" ("id"),
        FOREIGN KEY ("keeper_root_id") REFERENCES "root" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "actionstep_action_id_number" ON "action_step" ("action_id", "number")',
    'CREATE INDEX "actionstep_state" ON "action_step" ("state")',
    'CREATE UNIQUE INDEX "actionstep_token" ON "action_step" ("token")',
)
DOWN = (
    'DROP TABLE "action_step"',
    'DROP TABLE "action"',
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
    'CREATE UNIQUE INDEX "action_plan_id" ON "action" ("plan_id")',
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
    'CREATE UNIQUE INDEX "actionstep_action_id_number" ON "action_step" ("action_id", "number")',
)


def up(migrator: Any, db: Any) -> None:
    """Make both tables anew."""
    for statement in UP:
        db.execute_sql(statement)


def down(migrator: Any, db: Any) -> None:
    """Take the old form back; what was journalled is in the copy made before."""
    for statement in DOWN:
        db.execute_sql(statement)
