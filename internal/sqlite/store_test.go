package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestStoreColumnsForPeople(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hearth.db")
	store := openAt(t, path, worldtest.NewClock()).Store()
	reader, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()

	type columns struct {
		ip         string
		players    int
		status     string
		generation int64
	}
	expectColumns := func(want columns) {
		t.Helper()
		var got columns
		err := reader.QueryRowContext(t.Context(),
			"SELECT ip, online_players, status, generation FROM worlds WHERE guild = '1' AND world = 'midgard'").
			Scan(&got.ip, &got.players, &got.status, &got.generation)
		if err != nil || got != want {
			t.Errorf("columns = %+v, %v; want %+v", got, err, want)
		}
	}

	row := world.Row{Key: world.Key{Guild: "1", World: "midgard"}, State: world.NewState("midgard")}
	if row.ETag, err = store.Insert(t.Context(), row); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	expectColumns(columns{status: "stopped"})

	row.State.Generation = 4
	row.State.Status = world.Loading
	row.State.Boot.Up = true
	row.State.Boot.Machine.Address = "203.0.113.7"
	if row.ETag, err = store.Replace(t.Context(), row); err != nil {
		t.Fatalf("Replace: %v", err)
	}
	expectColumns(columns{ip: "203.0.113.7", players: -1, status: "loading", generation: 4})

	row.State.Generation = 5
	row.State.Status = world.Online
	row.State.Boot.Known = true
	row.State.Boot.Players = []world.Player{{Owner: "1", Name: "Ragna"}, {Owner: "2", Name: "Odd"}}
	if row.ETag, err = store.Replace(t.Context(), row); err != nil {
		t.Fatalf("Replace: %v", err)
	}
	expectColumns(columns{ip: "203.0.113.7", players: 2, status: "online", generation: 5})
}
