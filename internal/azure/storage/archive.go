package storage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

var _ world.Archive = (*Archive)(nil)

const (
	maxName = 200
	// archivePartition holds all of the archive: it is small, and only people
	// read it.
	archivePartition = "kept"
)

// Archive keeps bodies in the table archive. Its clock is the service's.
type Archive struct{ table *aztables.Client }

// Archive returns the account's archive.
func (s *Storage) Archive() *Archive { return &Archive{table: s.tables.NewClient(archiveTable)} }

// kept is a row of the table.
type kept struct {
	PartitionKey string
	RowKey       string // rowKey(Name)
	Name         string `json:"name"`
	Body         []byte `json:"body"`
	BodyType     string `json:"body@odata.type,omitempty"`
	// Keep names the call that stored it.
	Keep string `json:"keep"`
}

// Keep implements world.Archive. It resolves a lost reply by reading what is
// there: whoever is told "first" tells people.
func (a *Archive) Keep(ctx context.Context, name string, body []byte) (first bool, err error) {
	act := fmt.Sprintf("keep %.200q", name)
	if len(name) == 0 || len(name) > maxName || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
		return false, fmt.Errorf("%s: give it a name of 1 to %d printable ASCII characters", act, maxName)
	}
	if len(body) > world.MaxMessageBytes {
		return false, fmt.Errorf("%s: %w: %d bytes of at most %d", act, world.ErrTooLarge, len(body), world.MaxMessageBytes)
	}
	if body == nil {
		body = []byte{} // nil would be no property
	}
	k := kept{
		PartitionKey: archivePartition, RowKey: rowKey(name), Name: name,
		Body: body, BodyType: "Edm.Binary", Keep: rand.Text(),
	}
	entity, err := json.Marshal(k)
	if err != nil {
		return false, fmt.Errorf("%s: %w", act, err)
	}
	_, err = a.table.AddEntity(ctx, entity, nil)
	if account.Code(err) == string(aztables.EntityAlreadyExists) {
		return a.isOurs(ctx, act, k)
	}
	if err != nil {
		return false, fail(act, archiveTable, err)
	}
	return true, nil
}

// isOurs tells whether what stands in the way of k is k itself.
func (a *Archive) isOurs(ctx context.Context, act string, k kept) (bool, error) {
	got, err := a.table.GetEntity(ctx, k.PartitionKey, k.RowKey, nil)
	if err != nil {
		return false, fail(act, archiveTable, err)
	}
	var found struct {
		Keep string `json:"keep"`
	}
	if err := json.Unmarshal(got.Value, &found); err != nil {
		return false, fmt.Errorf("%s: %w: %w", act, world.ErrMalformed, err)
	}
	return found.Keep == k.Keep, nil
}

// Kept implements world.Archive.
func (a *Archive) Kept(ctx context.Context, since time.Time) (int, error) {
	filter := fmt.Sprintf("PartitionKey eq '%s'", archivePartition)
	if since.After(time.Unix(0, 0)) { // the service knows no time before 1601
		filter += " and Timestamp ge datetime'" + since.UTC().Format("2006-01-02T15:04:05.0000000Z") + "'"
	}
	columns := "RowKey"
	n := 0
	pages := a.table.NewListEntitiesPager(&aztables.ListEntitiesOptions{Filter: &filter, Select: &columns})
	for pages.More() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, fail("count what is kept", archiveTable, err)
		}
		n += len(page.Entities)
	}
	return n, nil
}

// The characters of a name that a row key may not have (/ \ # ?, "Understanding
// the Table service data model"), or that something on the way to it could take
// for its own, and the letters that stand for them behind a "~".
const (
	odd     = ` !"#$%&'()*+/;<>?[\]^{|}~` + "`"
	escaped = "abcdefghijklmnopqrstuvwxyz"
)

// rowKey is the name as a row key: two characters at most for each of the
// name's, for a key has at most 512.
func rowKey(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if at := strings.IndexByte(odd, name[i]); at >= 0 {
			b.WriteByte('~')
			b.WriteByte(escaped[at])
			continue
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
