package storage_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"hearth/internal/world"
)

// A row that somebody edited by hand is an error that says where and what to
// do; it is never written over, and never a panic.
func TestRowEditedByHand(t *testing.T) {
	table := emptyTable(t, "worlds")
	s := openOn(t, nil).Store()
	state := world.NewState("midgard")
	state.Generation = 1 << 60
	state.Boot.Machine.Address = "203.0.113.7"
	document, err := state.Encode()
	if err != nil {
		t.Fatal(err)
	}
	written := world.Row{Key: key, State: state}
	if written.ETag, err = s.Insert(t.Context(), written); err != nil {
		t.Fatal(err)
	}
	with := func(name string, v any) func(m map[string]any) { return func(m map[string]any) { m[name] = v } }
	without := func(name string) func(m map[string]any) {
		return func(m map[string]any) { delete(m, name); delete(m, name+"@odata.type") }
	}
	inState := func(old, changed string) func(m map[string]any) {
		if !strings.Contains(string(document), old) {
			t.Fatalf("the document has no %q: %s", old, document)
		}
		return with("state", strings.Replace(string(document), old, changed, 1))
	}
	for _, tc := range []struct {
		name   string
		edit   func(m map[string]any)
		is     error // nil: it loads
		column string
	}{
		{"untouched", func(map[string]any) {}, nil, ""},
		{"a column more", with("note", "mine"), nil, ""},
		{"players as text", with("online_players", "0"), nil, ""},
		{"generation as a number is another's type", func(m map[string]any) {
			m["generation"], m["generation@odata.type"] = "1152921504606846976", "Edm.String"
		}, nil, ""},
		{"state is no JSON", with("state", "online please"), world.ErrMalformed, "state"},
		{"state is empty", with("state", ""), world.ErrMalformed, "state"},
		{"state is a list", with("state", "[]"), world.ErrMalformed, "state"},
		{"state is null", with("state", "null"), world.ErrSchema, "state"},
		{"state is cut", with("state", string(document[:len(document)-1])), world.ErrMalformed, "state"},
		{"state is a number", with("state", 7), world.ErrMalformed, "state"},
		{"state is gone", without("state"), world.ErrMalformed, "state"},
		{"state has a field of another type", inState(`"generation":`, `"generation":"x","g":`), world.ErrMalformed, "state"},
		{"state of another world", inState(`"midgard"`, `"asgard"`), world.ErrMalformed, "state"},
		{"schema of the future", inState(`"schema":1`, `"schema":99`), world.ErrSchema, "state"},
		{"no schema", inState(`"schema":1`, `"schema":0`), world.ErrSchema, "state"},
		{"another status", with("status", "online"), world.ErrMalformed, "status"},
		{"status is gone", without("status"), world.ErrMalformed, "status"},
		{"status is a number", with("status", 3), world.ErrMalformed, "status"},
		{"another address", with("ip", "198.51.100.1"), world.ErrMalformed, "ip"},
		{"address is gone", without("ip"), world.ErrMalformed, "ip"},
		{"players", with("online_players", 4), world.ErrMalformed, "online_players"},
		{"generation", with("generation", "1152921504606846977"), world.ErrMalformed, "generation"},
		{"generation is gone", without("generation"), world.ErrMalformed, "generation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			entity := map[string]any{
				"PartitionKey": key.Guild, "RowKey": key.World, "ip": "203.0.113.7", "online_players": 0, "status": "stopped",
				"generation": "1152921504606846976", "generation@odata.type": "Edm.Int64", "state": string(document),
			}
			tc.edit(entity)
			whatever := azcore.ETagAny // people's tools write so
			b, err := json.Marshal(entity)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := table.UpdateEntity(t.Context(), b, &aztables.UpdateEntityOptions{IfMatch: &whatever, UpdateMode: aztables.UpdateModeReplace}); err != nil {
				t.Fatal(err)
			}
			// Whoever read the row before the edit does not write over it.
			if _, err := s.Replace(t.Context(), written); !errors.Is(err, world.ErrConflict) {
				t.Errorf("Replace = %v, want ErrConflict", err)
			}
			row, err := s.Load(t.Context(), key)
			if tc.is == nil {
				if err != nil || row.State.Generation != state.Generation {
					t.Errorf("Load = %+v, %v; want the row", row, err)
				}
				return
			}
			if !errors.Is(err, tc.is) {
				t.Fatalf("Load = %v, want %v", err, tc.is)
			}
			for _, want := range []string{key.Guild, key.World, "column " + tc.column} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want it to name %q", err, want)
				}
			}
			if row.ETag != "" {
				t.Errorf("Load = %+v, want no row beside the error", row)
			}
		})
	}
}

// A row that Load would refuse is not written.
func TestStateOfAnotherKey(t *testing.T) {
	s := openOn(t, nil).Store()
	row := world.Row{Key: key, State: world.NewState("asgard")}
	if _, err := s.Insert(t.Context(), row); err == nil || !strings.Contains(err.Error(), "asgard") {
		t.Errorf("Insert of another world's state = %v, want an error that names it", err)
	}
}
