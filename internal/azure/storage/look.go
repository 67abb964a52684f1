package storage

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"hearth/internal/azure/account"
	"hearth/internal/world"
)

// HasQueue tells whether there is a queue, and about how many messages are in it,
// hidden ones included.
func (s *Storage) HasQueue(ctx context.Context, name string) (there bool, messages int, err error) {
	p, err := s.queues.NewQueueClient(name).GetProperties(ctx, nil)
	if account.Code(err) == "QueueNotFound" {
		return false, 0, nil
	}
	if err != nil {
		return false, 0, account.Fail("look at queue "+name, err)
	}
	if p.ApproximateMessagesCount != nil {
		messages = int(*p.ApproximateMessagesCount)
	}
	return true, messages, nil
}

// Tables names the tables of a deployment.
func Tables() []string { return []string{worldsTable, archiveTable} }

// HasTable tells whether there is a table.
func (s *Storage) HasTable(ctx context.Context, name string) (bool, error) {
	one := int32(1)
	pages := s.tables.NewClient(name).NewListEntitiesPager(&aztables.ListEntitiesOptions{Top: &one})
	_, err := pages.NextPage(ctx)
	if account.Code(err) == string(aztables.TableNotFound) {
		return false, nil
	}
	if err != nil {
		return false, account.Fail("look at table "+name, err)
	}
	return true, nil
}

// Queues names the queues of a deployment with these worlds, without that which
// the Functions host makes when it needs it.
func Queues(worldIDs []string) []string {
	names := []string{world.EventsQueue}
	for _, id := range worldIDs {
		names = append(names, world.OrdersQueue(id))
	}
	return names
}
