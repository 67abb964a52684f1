package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

var _ world.Store = (*Store)(nil)

// Store keeps the worlds' rows in the table worlds: the state document, and
// beside it what people read (ip, online_players, status, generation).
type Store struct{ table *aztables.Client }

// Store returns the account's rows.
func (s *Storage) Store() *Store { return &Store{table: s.tables.NewClient(worldsTable)} }

// The columns of a row.
const (
	ipColumn         = "ip"
	playersColumn    = "online_players"
	statusColumn     = "status"
	generationColumn = "generation"
	stateColumn      = "state"
)

// Load implements world.Store. A row that Hearth did not write so is
// world.ErrMalformed or world.ErrSchema, and the error says which column.
func (s *Store) Load(ctx context.Context, key world.Key) (world.Row, error) {
	act := "load row " + name(key)
	got, err := s.table.GetEntity(ctx, key.Guild, key.World, nil)
	if err != nil {
		if code := account.Code(err); code == string(aztables.ResourceNotFound) || code == string(aztables.EntityNotFound) {
			return world.Row{}, fmt.Errorf("%s: %w", act, world.ErrNotFound)
		}
		return world.Row{}, fail(act, worldsTable, err)
	}
	state, err := readRow(key, got.Value)
	if err != nil {
		return world.Row{}, fmt.Errorf("%s of table %s: %w", act, worldsTable, err)
	}
	return world.Row{Key: key, State: state, ETag: string(got.ETag)}, nil
}

// Insert implements world.Store.
func (s *Store) Insert(ctx context.Context, row world.Row) (string, error) {
	act := "insert row " + name(row.Key)
	entity, err := writeRow(row)
	if err != nil {
		return "", fmt.Errorf("%s: %w", act, err)
	}
	done, err := s.table.AddEntity(ctx, entity, nil)
	if account.Code(err) == string(aztables.EntityAlreadyExists) {
		return "", fmt.Errorf("%s: %w", act, world.ErrConflict)
	}
	if err != nil {
		return "", fail(act, worldsTable, err)
	}
	return stored(act, done.ETag)
}

// Replace implements world.Store. A row that does not exist is
// world.ErrConflict too.
func (s *Store) Replace(ctx context.Context, row world.Row) (string, error) {
	act := "replace row " + name(row.Key)
	// To the service no tag at all means any, as "*" does.
	if row.ETag == "" || row.ETag == string(azcore.ETagAny) {
		return "", fmt.Errorf("%s: etag %q names no row that was read: %w", act, row.ETag, world.ErrConflict)
	}
	entity, err := writeRow(row)
	if err != nil {
		return "", fmt.Errorf("%s: %w", act, err)
	}
	read := azcore.ETag(row.ETag)
	done, err := s.table.UpdateEntity(ctx, entity, &aztables.UpdateEntityOptions{IfMatch: &read, UpdateMode: aztables.UpdateModeReplace})
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok && refused.ErrorCode != string(aztables.TableNotFound) &&
		(refused.StatusCode == http.StatusPreconditionFailed || refused.StatusCode == http.StatusNotFound) {
		return "", fmt.Errorf("%s: %w", act, world.ErrConflict)
	}
	if err != nil {
		return "", fail(act, worldsTable, err)
	}
	return stored(act, done.ETag)
}

// stored makes sure that a write has told its row's tag: without one the row
// could not be written again before it is read.
func stored(act string, etag azcore.ETag) (string, error) {
	if etag == "" {
		return "", fmt.Errorf("%s: the service's reply has no etag", act)
	}
	return string(etag), nil
}

// fail names a table that is missing.
func fail(act, table string, err error) error {
	if account.Code(err) == string(aztables.TableNotFound) {
		return fmt.Errorf("%s: there is no table %s; %s", act, table, howToMake)
	}
	return account.Fail(act+" of table "+table, err)
}

// columns are what people read of a state.
func columns(s *world.State) map[string]string {
	return map[string]string{
		ipColumn: s.Boot.Machine.Address, playersColumn: strconv.Itoa(s.OnlinePlayers()),
		statusColumn: string(s.Status), generationColumn: strconv.FormatInt(s.Generation, 10),
	}
}

// writeRow makes the entity of a row.
func writeRow(row world.Row) ([]byte, error) {
	if row.State.World != row.Key.World {
		return nil, fmt.Errorf("the state is world %q's", row.State.World)
	}
	document, err := row.State.Encode()
	if err != nil {
		return nil, err
	}
	c := columns(&row.State)
	return json.Marshal(map[string]any{
		"PartitionKey": row.Key.Guild, "RowKey": row.Key.World,
		ipColumn: c[ipColumn], statusColumn: c[statusColumn],
		playersColumn:    row.State.OnlinePlayers(),
		generationColumn: c[generationColumn], generationColumn + "@odata.type": "Edm.Int64",
		stateColumn: string(document),
	})
}

// readRow takes a row's state out of its entity.
func readRow(key world.Key, entity []byte) (world.State, error) {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(entity, &found); err != nil {
		return world.State{}, fmt.Errorf("%w: %w", world.ErrMalformed, err)
	}
	const anew = "put back what stood there. If nobody knows, make sure in the portal that the world's scale set has no machine and delete the row: the world begins anew as stopped, its save is not touched"
	var document string
	if err := json.Unmarshal(found[stateColumn], &document); err != nil {
		return world.State{}, fmt.Errorf("%w: column %s is missing or no text: %s", world.ErrMalformed, stateColumn, anew)
	}
	s, err := world.DecodeState([]byte(document))
	switch {
	case errors.Is(err, world.ErrSchema):
		return world.State{}, fmt.Errorf("column %s: %w: run the version of Hearth that wrote it, or a newer one", stateColumn, err)
	case err != nil:
		return world.State{}, fmt.Errorf("column %s: %w: %s", stateColumn, err, anew)
	case s.World != key.World:
		return world.State{}, fmt.Errorf("column %s: %w: it is world %q's: %s", stateColumn, world.ErrMalformed, s.World, anew)
	case s.Schema != world.SchemaVersion:
		return s, nil // another version's columns may be others
	}
	want := columns(&s)
	for _, column := range []string{ipColumn, playersColumn, statusColumn, generationColumn} {
		if got := text(found[column]); got != want[column] {
			return world.State{}, fmt.Errorf("%w: column %s is %.60q, where the state says %q: somebody edited the row. The state counts, the columns are for people to read: set %s to %q again",
				world.ErrMalformed, column, got, want[column], column, want[column])
		}
	}
	return s, nil
}

// text is what a property says, whether it is written as text or as a number. A
// missing one says nothing.
func text(property json.RawMessage) string {
	var s string
	if json.Unmarshal(property, &s) == nil {
		return s
	}
	return string(property)
}

func name(key world.Key) string { return key.Guild + "/" + key.World }
