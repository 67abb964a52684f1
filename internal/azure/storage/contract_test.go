package storage_test

import (
	"encoding/json"
	"testing"
	"time"

	"hearth/internal/world"
	"hearth/internal/world/worldtest"
)

func TestQueueContract(t *testing.T) {
	t.Parallel()
	worldtest.Queue(t, func(t *testing.T, _ world.Clock) world.Queue { return openOn(t, nil).Queue(newQueue(t)) },
		worldtest.PassTime(pass))
}

func TestStoreContract(t *testing.T) {
	worldtest.Store(t, func(t *testing.T, _ world.Clock) world.Store {
		emptyTable(t, "worlds")
		return openOn(t, nil).Store()
	}, worldtest.PassTime(pass))
}

func TestArchiveContract(t *testing.T) {
	worldtest.Archive(t, func(t *testing.T, _ world.Clock) worldtest.ArchiveUnderTest {
		emptyTable(t, "archive")
		return worldtest.ArchiveUnderTest{Archive: openOn(t, nil).Archive(), Stored: stored, Now: time.Now}
	}, worldtest.PassTime(pass))
}

// stored reads a body as the keeper finds it: by its name.
func stored(t *testing.T, name string) []byte {
	t.Helper()
	pages := rawTable(t, "archive").NewListEntitiesPager(nil)
	for pages.More() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, entity := range page.Entities {
			var row struct {
				Name string `json:"name"`
				Body []byte `json:"body"`
			}
			if err := json.Unmarshal(entity, &row); err != nil {
				t.Fatal(err)
			}
			if row.Name == name {
				return row.Body
			}
		}
	}
	return nil
}
