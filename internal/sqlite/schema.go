package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
)

const (
	// schemaVersion is kept in the file's user_version; schema/<n>.sql leads
	// from n-1 to n.
	schemaVersion = 2
	// applicationID marks the file as Hearth's in its header ("Hrth").
	applicationID = 0x48727468
)

//go:embed schema/*.sql
var schemas embed.FS

// migrate brings the file to schemaVersion, one transaction a step: a step is
// done with its version number or not at all.
func migrate(ctx context.Context, db *sql.DB) error {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	for v := version + 1; v <= schemaVersion; v++ {
		if err := migrateTo(ctx, db, v); err != nil {
			return fmt.Errorf("bring schema to version %d: %w", v, err)
		}
	}
	return nil
}

func migrateTo(ctx context.Context, db *sql.DB, version int) error {
	text, err := schemas.ReadFile(fmt.Sprintf("schema/%d.sql", version))
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	// A PRAGMA takes no parameters; both values are constants of this file.
	marks := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", version, applicationID)
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return err
	}
	return tx.Commit()
}
