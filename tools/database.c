/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "tools/database.h"

/* One of its tables. */
struct part {
	struct part *next;
	sqlite3_stmt *insert; /* owned */
	struct database *database;
};

struct database {
	sqlite3 *db;	    /* owned */
	struct part *parts; /* owned */
};

/* What the last call has failed with. */
static int error_of(const struct database *database)
{
	int system = database->db ? sqlite3_system_errno(database->db) : 0;

	switch (database->db ? sqlite3_errcode(database->db) & 0xff : SQLITE_NOMEM) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_TOOBIG:
		return -EMSGSIZE;
	default:
		return system > 0 ? -system : -EIO;
	}
}

static int execute(struct database *database, const char *sql)
{
	return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
									      : error_of(database);
}

int database_open(const char *path, struct database **ret)
{
	struct database *database = calloc(1, sizeof(*database));
	int err = 0;

	if (!database)
		return -ENOMEM;
	if (sqlite3_open_v2(path, &database->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		err = error_of(database);
	/* If it fails, the file is thrown away: there is nothing to go back to. */
	if (err == 0)
		err = execute(database, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
					"PRAGMA locking_mode = EXCLUSIVE; BEGIN");
	if (err < 0)
		database_close(database);
	else
		*ret = database;
	return err;
}

void database_close(struct database *database)
{
	if (!database)
		return;
	for (struct part *part = database->parts, *next; part; part = next) {
		next = part->next;
		sqlite3_finalize(part->insert);
		free(part);
	}
	sqlite3_close(database->db);
	free(database);
}

static int bind_words(sqlite3_stmt *insert, int at, const struct table_cell *cell)
{
	char *line = malloc(7 * cell->len + 3);

	if (!line)
		return SQLITE_NOMEM;
	return sqlite3_bind_text64(insert, at, line, table_line(cell->text, cell->len, line), free,
				   SQLITE_UTF8);
}

static int bind_cell(sqlite3_stmt *insert, int at, const struct table_cell *cell)
{
	switch (cell->kind) {
	case TABLE_INT:
	case TABLE_UINT: /* above 2^63 is only what is none of ours */
		return sqlite3_bind_int64(insert, at, cell->number);
	case TABLE_TEXT:
		return sqlite3_bind_text64(insert, at, cell->len ? cell->text : "", cell->len,
					   SQLITE_STATIC, SQLITE_UTF8);
	case TABLE_WORDS:
		return bind_words(insert, at, cell);
	default:
		return sqlite3_bind_null(insert, at);
	}
}

static int insert_row(void *arg, const struct table_cell *cells, unsigned n)
{
	struct part *part = arg;

	for (unsigned i = 0; i < n; i++)
		if (bind_cell(part->insert, (int)i + 1, &cells[i]) != SQLITE_OK)
			return error_of(part->database);
	if (sqlite3_step(part->insert) != SQLITE_DONE)
		return error_of(part->database);
	sqlite3_reset(part->insert);
	return 0;
}

/* Of a text with a %w for each name, and one for the table's. */
static int create(struct database *database, const char *name, const char *const *columns,
		  unsigned n)
{
	sqlite3_str *sql = sqlite3_str_new(database->db);
	char *text;
	int err;

	sqlite3_str_appendf(sql, "CREATE TABLE \"%w\" (", name);
	for (unsigned i = 0; i < n; i++)
		sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", columns[i]);
	sqlite3_str_append(sql, ")", 1);
	text = sqlite3_str_finish(sql);
	err = text ? execute(database, text) : -ENOMEM;
	sqlite3_free(text);
	return err;
}

static int prepare(struct database *database, const char *name, unsigned n, sqlite3_stmt **ret)
{
	sqlite3_str *sql = sqlite3_str_new(database->db);
	char *text;
	int is;

	sqlite3_str_appendf(sql, "INSERT INTO \"%w\" VALUES (", name);
	for (unsigned i = 0; i < n; i++)
		sqlite3_str_appendall(sql, i ? ", ?" : "?");
	sqlite3_str_append(sql, ")", 1);
	text = sqlite3_str_finish(sql);
	if (!text)
		return -ENOMEM;
	is = sqlite3_prepare_v2(database->db, text, -1, ret, NULL);
	sqlite3_free(text);
	return is == SQLITE_OK ? 0 : error_of(database);
}

int database_add(struct database *database, const char *name, struct table *table)
{
	unsigned n;
	const char *const *columns = table_names(table, &n);
	struct part *part = calloc(1, sizeof(*part));
	int err;

	if (!part)
		return -ENOMEM;
	part->database = database;
	part->next = database->parts;
	database->parts = part;
	err = create(database, name, columns, n);
	if (err == 0)
		err = prepare(database, name, n, &part->insert);
	if (err == 0)
		table_feed(table, insert_row, part);
	return err;
}

int database_commit(struct database *database)
{
	return execute(database, "COMMIT");
}
